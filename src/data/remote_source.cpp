#include "data/remote_source.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/remote.h"
#include "base/settings.h"
#include "data/s3.h"

namespace gemel::data {
namespace {

constexpr int64_t first_piece = int64_t{64} << 10, largest_piece = int64_t{8} << 20;

bool may_pass(int status) {
  return status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;
}

// What a store says about a refusal, on one line.
std::string excerpt(const std::string& body) {
  std::string text = body.substr(0, 300);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' '; }, ' ');
  return text.empty() ? "" : ": " + text;
}

class RemoteSource final : public ByteSource {
 public:
  explicit RemoteSource(std::string_view path)
      : client_(make_http_client()),
        timeout_(settings::current().http_timeout),
        attempts_(settings::current().http_attempts) {
    name_ = path;
    if (name_.starts_with("s3://")) account_ = s3_account_of_environment();
    load(0, first_piece);
  }

  std::span<const std::byte> view(int64_t offset, int64_t bytes) override {
    if (offset < start_ || offset + bytes > start_ + held()) {
      // Twice as much each time that reading goes on where it was.
      const bool goes_on = offset >= start_ && offset <= start_ + held();
      piece_ = goes_on ? std::min(2 * piece_, largest_piece) : first_piece;
      load(offset, std::min(size_, offset + std::max(bytes, piece_)));
    }
    return std::as_bytes(std::span(content_))
        .subspan(static_cast<size_t>(offset - start_), static_cast<size_t>(bytes));
  }

  bool waits() const override { return true; }

 private:
  int64_t held() const { return static_cast<int64_t>(content_.size()); }

  HttpRequest request(int64_t begin, int64_t end) const {
    HttpRequest result;
    if (name_.starts_with("s3://"))
      result = s3_request(name_, account_);
    else
      result.url = name_;
    result.begin = begin;
    result.end = end;
    result.timeout = timeout_;
    return result;
  }

  // Makes [begin, end), or as much of it as there is at first, the bytes that are held.
  void load(int64_t begin, int64_t end) {
    const bool opening = !opened_;
    std::string problem;
    for (int64_t attempt = 0; attempt < attempts_; ++attempt) {
      if (attempt > 0)
        std::this_thread::sleep_for(
            std::chrono::milliseconds(100 << std::min<int64_t>(attempt, 6)));
      HttpReply reply = client_->get(request(begin, end));
      if (take(reply, begin, end, opening, problem)) return;
    }
    fail(ErrorKind::Environment, "{}: cannot be read, after {} attempts: {}", name_, attempts_,
         problem);
  }

  // False where another attempt may help.
  bool take(HttpReply& reply, int64_t begin, int64_t end, bool opening, std::string& problem) {
    if (may_pass(reply.status)) {
      problem = reply.status ? fmt::format("the server replied {}", reply.status) : reply.failure;
      return false;
    }
    if (reply.status == 416 && opening && reply.total <= 0) {  // an empty file has no range
      opened_ = true;
      return true;
    }
    const bool whole = reply.status == 200;
    if (!whole && reply.status != 206)
      fail(ErrorKind::Environment, "{}: the server replied {}{}", name_, reply.status,
           excerpt(reply.body));
    const auto got = static_cast<int64_t>(reply.body.size());
    const int64_t total = whole ? got : reply.total;
    if (total < 0)
      fail(ErrorKind::Environment, "{}: the server does not say how long it is", name_);
    if (!opening && (total != size_ || reply.etag != etag_))
      fail(ErrorKind::Environment, "{}: changed while it was read", name_);
    if (!whole && got != std::min(end, total) - begin) {
      problem = fmt::format("expected {} bytes, got {}", std::min(end, total) - begin, got);
      return false;
    }
    opened_ = true;
    size_ = total;
    etag_ = std::move(reply.etag);
    start_ = whole ? 0 : begin;
    content_ = std::move(reply.body);
    return true;
  }

  std::unique_ptr<HttpClient> client_;
  int64_t timeout_, attempts_;
  S3Account account_;
  std::string etag_, content_;
  int64_t start_ = 0, piece_ = first_piece;
  bool opened_ = false;
};

std::vector<std::byte> fetch(const std::string& path) {
  const auto source = open_remote(path);
  std::vector<std::byte> all(static_cast<size_t>(source->size()));
  for (int64_t at = 0; at < source->size();) {
    const auto piece = source->view(at, std::min(source->size() - at, largest_piece));
    std::copy(piece.begin(), piece.end(), all.begin() + at);
    at += static_cast<int64_t>(piece.size());
  }
  return all;
}

const bool registered = [] {
  set_remote_files(&fetch);
  return true;
}();

}  // namespace

std::unique_ptr<ByteSource> open_remote(std::string_view path) {
  return std::make_unique<RemoteSource>(path);
}

}  // namespace gemel::data
