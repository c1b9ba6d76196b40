#include "backends/engine/formats/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "backends/engine/formats/byte_reader.h"

namespace sizeup {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they lie in the file");

constexpr std::string_view kMagic = "GGUF";
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint32_t kMaxDimensions = 4;   // GGML_MAX_DIMS
constexpr uint64_t kMaxNameBytes = 512;  // ggml itself allows 64
constexpr int kMaxArrayDepth = 4;
// A JSON value takes more memory than the byte it may come from; the largest vocabularies have some 10^6
// strings.
constexpr uint64_t kMaxArrayElements = 1 << 24;
constexpr uint64_t kMaxElements = uint64_t{1}
                                  << 62;          // of a tensor: keeps products and int64_t shapes in range
constexpr uint64_t kMinKeyBytes = 8 + 1 + 4 + 1;  // length, one character, type, a byte of value
constexpr uint64_t kMinTensorBytes = 8 + 1 + 4 + 4 + 8;  // length, one character, no dimensions, type, offset

enum class ValueType : uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  array,
  u64,
  i64,
  f64,
  count
};

// Fewest bytes that a value of this type takes: bounds an array's count by what is left of the file.
uint64_t min_bytes(ValueType type) {
  switch (type) {
    case ValueType::u8:
    case ValueType::i8:
    case ValueType::boolean:
      return 1;
    case ValueType::u16:
    case ValueType::i16:
      return 2;
    case ValueType::u32:
    case ValueType::i32:
    case ValueType::f32:
      return 4;
    case ValueType::array:
      return 4 + 8;
    default:
      return 8;
  }
}

