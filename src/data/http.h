// Requests by HTTP, through libcurl.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/export.h"

namespace gemel::data {

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  // "name: value"
  std::string signer, key, secret;   // of libcurl's AWS_SIGV4; an empty signer: not signed
  int64_t begin = 0, end = -1;       // bytes that are wanted; end < 0: all from `begin` on
  int64_t timeout = 30;              // seconds without progress (less than a kilobyte each)
  bool verify = true;                // the server's certificate
};

struct HttpReply {
  int status = 0;  // 0: there was no reply, and `failure` says why
  std::string failure;
  std::string body;
  std::string etag;
  int64_t total = -1;  // of which the body is a part, where the server says so
};

// A client with a connection that it keeps. Not for use by two threads at once.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual HttpReply get(const HttpRequest& request) = 0;
};

// Whether this build has libcurl.
GEMEL_EXPORT bool has_http();
// Error(Environment) that says what to do in a build without libcurl.
std::unique_ptr<HttpClient> make_http_client();

}  // namespace gemel::data
