// How much memory this program holds: tests bound what readers keep.
#pragma once

#include <cstddef>

namespace sizeup {

// Bytes that operator new gave and operator delete has not taken back; the most since the last reset.
size_t live_bytes();
size_t most_live_bytes();
void reset_most_live_bytes();

}  // namespace sizeup
