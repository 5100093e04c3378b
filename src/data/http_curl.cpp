#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <mutex>

#include "base/error.h"
#include "data/http.h"

namespace gemel::data {
namespace {

// Of a body that was not asked for: a server that knows no ranges sends the whole file.
constexpr size_t largest_whole_body = size_t{4} << 30;

class CurlClient final : public HttpClient {
 public:
  CurlClient() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    curl_ = curl_easy_init();
    if (!curl_) fail(ErrorKind::Environment, "libcurl cannot be started");
  }
  ~CurlClient() override { curl_easy_cleanup(curl_); }
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  HttpReply get(const HttpRequest& request) override {
    reply_ = {};
    curl_easy_reset(curl_);  // keeps the connection
    char text[CURL_ERROR_SIZE] = {};
    std::string range = std::to_string(request.begin) + "-";
    if (request.end >= 0) range += std::to_string(request.end - 1);
    curl_slist* headers = nullptr;
    for (const std::string& one : request.headers)
      headers = curl_slist_append(headers, one.c_str());
    const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl_, option, value); };
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PATH_AS_IS, 1L);  // what was signed is what is sent
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, 5L);
    set(CURLOPT_HTTPHEADER, headers);
    if (!request.signer.empty()) {
      set(CURLOPT_AWS_SIGV4, request.signer.c_str());
      set(CURLOPT_USERNAME, request.key.c_str());
      set(CURLOPT_PASSWORD, request.secret.c_str());
    }
    set(CURLOPT_RANGE, range.c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "gemel");
    set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.timeout));
    set(CURLOPT_LOW_SPEED_LIMIT, 1024L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.timeout));
    set(CURLOPT_SSL_VERIFYPEER, request.verify ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, request.verify ? 2L : 0L);
    set(CURLOPT_ERRORBUFFER, text);
    set(CURLOPT_WRITEFUNCTION, &CurlClient::on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_HEADERFUNCTION, &CurlClient::on_header);
    set(CURLOPT_HEADERDATA, this);
    const CURLcode code = curl_easy_perform(curl_);
    curl_slist_free_all(headers);
    long status = 0;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    reply_.status = code == CURLE_OK ? static_cast<int>(status) : 0;
    if (code != CURLE_OK && reply_.failure.empty())
      reply_.failure = *text ? text : curl_easy_strerror(code);
    return std::move(reply_);
  }

 private:
  static size_t on_body(char* bytes, size_t one, size_t count, void* self) {
    HttpReply& reply = static_cast<CurlClient*>(self)->reply_;
    if (reply.body.size() + one * count > largest_whole_body) {
      reply.failure = "the server knows no range requests, and the file is larger than 4 GiB";
      return 0;
    }
    reply.body.append(bytes, one * count);
    return one * count;
  }

  static size_t on_header(char* bytes, size_t one, size_t count, void* self) {
    HttpReply& reply = static_cast<CurlClient*>(self)->reply_;
    const std::string_view line(bytes, one * count);
    if (line.starts_with("HTTP/")) {  // another reply, after a redirection
      reply.etag.clear();
      reply.total = -1;
      reply.body.clear();
    }
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
      std::string name(line.substr(0, colon));
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      });
      std::string_view value = line.substr(colon + 1);
      const size_t first = value.find_first_not_of(" \t"), last = value.find_last_not_of(" \t\r\n");
      value = first == std::string_view::npos ? "" : value.substr(first, last - first + 1);
      if (name == "etag") reply.etag = value;
      if (name == "content-range") {
        const size_t slash = value.rfind('/');
        if (slash != std::string_view::npos)
          std::from_chars(value.data() + slash + 1, value.data() + value.size(), reply.total);
      }
    }
    return one * count;
  }

  CURL* curl_;
  HttpReply reply_;
};

}  // namespace

bool has_http() { return true; }

std::unique_ptr<HttpClient> make_http_client() { return std::make_unique<CurlClient>(); }

}  // namespace gemel::data
