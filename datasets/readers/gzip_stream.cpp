#include "datasets/readers/gzip_stream.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace sizeup {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;  // zlib: expect a gzip header

class GzipStream : public ByteStream {
 public:
  GzipStream(std::unique_ptr<ByteStream> compressed, std::string place)
      : compressed_(std::move(compressed)), place_(std::move(place)), input_(kStreamChunk) {
    ready_ = inflateInit2(&stream_, kGzipOnly) == Z_OK;
  }
  ~GzipStream() override {
    if (ready_) inflateEnd(&stream_);
  }

  Result<size_t> read(std::span<char> buffer) override {
    if (!ready_) return unavailable(place_, "zlib cannot be started");
    const size_t room = std::min<size_t>(buffer.size(), std::numeric_limits<uInt>::max());
    stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream_.avail_out = static_cast<uInt>(room);
    while (stream_.avail_out == room) {
      if (stream_.avail_in == 0) {
        Result<size_t> more = refill();
        if (!more) return more;
        if (*more == 0 && between_members_) return 0;
        if (*more == 0) {
          return bad_input(place_, "the compressed data ends too early", "a complete gzip file",
                           "the download or copy may be incomplete");
        }
      }
      if (Result<void> done = inflate_some(); !done) return forward_error(done);
    }
    return room - stream_.avail_out;
  }

 private:
  Result<size_t> refill() {
    Result<size_t> more = compressed_->read(input_);
    if (!more) return more;
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(*more);
    return more;
  }

  Result<void> inflate_some() {
    if (between_members_ && inflateReset(&stream_) != Z_OK)
      return bad_input(place_, "cannot be decompressed");
    between_members_ = false;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      between_members_ = true;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {  // Z_BUF_ERROR: more input is needed
      return bad_input(place_, fmt::format("not valid gzip data ({})", stream_.msg ? stream_.msg : "damaged"),
                       "a gzip file, as the ending .gz says");
    }
    return {};
  }

  std::unique_ptr<ByteStream> compressed_;
  std::string place_;
  std::vector<char> input_;
  z_stream stream_{};
  bool ready_ = false;
  bool between_members_ = false;  // after a whole one
};

}  // namespace

std::unique_ptr<ByteStream> decompress_gzip(std::unique_ptr<ByteStream> compressed, std::string place) {
  return std::make_unique<GzipStream>(std::move(compressed), std::move(place));
}

}  // namespace sizeup