// Types that a file may have but the engine does not compute with, for the error message.
std::string type_name(uint32_t id) {
  static constexpr std::pair<uint32_t, std::string_view> kNames[] = {
      {9, "Q8_1"},   {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"}, {21, "IQ3_S"},
      {22, "IQ2_S"}, {24, "I8"},      {25, "I16"},    {26, "I32"},     {27, "I64"},   {28, "F64"},
      {29, "IQ1_M"}, {34, "TQ1_0"},   {35, "TQ2_0"},  {40, "NVFP4"},   {41, "Q1_0"},
  };
  for (const auto& [known, name] : kNames) {
    if (known == id) return std::string(name);
  }
  return fmt::format("number {}", id);
}

// A name from the file as it may stand in a message: short and printable.
std::string shown(std::string_view name) {
  std::string text;
  for (const char c : name.substr(0, 80)) text += c >= ' ' && c <= '~' ? c : '?';
  return name.size() > 80 ? text + "..." : text;
}

class Parser {
 public:
  Parser(std::span<const std::byte> bytes, const std::string& place)
      : bytes_(bytes), place_(place), reader_(bytes, place) {}

  Result<GgufContent> parse() {
    if (auto header = read_header(); !header) return forward_error(header);
    if (auto metadata = read_metadata(); !metadata) return forward_error(metadata);
    if (auto supported = check_metadata(); !supported) return forward_error(supported);
    if (auto tensors = read_tensor_table(); !tensors) return forward_error(tensors);
    if (auto data = place_tensors(); !data) return forward_error(data);
    return std::move(content_);
  }

 private:
  Result<void> read_header() {
    if (reader_.read_text(kMagic.size()) != kMagic) {
      return bad_input(reader_.place_at(0), "is not a GGUF file", "the bytes \"GGUF\"");
    }
    const auto version = reader_.read<uint32_t>();
    if (reader_.failed()) return reader_.end_of_file("the header");
    if (version != 0 && (version & 0xFFFFu) == 0) {
      return bad_input(reader_.place_at(4), "big-endian GGUF is not supported", "a little-endian file",
                       "convert it with gguf_convert_endian.py of the gguf package");
    }
    if (version != 2 && version != 3) {
      return bad_input(reader_.place_at(4), fmt::format("GGUF version {} is not supported", version),
                       "version 2 or 3", "convert the model again with a current llama.cpp");
    }
    tensor_count_ = reader_.read<uint64_t>();
    key_count_ = reader_.read<uint64_t>();
    if (reader_.failed()) return reader_.end_of_file("the header");
    if (key_count_ > reader_.remaining() / kMinKeyBytes) return too_many(16, key_count_, "metadata keys");
    if (tensor_count_ > reader_.remaining() / kMinTensorBytes) return too_many(8, tensor_count_, "tensors");
    return {};
  }

  tl::unexpected<Error> too_many(size_t position, uint64_t count, std::string_view what) const {
    return bad_input(reader_.place_at(position), fmt::format("{} {} cannot fit in the file", count, what),
                     fmt::format("a count that fits in {} bytes", bytes_.size()),
                     "the file may be truncated");
  }

  Result<std::string> read_string(std::string_view what) {
    const auto size = reader_.read<uint64_t>();
    const std::string_view text = reader_.read_text(size);
    if (reader_.failed()) return reader_.end_of_file(what);
    return std::string(text);
  }

  Result<std::string> read_name(std::string_view what) {
    const std::string start = reader_.here();
    auto name = read_string(what);
    if (name && (name->empty() || name->size() > kMaxNameBytes)) {
      return bad_input(start, fmt::format("{} has {} bytes", what, name->size()),
                       fmt::format("1 to {}", kMaxNameBytes));
    }
    return name;
  }

  // Members go to the end without a look-up (an ordered object's own insertion searches all keys), since the
  // set has already shown that the key is new.
  Result<void> read_metadata() {
    Json::object_t object;
    std::unordered_set<std::string> keys;
    for (uint64_t i = 0; i < key_count_; ++i) {
      const std::string start = reader_.here();
      auto key = read_name("a metadata key");
      if (!key) return forward_error(key);
      if (!keys.insert(*key).second) {
        return bad_input(start, fmt::format("metadata key '{}' appears twice", shown(*key)), "distinct keys");
      }
      auto value = read_value(*key);
      if (!value) return forward_error(value);
      object.emplace_back(std::move(*key), std::move(*value));
    }
    content_.metadata = Json(std::move(object));
    return {};
  }

  Result<ValueType> read_value_type(const std::string& key) {
    const std::string start = reader_.here();
    const auto type = reader_.read<uint32_t>();
    if (reader_.failed()) return reader_.end_of_file(fmt::format("the type of '{}'", shown(key)));
    if (type >= static_cast<uint32_t>(ValueType::count)) {
      return bad_input(
          start, fmt::format("metadata key '{}' has the unknown value type {}", shown(key), type), "0 to 12");
    }
    return static_cast<ValueType>(type);
  }

  Result<Json> read_value(const std::string& key) {
    const auto type = read_value_type(key);
    if (!type) return tl::unexpected<Error>(type.error());
    return read_value_of(*type, key, 0);
  }

  Result<Json> read_value_of(ValueType type, const std::string& key, int depth) {
    if (type == ValueType::array) return read_array(key, depth);
    Json value;
    switch (type) {
      case ValueType::u8:
        value = reader_.read<uint8_t>();
        break;
      case ValueType::i8:
        value = reader_.read<int8_t>();
        break;
      case ValueType::u16:
        value = reader_.read<uint16_t>();
        break;
      case ValueType::i16:
        value = reader_.read<int16_t>();
        break;
      case ValueType::u32:
        value = reader_.read<uint32_t>();
        break;
      case ValueType::i32:
        value = reader_.read<int32_t>();
        break;
      case ValueType::u64:
        value = reader_.read<uint64_t>();
        break;
      case ValueType::i64:
        value = reader_.read<int64_t>();
        break;
      case ValueType::f32:
        value = reader_.read<float>();
        break;
      case ValueType::f64:
        value = reader_.read<double>();
        break;
      case ValueType::string:
        value = std::string(reader_.read_text(reader_.read<uint64_t>()));
        break;
      case ValueType::boolean: {
        const auto byte = reader_.read<uint8_t>();
        if (byte > 1) {
          return bad_input(reader_.place_at(reader_.position() - 1),
                           fmt::format("'{}' is a boolean with the value {}", shown(key), byte), "0 or 1");
        }
        value = byte == 1;
        break;
      }
      default:
        throw InternalError("read_value_type admits known types only");
    }
    if (reader_.failed()) return reader_.end_of_file(fmt::format("the value of '{}'", shown(key)));
    return value;
  }

  Result<Json> read_array(const std::string& key, int depth) {
    const std::string start = reader_.here();
    if (depth == kMaxArrayDepth) {
      return bad_input(start, fmt::format("'{}' has arrays nested too deeply", shown(key)),
                       fmt::format("at most {} levels", kMaxArrayDepth));
    }
    const auto type = read_value_type(key);
    if (!type) return tl::unexpected<Error>(type.error());
    const auto count = reader_.read<uint64_t>();
    if (reader_.failed()) return reader_.end_of_file(fmt::format("the value of '{}'", shown(key)));
    if (count > reader_.remaining() / min_bytes(*type)) {
      return bad_input(start, fmt::format("'{}' has {} elements", shown(key), count),
                       fmt::format("at most {}, since {} bytes are left",
                                   reader_.remaining() / min_bytes(*type), reader_.remaining()),
                       "the file may be truncated");
    }
    array_elements_ += count;
    if (array_elements_ > kMaxArrayElements) {
      return bad_input(
          start, fmt::format("'{}' brings the metadata to {} array elements", shown(key), array_elements_),
          fmt::format("at most {}", kMaxArrayElements));
    }
    Json::array_t elements;
    elements.reserve(count);
    for (uint64_t i = 0; i < count; ++i) {
      auto element = read_value_of(*type, key, depth + 1);
      if (!element) return forward_error(element);
      elements.push_back(std::move(*element));
    }
    return Json(std::move(elements));
  }

  // What decides how the rest of the file is read.
  Result<void> check_metadata() {
    const Json& metadata = content_.metadata;
    const auto alignment = metadata.find("general.alignment");
    if (alignment == metadata.end()) return {};
    if (!alignment->is_number_unsigned() || !std::has_single_bit(alignment->get<uint64_t>()) ||
        alignment->get<uint64_t>() > (1u << 30)) {
      return bad_input(place_, fmt::format("general.alignment is {}", shown(to_line(*alignment))),
                       "a power of two, at most 2^30");
    }
    alignment_ = alignment->get<uint64_t>();
    return {};
  }

  Result<void> read_tensor_table() {
    std::unordered_set<std::string> names;
    content_.tensors.reserve(tensor_count_);
    offsets_.reserve(tensor_count_);
    for (uint64_t i = 0; i < tensor_count_; ++i) {
      const std::string start = reader_.here();
      auto name = read_name("a tensor's name");
      if (!name) return forward_error(name);
      if (!names.insert(*name).second) {
        return bad_input(start, fmt::format("tensor '{}' appears twice", shown(*name)), "distinct names");
      }
      if (auto tensor = read_tensor(std::move(*name)); !tensor) return forward_error(tensor);
    }
    return {};
  }

  Result<void> read_tensor(std::string name) {
    const std::string start = reader_.here();
    const auto dimensions = reader_.read<uint32_t>();
    if (!reader_.failed() && dimensions > kMaxDimensions) {
      return bad_input(start, fmt::format("tensor '{}' has {} dimensions", shown(name), dimensions),
                       fmt::format("at most {}", kMaxDimensions));
    }
    Tensor tensor;
    tensor.name = std::move(name);
    uint64_t elements = 1;
    for (uint32_t i = 0; i < dimensions && !reader_.failed(); ++i) {
      const auto size = reader_.read<uint64_t>();
      if (reader_.failed()) break;
      if (size == 0 || elements > kMaxElements / size) {
        return bad_input(start, fmt::format("tensor '{}' has an impossible shape", shown(tensor.name)),
                         "dimensions of at least 1 whose product is below 2^62");
      }
      elements *= size;
      tensor.shape.insert(tensor.shape.begin(),
                          static_cast<int64_t>(size));  // the file has the innermost first
    }
    const std::string type_place = reader_.here();
    const auto type = reader_.read<uint32_t>();
    const std::string offset_place = reader_.here();
    const auto offset = reader_.read<uint64_t>();
    if (reader_.failed())
      return reader_.end_of_file(fmt::format("the description of tensor '{}'", shown(tensor.name)));
    const auto known = tensor_type_from_gguf(type);
    if (!known) {
      return bad_input(type_place,
                       fmt::format("tensor '{}' has type {}, which is not supported yet", shown(tensor.name),
                                   type_name(type)),
                       supported_types(), "use another quantisation of the model, e.g. Q8_0 or F16");
    }
    tensor.type = *known;
    if (offset % alignment_ != 0) {
      return bad_input(offset_place,
                       fmt::format("tensor '{}' starts at offset {}", shown(tensor.name), offset),
                       fmt::format("a multiple of {}", alignment_));
    }
    return keep(std::move(tensor), elements, offset, start);
  }

  Result<void> keep(Tensor tensor, uint64_t elements, uint64_t offset, const std::string& start) {
    const BlockFormat& format = block_format(tensor.type);
    const auto block = static_cast<uint64_t>(format.block_elements);
    if (static_cast<uint64_t>(tensor.columns()) % block != 0) {
      return bad_input(start,
                       fmt::format("tensor '{}' has rows of {} weights in type {}", shown(tensor.name),
                                   tensor.columns(), format.name),
                       fmt::format("a multiple of {}", block));
    }
    // elements < 2^62 but their bytes may still overflow: compare before multiplying.
    const uint64_t blocks = elements / block;
    if (blocks > bytes_.size() / static_cast<uint64_t>(format.block_bytes)) {
      return bad_input(start, fmt::format("tensor '{}' has {} weights", shown(tensor.name), elements),
                       fmt::format("at most the {} bytes of the file", bytes_.size()),
                       "the file may be truncated");
    }
    offsets_.push_back({offset, blocks * static_cast<uint64_t>(format.block_bytes)});
    content_.tensors.push_back(std::move(tensor));
    return {};
  }

  static std::string supported_types() {
    std::string text = "one of";
    for (const BlockFormat& format : block_formats()) text += fmt::format(" {}", format.name);
    return text;
  }

  // The table is complete: the data starts at the next aligned byte.
  Result<void> place_tensors() {
    if (content_.tensors.empty()) return {};
    const uint64_t padding = (alignment_ - reader_.position() % alignment_) % alignment_;
    if (padding > reader_.remaining()) {
      return bad_input(reader_.here(), "the file ends before the tensors' data", {},
                       "the file may be truncated");
    }
    const uint64_t data_start = reader_.position() + padding;
    const uint64_t data_size = bytes_.size() - data_start;
    for (size_t i = 0; i < offsets_.size(); ++i) {
      const auto [offset, size] = offsets_[i];
      if (offset > data_size || size > data_size - offset) {
        return bad_input(reader_.place_at(data_start),
                         fmt::format("tensor '{}' ends past the end of the file (offset {}, {} bytes)",
                                     shown(content_.tensors[i].name), offset, size),
                         fmt::format("at most {} bytes of data", data_size), "the file may be truncated");
      }
      content_.tensors[i].data = bytes_.subspan(data_start + offset, size);
    }
    return refuse_overlap(data_start);
  }

  Result<void> refuse_overlap(uint64_t data_start) const {
    std::vector<size_t> order(offsets_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return offsets_[a].offset < offsets_[b].offset; });
    for (size_t i = 1; i < order.size(); ++i) {
      const Extent& previous = offsets_[order[i - 1]];
      const Extent& next = offsets_[order[i]];
      if (previous.offset + previous.size > next.offset) {
        return bad_input(
            reader_.place_at(data_start + next.offset),
            fmt::format("tensors '{}' and '{}' overlap", shown(content_.tensors[order[i - 1]].name),
                        shown(content_.tensors[order[i]].name)),
            "separate ranges of bytes");
      }
    }
    return {};
  }

  struct Extent {
    uint64_t offset;  // from the start of the data
    uint64_t size;
  };

  std::span<const std::byte> bytes_;
  const std::string& place_;
  ByteReader reader_;
  GgufContent content_;
  std::vector<Extent> offsets_;
  uint64_t tensor_count_ = 0;
  uint64_t key_count_ = 0;
  uint64_t array_elements_ = 0;
  uint64_t alignment_ = kDefaultAlignment;
};

}  // namespace

Result<GgufContent> parse_gguf(std::span<const std::byte> bytes, const std::string& place) {
  return Parser(bytes, place).parse();
}

}  // namespace sizeup
