#include "data/s3.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "data/sha256.h"

namespace gemel::data {
namespace {

// The examples of FIPS 180-4 and RFC 4231.
TEST(Sha256, KnownDigests) {
  EXPECT_EQ(hexadecimal(sha256("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hexadecimal(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hexadecimal(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hexadecimal(hmac_sha256(std::string(131, '\xaa'),
                                    "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(S3, WhereTheBucketStands) {
  S3Account account;
  EXPECT_EQ(s3_request("s3://b/a/k.rec", account, 0).url,
            "https://b.s3.us-east-1.amazonaws.com/a/k.rec");
  EXPECT_EQ(s3_request("s3://b.c/k", account, 0).url, "https://s3.us-east-1.amazonaws.com/b.c/k");
  account.endpoint = "http://localhost:9000/";
  EXPECT_EQ(s3_request("s3://b/a b/\xc3\xa9", account, 0).url,
            "http://localhost:9000/b/a%20b/%C3%A9");
  account.endpoint = "store.example";
  EXPECT_EQ(s3_request("s3://b/k", account, 0).url, "https://store.example/b/k");
  EXPECT_TRUE(s3_request("s3://b/k", account, 0).headers.empty());
  EXPECT_THROW(s3_request("s3://b", account, 0), Error);
}

// The canonical request is that of AWS's example for GET, but for its Range header; the signature
// was computed by another implementation.
TEST(S3, Signature) {
  S3Account account;
  account.key = "AKIAIOSFODNN7EXAMPLE";
  account.secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  const HttpRequest request = s3_request("s3://examplebucket/test.txt", account, 1369353600);
  ASSERT_EQ(request.headers.size(), 3u);
  EXPECT_EQ(request.headers[1], "x-amz-date: 20130524T000000Z");
  EXPECT_EQ(request.headers[2],
            "Authorization: AWS4-HMAC-SHA256 "
            "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
            "Signature=2e46714501b0d9bc603dc14b792d5c58689e101d7de843b268d12fa638eb4bda");
}

}  // namespace
}  // namespace gemel::data
