// Values in buffers, and buffers that grow.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>

#include "backends/metal/queue.h"

namespace sizeup::metal {

template <class T>
std::unique_ptr<Buffer> buffer_of(Queue& queue, std::span<const T> values) {
  std::unique_ptr<Buffer> buffer = queue.make_buffer(std::max<size_t>(values.size_bytes(), sizeof(T)));
  std::ranges::copy(std::as_bytes(values), buffer->bytes().begin());
  return buffer;
}

template <class T>
std::span<T> values_in(Buffer& buffer) {
  return {reinterpret_cast<T*>(buffer.bytes().data()), buffer.bytes().size() / sizeof(T)};
}

// At least so many bytes, whose values are lost where it grows: no command that is under way may use them.
inline Buffer& require_bytes(Queue& queue, std::unique_ptr<Buffer>& buffer, size_t bytes) {
  if (buffer == nullptr || buffer->bytes().size() < bytes) buffer = queue.make_buffer(bytes);
  return *buffer;
}

}  // namespace sizeup::metal
