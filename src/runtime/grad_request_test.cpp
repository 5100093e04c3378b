#include "runtime/grad_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace gemel {
namespace {

TEST(GradRequest, NamesGoBothWays) {
  for (GradRequest request : {GradRequest::null, GradRequest::write, GradRequest::add})
    EXPECT_EQ(grad_request_from_name(name_of(request)), request);
  EXPECT_EQ(grad_request_from_name("add"), GradRequest::add);
  EXPECT_THROW(grad_request_from_name("sum"), Error);
}

}  // namespace
}  // namespace gemel
