#include "datasets/readers/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace sizeup {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;        // zlib: expect a gzip header
constexpr size_t kChunkBytes = size_t{1} << 18;  // large enough that a call to zlib is not what costs

class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, kGzipOnly) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool ready() const { return ready_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace

Result<std::string> decompress_gzip(std::string_view compressed, size_t limit, const std::string& place) {
  Inflater inflater;
  if (!inflater.ready()) return unavailable(place, "zlib cannot be started");
  if (compressed.size() > std::numeric_limits<uInt>::max())
    return bad_input(place, "the compressed file is too large");
  z_stream& stream = inflater.stream();
  stream.next_in =
      reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));  // NOLINT: zlib does not write here
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string content;
  std::vector<char> chunk(kChunkBytes);
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    content.append(chunk.data(), chunk.size() - stream.avail_out);
    if (content.size() > limit) {
      return bad_input(place, "the decompressed file is too large", fmt::format("at most {} bytes", limit));
    }
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0) return content;
      if (inflateReset(&stream) != Z_OK) return bad_input(place, "cannot be decompressed");
    } else if (status == Z_BUF_ERROR || (status == Z_OK && stream.avail_in == 0 && stream.avail_out > 0)) {
      return bad_input(place, "the compressed data ends too early", "a complete gzip file",
                       "the download or copy may be incomplete");
    } else if (status != Z_OK) {
      return bad_input(place, fmt::format("not valid gzip data ({})", stream.msg ? stream.msg : "damaged"),
                       "a gzip file, as the ending .gz says");
    }
  }
}

}  // namespace sizeup
