// What the Metal device needs of a GPU: buffers, kernels by name, and commands that run in order once they
// are handed over. Apple's is apple_queue.h; tests have one that runs the same kernels on the host
// (tests/metal/shim).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sizeup::metal {

// Memory that host and GPU see. The host writes it and reads it while no command is under way.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual std::span<std::byte> bytes() = 0;
};

// The part of a buffer from an offset on.
struct Binding {
  Buffer* buffer = nullptr;
  size_t offset = 0;
};

// A value that a kernel is specialised for.
struct FunctionConstant {
  std::string_view name;
  int32_t value = 0;
};

// Groups of threads.
struct Grid {
  int x = 1;
  int y = 1;
  int z = 1;
};

// Buffers are the kernel's first arguments, in order; the parameters are the one behind them.
struct Command {
  std::string_view kernel;
  std::span<const FunctionConstant> constants;
  std::span<const Binding> buffers;
  std::span<const std::byte> parameters;
  Grid groups;
  int threads = 0;  // of a group
};

class Queue {
 public:
  virtual ~Queue() = default;
  virtual std::string name() const = 0;         // of the GPU: "Apple M2"
  virtual int64_t memory_bytes() const = 0;     // that the GPU may use without harm to the machine
  virtual int64_t greatest_buffer() const = 0;  // bytes
  virtual bool has_matrices() const = 0;        // of 8x8, held by a simdgroup
  virtual std::unique_ptr<Buffer> make_buffer(size_t bytes) = 0;
  // The command runs after those before it and sees what they wrote, not before finish().
  virtual void encode(const Command& command) = 0;
  // Runs what was encoded and waits until it is done.
  virtual void finish() = 0;
};

}  // namespace sizeup::metal
