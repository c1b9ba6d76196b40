#include "backends/engine/formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "backends/engine/formats/byte_reader.h"
#include "backends/engine/formats/sorted_json.h"

namespace sizeup {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr size_t kMaxDimensions = 16;
constexpr uint64_t kMaxElements = uint64_t{1} << 62;

struct DataType {
  std::string_view name;
  uint64_t bytes;
  std::optional<TensorType> type;  // nothing: not a type that weights are computed in
};

constexpr std::array kDataTypes = {
    DataType{"F32", 4, TensorType::f32},
    DataType{"F16", 2, TensorType::f16},
    DataType{"BF16", 2, TensorType::bf16},
    DataType{"F64", 8, {}},
    DataType{"I64", 8, {}},
    DataType{"U64", 8, {}},
    DataType{"I32", 4, {}},
    DataType{"U32", 4, {}},
    DataType{"I16", 2, {}},
    DataType{"U16", 2, {}},
    DataType{"I8", 1, {}},
    DataType{"U8", 1, {}},
    DataType{"BOOL", 1, {}},
    DataType{"F8_E4M3", 1, {}},
    DataType{"F8_E5M2", 1, {}},
    DataType{"F8_E8M0", 1, {}},
};

// Ends of names of buffers that checkpoints store beside the weights, which every implementation computes for
// itself: causal masks, position numbers, and how n-grams are hashed (extensions/ngram_embeddings.h).
constexpr auto kDerivedBuffers = std::to_array<std::string_view>(
    {".attention.bias", ".attn.bias", ".position_ids", ".attn.masked_bias", ".layer_multipliers",
     ".ngram_heads_vocab_sizes", ".ngram_heads_offsets"});

bool is_derived_buffer(std::string_view name) {
  return std::any_of(kDerivedBuffers.begin(), kDerivedBuffers.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

struct Entry {
  StoredTensor tensor;
  uint64_t begin = 0;
  uint64_t end = 0;
};

const DataType* find_type(std::string_view name) {
  const auto* type = std::find_if(kDataTypes.begin(), kDataTypes.end(),
                                  [&](const DataType& known) { return known.name == name; });
  return type == kDataTypes.end() ? nullptr : type;
}

Result<Entry> read_entry(const std::string& name, const SortedJson& value, const std::string& place) {
  const auto wrong = [&](std::string_view what, std::string expected) {
    return bad_input(place, fmt::format("tensor '{}' in the header: {}", shown_name(name), what),
                     std::move(expected));
  };
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets")) {
    return wrong("incomplete", "an object with dtype, shape and data_offsets");
  }
  const SortedJson& dtype = value["dtype"];
  const SortedJson& shape = value["shape"];
  const SortedJson& offsets = value["data_offsets"];
  if (!dtype.is_string()) return wrong("dtype is not a string", "\"F32\", \"F16\" or \"BF16\"");
  const auto& type_name = dtype.get_ref<const std::string&>();
  const DataType* type = find_type(type_name);
  if (type == nullptr) {
    return wrong(fmt::format("dtype {} is not supported yet", shown_name(type_name)), "F32, F16 or BF16");
  }

  Entry entry;
  entry.tensor.name = name;
  entry.tensor.dtype = type->name;
  if (!shape.is_array() || shape.size() > kMaxDimensions) {
    return wrong("shape is not a list of sizes", fmt::format("at most {} integers", kMaxDimensions));
  }
  uint64_t elements = 1;
  for (const SortedJson& size : shape) {
    if (!size.is_number_unsigned() || size.get<uint64_t>() > kMaxElements ||
        (size.get<uint64_t>() != 0 && elements > kMaxElements / size.get<uint64_t>())) {
      return wrong("impossible shape", "sizes from 0 whose product is below 2^62");
    }
    elements *= size.get<uint64_t>();
    entry.tensor.shape.push_back(size.get<int64_t>());
  }
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    return wrong("data_offsets are not two offsets", "[begin, end]");
  }
  entry.begin = offsets[0].get<uint64_t>();
  entry.end = offsets[1].get<uint64_t>();
  if (entry.begin > entry.end || (entry.end - entry.begin) % type->bytes != 0 ||
      (entry.end - entry.begin) / type->bytes != elements) {
    return wrong(fmt::format("offsets {} to {} do not hold {} elements of {}", entry.begin, entry.end,
                             elements, type->name),
                 "end - begin = elements × bytes of the type");
  }
  return entry;
}

// Sorted by position; every byte of the data belongs to exactly one tensor.
Result<void> check_coverage(const std::vector<Entry>& entries, uint64_t data_start, uint64_t data_size,
                            const std::string& place) {
  uint64_t position = 0;
  const auto at = [&](uint64_t offset) { return fmt::format("{} (byte {})", place, data_start + offset); };
  for (const Entry& entry : entries) {
    if (entry.begin != position) {
      return bad_input(
          at(position),
          fmt::format("tensor '{}' starts at offset {}", shown_name(entry.tensor.name), entry.begin),
          fmt::format("{}: tensors follow each other without holes or overlaps", position));
    }
    position = entry.end;
    if (position > data_size) {
      return bad_input(at(entry.begin),
                       fmt::format("tensor '{}' ends past the end of the file (offset {})",
                                   shown_name(entry.tensor.name), entry.end),
                       fmt::format("at most {} bytes of data", data_size), "the file may be truncated");
    }
  }
  if (position != data_size) {
    return bad_input(at(position), fmt::format("{} bytes belong to no tensor", data_size - position),
                     "tensors up to the end of the file");
  }
  return {};
}

}  // namespace

