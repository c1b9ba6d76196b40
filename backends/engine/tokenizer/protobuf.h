// Protocol Buffers' wire format, as far as files of ours use it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

enum class WireType : uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct ProtobufField {
  uint32_t number;
  WireType type;
  uint64_t value;          // of a varint or fixed number
  std::string_view bytes;  // of a string or a message; a part of what was read
};

// The fields of a message in their order; messages inside of it stay bytes. Refuses what is cut short.
Result<std::vector<ProtobufField>> read_protobuf(std::string_view message, const std::string& place);

float protobuf_float(const ProtobufField& field);

}  // namespace sizeup
