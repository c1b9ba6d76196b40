#include "backends/engine/formats/tensor_views.h"

#include <algorithm>

#include "core/errors/result.h"

namespace sizeup {
namespace {

class View : public RowSource {
 public:
  explicit View(const Tensor& shown) : shown_(shown) {}
  std::string_view format() const override { return stored_format(shown_); }
  int64_t stored_bytes() const override { return sizeup::stored_bytes(shown_); }

 protected:
  Tensor shown_;
};

// A row gathers one element of each of the matrix' rows. Neighbouring rows read the same cache lines, which
// whoever packs rows in order finds in its cache.
class Transposed : public View {
 public:
  using View::View;
  void compute_row(int64_t row, std::span<float> out) const override {
    const BlockFormat& format = block_format(shown_.type);
    std::vector<std::byte> elements(out.size() * static_cast<size_t>(format.block_bytes));
    compute_blocks(row, elements);
    format.dequantise(elements.data(), static_cast<int64_t>(out.size()), out.data());
  }
  void compute_blocks(int64_t row, std::span<std::byte> out) const override {
    const int64_t element = block_format(shown_.type).block_bytes;
    const int64_t row_bytes = element * shown_.columns();
    const std::byte* from = shown_.data.data() + row * element;
    for (auto to = out.begin(); to != out.end(); to += element, from += row_bytes)
      std::copy_n(from, element, to);
  }
};

class EverySecond : public View {
 public:
  EverySecond(const Tensor& shown, int64_t first) : View(shown), first_(first) {}
  void compute_row(int64_t row, std::span<float> out) const override {
    dequantise_row(shown_, first_ + 2 * row, out);
  }
  void compute_blocks(int64_t row, std::span<std::byte> out) const override {
    copy_row(shown_, first_ + 2 * row, out);
  }

 private:
  int64_t first_;
};

Tensor view(const Tensor& shown, std::vector<int64_t> shape, std::unique_ptr<const RowSource> source,
            RowSources& sources) {
  Tensor tensor = shown;
  tensor.shape = std::move(shape);
  tensor.computed = source.get();
  tensor.first_row = 0;
  sources.push_back(std::move(source));
  return tensor;
}

}  // namespace

Tensor transposed(const Tensor& matrix, RowSources& sources) {
  require(matrix.computed == nullptr && block_format(matrix.type).block_elements == 1,
          "single elements can be gathered");
  return view(matrix, {matrix.columns(), matrix.rows()}, std::make_unique<Transposed>(matrix), sources);
}

Tensor every_second_row(const Tensor& matrix, int64_t first, RowSources& sources) {
  require(matrix.rows() % 2 == 0 && (first == 0 || first == 1), "half of the rows are shown");
  return view(matrix, {matrix.rows() / 2, matrix.columns()}, std::make_unique<EverySecond>(matrix, first),
              sources);
}

}  // namespace sizeup
