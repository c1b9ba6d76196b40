#include "backends/engine/tokenizer/protobuf.h"

#include <fmt/format.h>

#include <bit>
#include <optional>

namespace sizeup {
namespace {

constexpr int kMaxVarintBytes = 10;

class Reader {
 public:
  explicit Reader(std::string_view message) : message_(message) {}

  bool done() const { return position_ == message_.size(); }
  size_t position() const { return position_; }

  std::optional<uint64_t> varint() {
    uint64_t value = 0;
    for (int i = 0; i < kMaxVarintBytes && !done(); ++i) {
      const auto byte = static_cast<uint8_t>(message_[position_++]);
      value |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::optional<std::string_view> bytes(uint64_t count) {
    if (count > message_.size() - position_) return std::nullopt;
    const std::string_view part = message_.substr(position_, count);
    position_ += count;
    return part;
  }

  std::optional<uint64_t> fixed(size_t count) {
    const auto part = bytes(count);
    if (!part) return std::nullopt;
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i)
      value |= static_cast<uint64_t>(static_cast<uint8_t>((*part)[i])) << (8 * i);
    return value;
  }

  std::optional<ProtobufField> field() {
    const auto key = varint();
    if (!key || *key >> 3 == 0 || *key >> 3 > UINT32_MAX) return std::nullopt;
    ProtobufField field{static_cast<uint32_t>(*key >> 3), static_cast<WireType>(*key & 7), 0, {}};
    if (field.type == WireType::bytes) {
      const auto size = varint();
      const auto content = size ? bytes(*size) : std::nullopt;
      if (!content) return std::nullopt;
      field.bytes = *content;
      return field;
    }
    std::optional<uint64_t> value;
    if (field.type == WireType::varint) value = varint();
    if (field.type == WireType::fixed64) value = fixed(8);
    if (field.type == WireType::fixed32) value = fixed(4);
    if (!value) return std::nullopt;
    field.value = *value;
    return field;
  }

 private:
  std::string_view message_;
  size_t position_ = 0;
};

}  // namespace

Result<std::vector<ProtobufField>> read_protobuf(std::string_view message, const std::string& place) {
  std::vector<ProtobufField> fields;
  Reader reader(message);
  while (!reader.done()) {
    const size_t start = reader.position();
    const auto field = reader.field();
    if (!field) {
      return bad_input(place, fmt::format("has a malformed field at byte {} of a message", start),
                       "a Protocol Buffers file", "the download may be incomplete");
    }
    fields.push_back(*field);
  }
  return fields;
}

float protobuf_float(const ProtobufField& field) {
  return std::bit_cast<float>(static_cast<uint32_t>(field.value));
}

}  // namespace sizeup
