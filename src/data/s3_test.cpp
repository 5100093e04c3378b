#include "data/s3.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace gemel::data {
namespace {

TEST(S3, WhereTheBucketStands) {
  S3Account account;
  EXPECT_EQ(s3_request("s3://b/a/k.rec", account).url,
            "https://b.s3.us-east-1.amazonaws.com/a/k.rec");
  EXPECT_EQ(s3_request("s3://b.c/k", account).url, "https://s3.us-east-1.amazonaws.com/b.c/k");
  account.endpoint = "http://localhost:9000/";
  EXPECT_EQ(s3_request("s3://b/a b/\xc3\xa9", account).url, "http://localhost:9000/b/a%20b/%C3%A9");
  account.endpoint = "store.example";
  EXPECT_EQ(s3_request("s3://b/k", account).url, "https://store.example/b/k");
  EXPECT_TRUE(s3_request("s3://b/k", account).headers.empty());
  EXPECT_THROW(s3_request("s3://b", account), Error);
}

TEST(S3, WhatIsSigned) {
  S3Account account;
  account.key = "a";
  account.secret = "b";
  account.region = "eu-west-1";
  const HttpRequest request = s3_request("s3://bucket/k", account);
  EXPECT_EQ(request.signer, "aws:amz:eu-west-1:s3");
  EXPECT_EQ(request.key + ":" + request.secret, "a:b");
  EXPECT_EQ(request.headers[0], "Host: bucket.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(request.headers.size(), 2u);
  account.token = "t";
  account.endpoint = "http://localhost:9000";
  EXPECT_EQ(s3_request("s3://b/k", account).headers[0], "Host: localhost:9000");
  EXPECT_EQ(s3_request("s3://b/k", account).headers[2], "x-amz-security-token: t");
}

}  // namespace
}  // namespace gemel::data
