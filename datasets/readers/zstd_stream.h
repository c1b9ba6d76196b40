// Zstandard as a stream: a small file may hold terabytes, so nothing of it is kept.
#pragma once

#include <memory>
#include <string>

#include "datasets/readers/byte_stream.h"

namespace sizeup {

// All frames of a .zst file, joined. Reading is bad_input where it is damaged, cut short or followed by
// something else, or where a frame needs more than 128 MiB to look back (zstd --long=28 and above). `place`
// names the file in errors.
std::unique_ptr<ByteStream> decompress_zstd(std::unique_ptr<ByteStream> compressed, std::string place);

}  // namespace sizeup