std::string shown_name(std::string_view name) {
  std::string text;
  for (const char c : name.substr(0, 80)) text += c >= ' ' && c <= '~' ? c : '?';
  return text;
}

Result<std::vector<StoredTensor>> parse_safetensors(std::span<const std::byte> bytes,
                                                    const std::string& place) {
  ByteReader reader(bytes, place);
  const auto header_size = reader.read<uint64_t>();
  if (reader.failed()) return reader.end_of_file("the header's length");
  if (header_size > kMaxHeaderBytes || header_size > reader.remaining()) {
    return bad_input(reader.place_at(0), fmt::format("the header's length is {} bytes", header_size),
                     fmt::format("at most {}", std::min<uint64_t>(kMaxHeaderBytes, reader.remaining())),
                     "the file is truncated, or not a safetensors file");
  }
  const auto header = parse_sorted_json(reader.read_text(header_size), place + " (header from byte 8)");
  if (!header) return tl::unexpected<Error>(header.error());
  if (!header->is_object())
    return bad_input(reader.place_at(8), "the header is not an object", "a JSON object");

  std::vector<Entry> entries;
  for (const auto& [name, value] : header->items()) {
    if (name == "__metadata__") continue;
    auto entry = read_entry(name, value, reader.place_at(8));
    if (!entry) return forward_error(entry);
    entries.push_back(std::move(*entry));
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;  // empty tensors first
  });
  const uint64_t data_start = reader.position();
  if (auto covered = check_coverage(entries, data_start, reader.remaining(), place); !covered) {
    return forward_error(covered);
  }
  std::vector<StoredTensor> tensors;
  for (Entry& entry : entries) {
    entry.tensor.data = bytes.subspan(data_start + entry.begin, entry.end - entry.begin);
    tensors.push_back(std::move(entry.tensor));
  }
  return tensors;
}

Result<std::vector<Tensor>> plain_tensors(std::vector<StoredTensor> stored, const std::string& place) {
  std::vector<Tensor> tensors;
  for (StoredTensor& tensor : stored) {
    const std::optional<TensorType> type = find_type(tensor.dtype)->type;
    if (type) {
      tensors.push_back({.name = std::move(tensor.name),
                         .type = *type,
                         .shape = std::move(tensor.shape),
                         .data = tensor.data});
    } else if (!is_derived_buffer(tensor.name)) {
      return bad_input(
          place,
          fmt::format("tensor '{}': dtype {} is not supported yet", shown_name(tensor.name), tensor.dtype),
          "F32, F16 or BF16");
    }
  }
  return tensors;
}

std::vector<float> floats_of(const StoredTensor& tensor) {
  const DataType& type = *find_type(tensor.dtype);
  std::vector<float> values;
  if (tensor.dtype == "F8_E8M0") {
    for (const std::byte exponent : tensor.data)
      values.push_back(std::ldexp(1.0F, std::to_integer<int>(exponent) - 127));
  } else if (type.type) {
    values.resize(tensor.data.size() / type.bytes);
    block_format(*type.type)
        .dequantise(tensor.data.data(), static_cast<int64_t>(values.size()), values.data());
  }
  return values;
}

}  // namespace sizeup
