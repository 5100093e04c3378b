#include "data/s3.h"

#include <cstdlib>
#include <initializer_list>

#include "base/error.h"

namespace gemel::data {
namespace {

// SHA-256 of the body of a GET.
constexpr std::string_view digest_of_nothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

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

HttpRequest s3_request(std::string_view path, const S3Account& account) {
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

  request.signer = "aws:amz:" + account.region + ":s3";
  request.key = account.key;
  request.secret = account.secret;
  // What libcurl would sign without the port that it sends.
  const size_t host = base.find("://") + 3;
  request.headers = {"Host: " + base.substr(host, base.find('/', host) - host),
                     "x-amz-content-sha256: " + std::string(digest_of_nothing)};
  if (!account.token.empty()) request.headers.push_back("x-amz-security-token: " + account.token);
  return request;
}

}  // namespace gemel::data
