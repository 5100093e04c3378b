// In place of http_curl.cpp where libcurl was not found.
#include "base/error.h"
#include "data/http.h"

namespace gemel::data {

bool has_http() { return false; }

std::unique_ptr<HttpClient> make_http_client() {
  fail(ErrorKind::Environment,
       "http://, https:// and s3:// need libcurl, which this build lacks: install its development "
       "package (on Debian libcurl4-openssl-dev) and build again, or copy the file first");
}

}  // namespace gemel::data
