#include "backends/engine/formats/quantised/grouped.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <utility>

namespace sizeup {
namespace {

constexpr std::string_view kCodes = ".qweight";

// Where in a word of AWQ's each of eight outputs lies.
constexpr std::array<int, 8> kShuffled = {0, 4, 1, 5, 2, 6, 3, 7};

uint32_t word_at(std::span<const std::byte> words, int64_t index) {
  uint32_t word;  // files do not promise alignment
  std::memcpy(&word, words.data() + index * int64_t{sizeof word}, sizeof word);
  return word;
}

struct GroupedParts {
  int64_t outputs = 0, inputs = 0, groups = 0;
  std::span<const std::byte> codes, zeros;
  Tensor scales;                  // {groups, outputs}
  std::vector<int32_t> group_of;  // each input's group
};

class GroupedRows : public RowSource {
 public:
  GroupedRows(const GroupedForm& form, GroupedParts parts, int64_t stored_bytes)
      : form_(form), parts_(std::move(parts)), stored_bytes_(stored_bytes) {}

  std::string_view format() const override { return form_.name; }
  int64_t stored_bytes() const override { return stored_bytes_; }

  // Neighbouring rows read the same cache lines of codes, which whoever packs rows in order finds in its
  // cache.
  void compute_row(int64_t row, std::span<float> out) const override {
    const auto groups = static_cast<size_t>(parts_.groups);
    std::vector<float> scales(groups), zeros(groups);
    for (size_t g = 0; g < groups; ++g) {
      scales[g] = scale_of(static_cast<int64_t>(g), row);
      zeros[g] = static_cast<float>(zero_of(static_cast<int64_t>(g), row));
    }
    for (size_t k = 0; k < out.size(); ++k) {
      const auto g = static_cast<size_t>(parts_.group_of[k]);
      out[k] = scales[g] * (static_cast<float>(code_of(static_cast<int64_t>(k), row)) - zeros[g]);
    }
  }

 private:
  int codes_of_word() const { return 32 / form_.bits; }
  uint32_t mask() const { return (1u << form_.bits) - 1; }

  uint32_t code_of(int64_t input, int64_t output) const {
    if (form_.packing == CodePacking::outputs_shuffled) return along_outputs(parts_.codes, input, output);
    const int64_t word = input / codes_of_word() * parts_.outputs + output;
    return word_at(parts_.codes, word) >> (input % codes_of_word() * form_.bits) & mask();
  }

  uint32_t zero_of(int64_t group, int64_t output) const {
    return along_outputs(parts_.zeros, group, output) + static_cast<uint32_t>(form_.zero_offset);
  }

  uint32_t along_outputs(std::span<const std::byte> words, int64_t row, int64_t output) const {
    const int codes = codes_of_word();
    const auto at = static_cast<size_t>(output % codes);
    const int place = form_.packing == CodePacking::outputs_shuffled ? kShuffled[at] : static_cast<int>(at);
    return word_at(words, row * (parts_.outputs / codes) + output / codes) >> (place * form_.bits) & mask();
  }

  float scale_of(int64_t group, int64_t output) const {
    const BlockFormat& format = block_format(parts_.scales.type);
    float scale = 0;
    format.dequantise(parts_.scales.data.data() + (group * parts_.outputs + output) * format.block_bytes, 1,
                      &scale);
    return scale;
  }

  GroupedForm form_;
  GroupedParts parts_;
  int64_t stored_bytes_;
};

class Reader {
 public:
  Reader(const std::string& module, const GroupedForm& form, StoredTensors& tensors)
      : module_(module), form_(form), tensors_(tensors), codes_of_word_(32 / form.bits) {}

  Result<void> read() {
    const StoredTensor* codes = tensors_.take(module_ + std::string(kCodes));
    if (auto good = check_codes(*codes); !good) return good;
    if (auto good = read_scales(); !good) return good;
    if (auto good = read_zeros(); !good) return good;
    if (auto good = read_groups(); !good) return good;
    parts_.codes = codes->data;
    bytes_ += static_cast<int64_t>(codes->data.size());
    std::vector<int64_t> shape = {parts_.outputs, parts_.inputs};
    tensors_.add(module_ + ".weight", std::move(shape), codes->data,
                 std::make_unique<GroupedRows>(form_, std::move(parts_), bytes_));
    return {};
  }

