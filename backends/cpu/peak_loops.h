// Loops that keep an instruction set's multiply-add units busy. Each file is compiled with its own flags, so
// this header and those files have no inline functions, templates or standard containers: the linker could
// take an AVX-512 copy of such a thing for the whole program.
#pragma once

#include <cstdint>

namespace sizeup {

// Run the loop so many times; the result is how many floating-point operations that was. Only where the
// processor and the operating system have the instruction set (and, for AMX, the process the permission).
int64_t peak_loop_avx2(int64_t iterations);       // float32, 256 bits
int64_t peak_loop_avx512(int64_t iterations);     // float32, 512 bits
int64_t peak_loop_amx(int64_t iterations);        // bfloat16 tiles
int64_t peak_loop_neon(int64_t iterations);       // float32, 128 bits
int64_t peak_loop_neon_bf16(int64_t iterations);  // bfloat16, BFMMLA

}  // namespace sizeup
