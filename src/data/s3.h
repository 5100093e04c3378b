// Requests to stores with the interface of Amazon S3, signed by AWS's Signature Version 4.
#pragma once
#include <string>
#include <string_view>

#include "data/http.h"

namespace gemel::data {

struct S3Account {
  std::string key, secret, token;  // without a key requests are not signed
  std::string region = "us-east-1";
  std::string endpoint;  // "https://host:port"; empty: Amazon's
  bool verify = true;
};
// From S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_SESSION_TOKEN, S3_REGION, each also as AWS_...,
// AWS_DEFAULT_REGION, S3_ENDPOINT or AWS_ENDPOINT_URL, and S3_VERIFY_SSL.
S3Account s3_account_of_environment();

// A GET of s3://bucket/key, which libcurl signs. Error(Input) for anything else.
HttpRequest s3_request(std::string_view path, const S3Account& account);

}  // namespace gemel::data
