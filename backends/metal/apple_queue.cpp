// metal-cpp's functions are defined here, and nowhere else.
#define NS_PRIVATE_IMPLEMENTATION
#define MTL_PRIVATE_IMPLEMENTATION
#include "backends/metal/apple_queue.h"

#include <fmt/format.h>

#include <Foundation/Foundation.hpp>
#include <Metal/Metal.hpp>
#include <map>

#include "backends/metal/kernel_text.h"
#include "backends/metal/kernels/parameters.h"
#include "backends/metal/metal_device.h"

namespace sizeup {
namespace metal {
namespace {

// Of the current thread's objects that Metal makes in passing.
class Pool {
 public:
  Pool() : pool_(NS::TransferPtr(NS::AutoreleasePool::alloc()->init())) {}

 private:
  NS::SharedPtr<NS::AutoreleasePool> pool_;
};

NS::String* string_of(std::string_view text) {
  return NS::String::string(std::string(text).c_str(), NS::UTF8StringEncoding);
}

std::string reason_of(const NS::Error* error) {
  return error == nullptr ? "no reason given" : error->localizedDescription()->utf8String();
}

class AppleBuffer final : public Buffer {
 public:
  explicit AppleBuffer(NS::SharedPtr<MTL::Buffer> buffer) : buffer_(std::move(buffer)) {}
  std::span<std::byte> bytes() override {
    return {static_cast<std::byte*>(buffer_->contents()), static_cast<size_t>(buffer_->length())};
  }
  const MTL::Buffer* get() const { return buffer_.get(); }

 private:
  NS::SharedPtr<MTL::Buffer> buffer_;
};

// One command buffer from a finish() to the next, one encoder, which runs its commands one after the other.
class AppleQueue final : public Queue {
 public:
  AppleQueue(NS::SharedPtr<MTL::Device> device, NS::SharedPtr<MTL::Library> library)
      : device_(std::move(device)),
        library_(std::move(library)),
        queue_(NS::TransferPtr(device_->newCommandQueue())) {}

  std::string name() const override { return device_->name()->utf8String(); }
  int64_t memory_bytes() const override {
    return static_cast<int64_t>(device_->recommendedMaxWorkingSetSize());
  }
  int64_t greatest_buffer() const override { return static_cast<int64_t>(device_->maxBufferLength()); }
  bool has_matrices() const override { return device_->supportsFamily(MTL::GPUFamilyApple7); }
  // Of a simdgroup, in a kernel that asks for nothing.
  int simd_threads() { return static_cast<int>(make_pipeline({.kernel = "clear"})->threadExecutionWidth()); }

  std::unique_ptr<Buffer> make_buffer(size_t bytes) override {
    auto buffer = NS::TransferPtr(device_->newBuffer(bytes, MTL::ResourceStorageModeShared));
    if (!buffer) throw InternalError(fmt::format("Metal has no buffer of {} bytes", bytes));
    return std::make_unique<AppleBuffer>(std::move(buffer));
  }

  void encode(const Command& command) override {
    const Pool pool;
    MTL::ComputeCommandEncoder& encoder = open_encoder();
    encoder.setComputePipelineState(pipeline(command));
    NS::UInteger index = 0;
    for (const Binding& binding : command.buffers)
      encoder.setBuffer(static_cast<const AppleBuffer*>(binding.buffer)->get(), binding.offset, index++);
    encoder.setBytes(command.parameters.data(), command.parameters.size(), index);
    const auto count = [](int one) { return static_cast<NS::UInteger>(one); };
    encoder.dispatchThreadgroups(
        MTL::Size(count(command.groups.x), count(command.groups.y), count(command.groups.z)),
        MTL::Size(count(command.threads), 1, 1));
  }

  void finish() override {
    if (!commands_) return;
    const Pool pool;
    encoder_->endEncoding();
    commands_->commit();
    commands_->waitUntilCompleted();
    const auto commands = std::exchange(commands_, {});
    encoder_ = {};
    if (commands->status() != MTL::CommandBufferStatusCompleted)
      throw InternalError(fmt::format("Metal stopped: {}", reason_of(commands->error())));
  }

