// gzip as a stream: a small file may hold terabytes, so nothing of it is kept.
#pragma once

#include <memory>
#include <string>

#include "datasets/readers/byte_stream.h"

namespace sizeup {

// All members of a .gz file, joined. Reading is bad_input where it is damaged, cut short or followed by
// something else. `place` names the file in errors.
std::unique_ptr<ByteStream> decompress_gzip(std::unique_ptr<ByteStream> compressed, std::string place);

}  // namespace sizeup
