// Writes GGUF bytes field by field, so that tests can make each field wrong.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sizeup {

class GgufBuilder {
 public:
  template <class T>
  GgufBuilder& value(T number) {
    char raw[sizeof number];
    std::memcpy(raw, &number, sizeof number);
    bytes_.append(raw, sizeof number);
    return *this;
  }
  GgufBuilder& raw(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  GgufBuilder& text(std::string_view content) { return value<uint64_t>(content.size()).raw(content); }

  GgufBuilder& header(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
    return raw("GGUF").value(version).value(tensors).value(keys);
  }
  GgufBuilder& key(std::string_view name, uint32_t type) { return text(name).value(type); }
  // Dimensions innermost first, as in the file.
  GgufBuilder& tensor(std::string_view name, const std::vector<uint64_t>& dimensions, uint32_t type,
                      uint64_t offset) {
    text(name).value(static_cast<uint32_t>(dimensions.size()));
    for (const uint64_t size : dimensions) value(size);
    return value(type).value(offset);
  }
  GgufBuilder& align(size_t alignment = 32) {
    while (bytes_.size() % alignment != 0) bytes_ += '\0';
    return *this;
  }
  GgufBuilder& zeros(size_t count) { return raw(std::string(count, '\0')); }

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace sizeup