 private:
  MTL::ComputeCommandEncoder& open_encoder() {
    if (!commands_) {
      commands_ = NS::RetainPtr(queue_->commandBuffer());
      encoder_ = NS::RetainPtr(commands_->computeCommandEncoder());
    }
    return *encoder_.get();
  }

  // Specialised once for each choice of constants.
  const MTL::ComputePipelineState* pipeline(const Command& command) {
    std::string key(command.kernel);
    for (const FunctionConstant& constant : command.constants)
      key += fmt::format(" {}={}", constant.name, constant.value);
    NS::SharedPtr<MTL::ComputePipelineState>& known = pipelines_[key];
    if (!known) known = make_pipeline(command);
    require(known->threadExecutionWidth() == metal_kernels::kSimdThreads,
            "a simdgroup has as many threads as kernels take for granted");
    return known.get();
  }

  NS::SharedPtr<MTL::ComputePipelineState> make_pipeline(const Command& command) {
    const auto constants = NS::TransferPtr(MTL::FunctionConstantValues::alloc()->init());
    for (const FunctionConstant& constant : command.constants)
      constants->setConstantValue(&constant.value, MTL::DataTypeInt, string_of(constant.name));
    NS::Error* error = nullptr;
    const auto function =
        NS::TransferPtr(library_->newFunction(string_of(command.kernel), constants.get(), &error));
    if (!function) throw InternalError(fmt::format("kernel {}: {}", command.kernel, reason_of(error)));
    auto pipeline = NS::TransferPtr(device_->newComputePipelineState(function.get(), &error));
    if (!pipeline) throw InternalError(fmt::format("kernel {}: {}", command.kernel, reason_of(error)));
    require(pipeline->maxTotalThreadsPerThreadgroup() >= static_cast<NS::UInteger>(command.threads),
            "a group's threads have enough registers");
    return pipeline;
  }

  NS::SharedPtr<MTL::Device> device_;
  NS::SharedPtr<MTL::Library> library_;
  NS::SharedPtr<MTL::CommandQueue> queue_;
  NS::SharedPtr<MTL::CommandBuffer> commands_;
  NS::SharedPtr<MTL::ComputeCommandEncoder> encoder_;
  std::map<std::string, NS::SharedPtr<MTL::ComputePipelineState>> pipelines_;
};

// Kernels are compiled when the device is opened, so that a build needs no Xcode.
Result<std::unique_ptr<Queue>> open_apple_queue() {
  const Pool pool;
  auto device = NS::TransferPtr(MTL::CreateSystemDefaultDevice());
  const auto options = NS::TransferPtr(MTL::CompileOptions::alloc()->init());
  options->setLanguageVersion(MTL::LanguageVersion3_0);
  // The order and rounding of a sum are part of the contract (device.h).
  options->setFastMathEnabled(false);
  NS::Error* error = nullptr;
  auto library = NS::TransferPtr(device->newLibrary(string_of(kernel_text()), options.get(), &error));
  if (!library) return unavailable("metal", fmt::format("kernels do not compile: {}", reason_of(error)));
  auto queue = std::make_unique<AppleQueue>(std::move(device), std::move(library));
  if (queue->simd_threads() == metal_kernels::kSimdThreads) return queue;
  return unavailable(
      "metal", fmt::format("simdgroups of {} have {} threads, and kernels take {} for granted", queue->name(),
                           queue->simd_threads(), static_cast<int>(metal_kernels::kSimdThreads)));
}

}  // namespace
}  // namespace metal

std::optional<std::string> why_no_metal_device() {
  const metal::Pool pool;
  const auto device = NS::TransferPtr(MTL::CreateSystemDefaultDevice());
  if (!device) return "this machine has no GPU that Metal can use";
  if (!device->supportsFamily(MTL::GPUFamilyApple6) && !device->supportsFamily(MTL::GPUFamilyMac2))
    return "threads of this GPU's simdgroups cannot exchange values";
  return std::nullopt;
}

Result<std::unique_ptr<Device>> make_metal_device(const DecoderModel& model, const DeviceOptions& options) {
  if (const auto reason = why_no_metal_device()) return unavailable("metal", *reason);
  auto queue = metal::open_apple_queue();
  if (!queue) return forward_error(queue);
  return metal::make_device(model, options, std::move(*queue));
}

MachineLimits measure_metal_limits(std::span<const int>) {
  return {};
}

}  // namespace sizeup
