#include "tests/metal/shim/shim_queue.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "tests/metal/shim/guarded_memory.h"

// The linker's names for the ends of the section that holds all threadgroup memory.
extern "C" char __start_threadgroup_memory[];
extern "C" char __stop_threadgroup_memory[];

namespace sizeup::metal_shim {
namespace {

// Of constants that a command does not name.
constexpr int kUnset = std::numeric_limits<int>::min();

class ShimBuffer final : public metal::Buffer {
 public:
  explicit ShimBuffer(size_t bytes) : memory_(bytes) {}
  std::span<std::byte> bytes() override { return memory_.bytes(); }
  bool margins_are_whole() const { return memory_.margins_are_whole(); }

 private:
  GuardedMemory memory_;
};

struct Recorded {
  const Kernel* kernel = nullptr;
  std::vector<std::pair<int*, int>> constants;
  std::vector<metal::Binding> buffers;
  std::vector<std::byte> parameters;
  metal::Grid groups;
  int threads = 0;
};

class ShimQueue final : public metal::Queue {
 public:
  ShimQueue(const KernelTable& table, const ShimOptions& options) : table_(table), options_(options) {
    group_.allow_matrices(options.matrices);
  }

  std::string name() const override { return "the shim"; }
  int64_t memory_bytes() const override { return options_.memory_bytes; }
  int64_t greatest_buffer() const override { return options_.memory_bytes; }
  bool has_matrices() const override { return options_.matrices; }
  std::unique_ptr<metal::Buffer> make_buffer(size_t bytes) override {
    return std::make_unique<ShimBuffer>(bytes);
  }

  void encode(const metal::Command& command) override {
    Recorded recorded;
    recorded.kernel = &table_.find(command.kernel);
    for (const metal::FunctionConstant& constant : command.constants)
      recorded.constants.emplace_back(address_of(constant.name), constant.value);
    recorded.buffers.assign(command.buffers.begin(), command.buffers.end());
    recorded.parameters.assign(command.parameters.begin(), command.parameters.end());
    recorded.groups = command.groups;
    recorded.threads = command.threads;
    if (command.groups.x <= 0 || command.groups.y <= 0 || command.groups.z <= 0)
      throw KernelError(recorded.kernel->name + ": a grid without groups");
    if (recorded.buffers.size() + 1 != recorded.kernel->buffers)
      throw KernelError(recorded.kernel->name + ": " + std::to_string(recorded.buffers.size()) +
                        " buffers and the parameters are bound");
    recorded_.push_back(std::move(recorded));
  }

  void finish() override {
    const FaultGuard guard;
    // What fails is not run again.
    const std::vector<Recorded> commands = std::exchange(recorded_, {});
    for (const Recorded& command : commands) {
      try {
        run(command);
      } catch (const KernelError& error) {
        throw KernelError("kernel " + command.kernel->name + ": " + error.what());
      }
    }
  }

 private:
  int* address_of(std::string_view name) const {
    const auto found = std::ranges::find(table_.constants(), name, &NamedConstant::name);
    if (found == table_.constants().end())
      throw KernelError("there is no function constant " + std::string(name));
    return found->value;
  }

  void run(const Recorded& command) {
    for (const NamedConstant& constant : table_.constants()) *constant.value = kUnset;
    for (const auto& [address, value] : command.constants) *address = value;
    std::vector<Bound> bound;
    for (const metal::Binding& binding : command.buffers) {
      const std::span<std::byte> bytes = binding.buffer->bytes();
      if (binding.offset > bytes.size()) throw KernelError("a binding begins behind its buffer");
      bound.push_back({bytes.data() + binding.offset, bytes.size() - binding.offset});
    }
    // A kernel's parameters are one structure, whose size is checked.
    std::vector<std::byte> parameters = command.parameters;
    bound.push_back({parameters.data(), parameters.size()});
    const int count = command.groups.x * command.groups.y * command.groups.z;
    for (int i = 0; i < count; ++i)
      run_group(command, bound, options_.order == Order::ascending ? i : count - 1 - i);
    for (const metal::Binding& binding : command.buffers) {
      if (!static_cast<const ShimBuffer*>(binding.buffer)->margins_are_whole())
        throw KernelError("wrote beside a buffer");
    }
  }

  void run_group(const Recorded& command, const std::vector<Bound>& bound, int index) {
    std::memset(__start_threadgroup_memory, 0xFF,
                static_cast<size_t>(__stop_threadgroup_memory - __start_threadgroup_memory));
    const auto group = static_cast<uint32_t>(index);
    const auto across = static_cast<uint32_t>(command.groups.x);
    const auto down = static_cast<uint32_t>(command.groups.y);
    Place place{.group = {group % across, group / across % down, group / across / down},
                .threads = static_cast<uint32_t>(command.threads),
                .thread = 0};
    group_.run(command.threads, options_.order, [&](int thread) {
      Place own = place;
      own.thread = static_cast<uint32_t>(thread);
      command.kernel->call(command.kernel->parameters, bound, own);
    });
  }

  const KernelTable& table_;
  ShimOptions options_;
  Threadgroup group_;
  std::vector<Recorded> recorded_;
};

}  // namespace

std::unique_ptr<metal::Queue> make_shim_queue(const KernelTable& table, const ShimOptions& options) {
  return std::make_unique<ShimQueue>(table, options);
}

}  // namespace sizeup::metal_shim
