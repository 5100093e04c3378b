#include "data/s3.h"

#include <cstdlib>
#include <initializer_list>

#include "base/error.h"
#include "data/sha256.h"

namespace gemel::data {
namespace {

std::string first_of(std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const char* value = std::getenv(name); value && *value) return value;
  return "";
}

// All but letters, digits, "-._~" and '/' as %XX.
std::string encoded(std::string_view path) {
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
        c == '.' || c == '_' || c == '~' || c == '/')
      text += c;
    else
      text += fmt::format("%{:02X}", byte);
  }
  return text;
}

std::string time_text(std::time_t now, const char* format) {
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

// "scheme://host:port" and what follows it.
std::pair<std::string, std::string> split_url(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t path = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  if (path == std::string::npos) return {url, ""};
  return {url.substr(0, path), url.substr(path)};
}

}  // namespace

S3Account s3_account_of_environment() {
  S3Account account;
  account.key = first_of({"S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"});
  account.secret = first_of({"S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"});
  account.token = first_of({"S3_SESSION_TOKEN", "AWS_SESSION_TOKEN"});
  if (auto region = first_of({"S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"}); !region.empty())
    account.region = region;
  account.endpoint = first_of({"S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  account.verify = first_of({"S3_VERIFY_SSL"}) != "0";
  GEMEL_CHECK(
      account.key.empty() == account.secret.empty(),
      "s3: expected both S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY (or their AWS_ forms) in "
      "the environment, got one of them");
  return account;
}

HttpRequest s3_request(std::string_view path, const S3Account& account, std::time_t now) {
  const std::string_view rest = path.starts_with("s3://") ? path.substr(5) : std::string_view();
  const size_t slash = rest.find('/');
  GEMEL_CHECK(slash != std::string_view::npos && slash > 0 && slash + 1 < rest.size(),
              "'{}': expected s3://bucket/key", path);
  const std::string bucket(rest.substr(0, slash)), key = encoded(rest.substr(slash));
  std::string base = account.endpoint, location = key;
  if (!base.empty() && base.find("://") == std::string::npos) base = "https://" + base;
  while (base.ends_with('/')) base.pop_back();
  // Dots in a bucket's name do not match the certificate of a name of its own.
  if (!base.empty() || bucket.find('.') != std::string::npos) {
    if (base.empty()) base = "https://s3." + account.region + ".amazonaws.com";
    location = "/" + encoded(bucket) + key;
  } else {
    base = "https://" + bucket + ".s3." + account.region + ".amazonaws.com";
  }
  HttpRequest request;
  request.url = base + location;
  request.verify = account.verify;
  if (account.key.empty()) return request;

  const auto [server, signed_path] = split_url(request.url);
  const std::string host = server.substr(server.find("://") + 3);
  const std::string time = time_text(now, "%Y%m%dT%H%M%SZ"), day = time.substr(0, 8);
  const std::string empty = hexadecimal(sha256(""));
  std::string headers =
      "host:" + host + "\nx-amz-content-sha256:" + empty + "\nx-amz-date:" + time + "\n";
  std::string names = "host;x-amz-content-sha256;x-amz-date";
  if (!account.token.empty()) {
    headers += "x-amz-security-token:" + account.token + "\n";
    names += ";x-amz-security-token";
  }
  const std::string canonical =
      "GET\n" + signed_path + "\n\n" + headers + "\n" + names + "\n" + empty;
  const std::string scope = day + "/" + account.region + "/s3/aws4_request";
  const std::string text =
      "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + hexadecimal(sha256(canonical));
  std::string signing = "AWS4" + account.secret;
  for (const std::string& part :
       {day, account.region, std::string("s3"), std::string("aws4_request")})
    signing = bytes_of(hmac_sha256(signing, part));
  request.headers = {"x-amz-content-sha256: " + empty, "x-amz-date: " + time,
                     "Authorization: AWS4-HMAC-SHA256 Credential=" + account.key + "/" + scope +
                         ",SignedHeaders=" + names +
                         ",Signature=" + hexadecimal(hmac_sha256(signing, text))};
  if (!account.token.empty()) request.headers.push_back("x-amz-security-token: " + account.token);
  return request;
}

}  // namespace gemel::data
