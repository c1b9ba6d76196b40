#include "datasets/readers/zstd_stream.h"

#include <fmt/format.h>
#include <zstd.h>

#include <vector>

namespace sizeup {
namespace {

constexpr int kMaxWindowLog = 27;  // 128 MiB, zstd's own default; written down as memory depends on it

class ZstdStream : public ByteStream {
 public:
  ZstdStream(std::unique_ptr<ByteStream> compressed, std::string place)
      : compressed_(std::move(compressed)),
        place_(std::move(place)),
        input_(kStreamChunk),
        context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
    ready_ = context_ != nullptr &&
             !ZSTD_isError(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kMaxWindowLog));
  }

  Result<size_t> read(std::span<char> buffer) override {
    if (!ready_) return unavailable(place_, "zstd cannot be started");
    ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
    while (out.pos == 0) {
      if (in_.pos == in_.size && !holds_back_) {
        Result<size_t> more = compressed_->read(input_);
        if (!more) return more;
        if (*more == 0 && between_frames_) return 0;
        if (*more == 0) {
          return bad_input(place_, "the compressed data ends too early", "a complete zstd file",
                           "the download or copy may be incomplete");
        }
        in_ = {input_.data(), *more, 0};
      }
      const size_t left = ZSTD_decompressStream(context_.get(), &out, &in_);
      if (ZSTD_isError(left)) {
        return bad_input(place_, fmt::format("not valid zstd data ({})", ZSTD_getErrorName(left)),
                         "a zstd file, as the ending .zst says");
      }
      between_frames_ = left == 0;
      holds_back_ = left != 0 && out.pos == out.size;
    }
    return out.pos;
  }

 private:
  std::unique_ptr<ByteStream> compressed_;
  std::string place_;
  std::vector<char> input_;
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  bool ready_ = false;
  bool between_frames_ = false;  // after a whole one
  bool holds_back_ = false;      // the last output buffer was too small for what had been decompressed
};

}  // namespace

std::unique_ptr<ByteStream> decompress_zstd(std::unique_ptr<ByteStream> compressed, std::string place) {
  return std::make_unique<ZstdStream>(std::move(compressed), std::move(place));
}

}  // namespace sizeup
