"""A server of files on this machine, as tests need it: with ranges, failures, and S3's signatures."""
import contextlib
import hashlib
import hmac
import http.server
import re
import threading
import time
import urllib.parse

KEY, SECRET, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-test-1"


class Files:
    """What the server has and how it behaves.

    Attributes
    ----------
    content : dict from path to bytes
    ranges : bool
        Whether it knows range requests.
    failures : list
        For the next requests: a status, "cut" (less than announced) or "stall".
    signed : bool
        Whether requests must have a valid signature.
    requests : list of (path, range)
    """

    def __init__(self):
        self.content, self.ranges, self.failures, self.signed = {}, True, [], False
        self.requests, self.token, self.address = [], None, None
        self.released = threading.Event()

    def url(self, path):
        return f"{self.address}/{path}"


def signature(secret, text, day, region):
    key = b"AWS4" + secret.encode()
    for part in (day, region, "s3", "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def is_signed(files, method, path, headers):
    """Whether the Authorization header is what the key's owner would have written."""
    found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?"
                         r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})",
                         headers.get("Authorization", ""))
    if not found or found[1] != KEY or found[3] != REGION:
        return False
    if files.token and headers.get("x-amz-security-token") != files.token:
        return False
    names = found[4].split(";")
    canonical = "\n".join([method, path, "", *(f"{name}:{headers[name].strip()}" for name in names),
                           "", found[4], headers["x-amz-content-sha256"]])
    when = headers["x-amz-date"]
    text = "\n".join(["AWS4-HMAC-SHA256", when, f"{found[2]}/{REGION}/s3/aws4_request",
                      hashlib.sha256(canonical.encode()).hexdigest()])
    seconds = time.mktime(time.strptime(when + "UTC", "%Y%m%dT%H%M%SZ%Z")) - time.timezone
    return "host" in names and abs(seconds - time.time()) < 900 \
        and hmac.compare_digest(signature(SECRET, text, found[2], REGION), found[5])


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files = None

    def log_message(self, *_):
        pass

    def _reply(self, status, body=b"", announced=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(announced or len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        """One request."""
        files = self.files
        files.requests.append((self.path, self.headers.get("Range")))
        failure = files.failures.pop(0) if files.failures else None
        if isinstance(failure, int):
            return self._reply(failure, b"try again")
        if failure == "stall":
            files.released.wait(20)
            self.close_connection = True
            return None
        if files.signed and not is_signed(files, "GET", self.path, self.headers):
            return self._reply(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        content = files.content.get(urllib.parse.unquote(self.path))
        if content is None:
            return self._reply(404, b"no such key")
        tag = hashlib.md5(content).hexdigest()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not wanted or not files.ranges:
            return self._reply(200, content, ETag=tag)
        begin = int(wanted[1])
        end = min(int(wanted[2]) + 1 if wanted[2] else len(content), len(content))
        if begin >= len(content):
            return self._reply(416, Content_Range=f"bytes */{len(content)}")
        body = content[begin:end]
        span = f"bytes {begin}-{end - 1}/{len(content)}"
        if failure == "cut":
            self.close_connection = True
            return self._reply(206, body[:-1], len(body), Content_Range=span, ETag=tag)
        return self._reply(206, body, Content_Range=span, ETag=tag)


@contextlib.contextmanager
def serve():
    """A running server, as its `Files`."""
    files = Files()
    handler = type("Handler", (_Handler,), {"files": files})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    files.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield files
    finally:
        files.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