 private:
  Result<void> check_codes(const StoredTensor& codes) {
    const bool matrix = codes.dtype == "I32" && codes.shape.size() == 2 && !codes.data.empty();
    if (!matrix) return wrong(codes, "a matrix of I32");
    const bool shuffled = form_.packing == CodePacking::outputs_shuffled;
    parts_.inputs = codes.shape[0] * (shuffled ? 1 : codes_of_word_);
    parts_.outputs = codes.shape[1] * (shuffled ? codes_of_word_ : 1);
    if (parts_.outputs % codes_of_word_ != 0)
      return wrong(codes, fmt::format("outputs that are a multiple of {}", codes_of_word_));
    return {};
  }

  Result<void> read_scales() {
    const StoredTensor* scales = tensors_.take(module_ + ".scales");
    if (scales == nullptr) return missing(".scales");
    if (scales->shape.size() != 2 || scales->shape[1] != parts_.outputs || scales->data.empty())
      return wrong(*scales, fmt::format("{{groups, {}}}", parts_.outputs));
    auto plain = plain_tensors({*scales}, module_);
    if (!plain || plain->size() != 1) return wrong(*scales, "F16, BF16 or F32");
    parts_.groups = scales->shape[0];
    parts_.scales = std::move(plain->front());
    bytes_ += static_cast<int64_t>(scales->data.size());
    return {};
  }

  Result<void> read_zeros() {
    const StoredTensor* zeros = tensors_.take(module_ + ".qzeros");
    if (zeros == nullptr) return missing(".qzeros");
    const std::vector<int64_t> shape = {parts_.groups, parts_.outputs / codes_of_word_};
    if (zeros->dtype != "I32" || zeros->shape != shape) return wrong(*zeros, "I32 of " + shape_text(shape));
    parts_.zeros = zeros->data;
    bytes_ += static_cast<int64_t>(zeros->data.size());
    return {};
  }

  Result<void> read_groups() {
    parts_.group_of.resize(static_cast<size_t>(parts_.inputs));
    const StoredTensor* groups = tensors_.take(module_ + ".g_idx");
    if (groups == nullptr) return equal_groups();
    if (groups->dtype != "I32" || groups->shape != std::vector<int64_t>{parts_.inputs})
      return wrong(*groups, fmt::format("I32 of {{{}}}", parts_.inputs));
    bytes_ += static_cast<int64_t>(groups->data.size());
    for (int64_t k = 0; k < parts_.inputs; ++k) {
      const auto group = static_cast<int32_t>(word_at(groups->data, k));
      if (group < 0 || group >= parts_.groups) {
        return tensors_.wrong(groups->name, fmt::format("names group {} for input {}", group, k),
                              fmt::format("0 to {}", parts_.groups - 1));
      }
      parts_.group_of[static_cast<size_t>(k)] = group;
    }
    return {};
  }

  Result<void> equal_groups() {
    const int64_t size = form_.group_size == -1 ? parts_.inputs : form_.group_size;
    if ((parts_.inputs + size - 1) / size != parts_.groups) {
      return tensors_.wrong(module_ + ".scales", fmt::format("has {} groups", parts_.groups),
                            fmt::format("{} inputs in groups of {}", parts_.inputs, size));
    }
    for (size_t k = 0; k < parts_.group_of.size(); ++k)
      parts_.group_of[k] = static_cast<int32_t>(static_cast<int64_t>(k) / size);
    return {};
  }

  tl::unexpected<Error> wrong(const StoredTensor& part, std::string expected) const {
    return tensors_.wrong(part.name, fmt::format("is {} of {}", part.dtype, shape_text(part.shape)),
                          std::move(expected));
  }
  tl::unexpected<Error> missing(std::string_view part) const {
    return tensors_.wrong(module_ + std::string(part), "is missing",
                          fmt::format("beside '{}{}'", shown_name(module_), kCodes));
  }

  const std::string& module_;
  const GroupedForm& form_;
  StoredTensors& tensors_;
  int codes_of_word_;
  GroupedParts parts_;
  int64_t bytes_ = 0;
};

}  // namespace

Result<void> read_grouped(const std::string& module, const GroupedForm& form, StoredTensors& tensors) {
  return Reader(module, form, tensors).read();
}

std::vector<std::string> grouped_modules(const StoredTensors& tensors) {
  std::vector<std::string> modules;
  for (const StoredTensor& tensor : tensors.all()) {
    if (tensor.name.ends_with(kCodes))
      modules.push_back(tensor.name.substr(0, tensor.name.size() - kCodes.size()));
  }
  return modules;
}

}  // namespace sizeup
