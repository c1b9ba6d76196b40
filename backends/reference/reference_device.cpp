#include "backends/reference/reference_device.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/reference/attention.h"
#include "backends/reference/exponential.h"
#include "backends/reference/product.h"
#include "backends/reference/row_operations.h"
#include "core/errors/result.h"
#include "core/threads/thread_pool.h"

namespace sizeup {
namespace {

// Rows whose logits are held at once: [rows][vocabulary] of a large vocabulary must not fill the memory.
constexpr int kHeadRows = 64;

class ReferenceDevice final : public Device {
 public:
  explicit ReferenceDevice(const DecoderSpec& spec)
      : spec_(spec),
        shape_{.kv_heads = spec.kv_heads, .head_size = spec.head_size},
        rotary_(spec.rotary),
        pool_(std::make_unique<ThreadPool>(1)) {}

  std::string_view name() const override { return "reference"; }
  std::string_view precision() const override { return "float32"; }
  void set_threads(int threads) override { pool_ = std::make_unique<ThreadPool>(std::max(1, threads)); }

  MatrixId add_matrix(const Tensor& weight) override {
    matrices_.emplace_back(weight);
    return static_cast<MatrixId>(matrices_.size() - 1);
  }

  VectorId add_vector(const Tensor& weight) override {
    std::vector<float>& values = vectors_.emplace_back(static_cast<size_t>(weight.columns()));
    dequantise_row(weight, 0, values);
    return static_cast<VectorId>(vectors_.size() - 1);
  }

  RowsId add_rows(int columns) override {
    activations_.push_back({.columns = columns, .rows = 0, .values = {}});
    return static_cast<RowsId>(activations_.size() - 1);
  }

  int64_t page_bytes() const override { return static_cast<int64_t>(page_floats() * sizeof(float)); }

  void begin(const Step& step) override {
    step_ = &step;
    while (pages_.size() < static_cast<size_t>(step.page_count)) {
      pages_.emplace_back(page_floats());
    }
    for (const PageCopy& copy : step.copies) {
      for (int layer = 0; layer < spec_.layers; ++layer) {
        copy_positions(shape_, page_layer(copy.from, layer), copy.positions, page_layer(copy.to, layer));
      }
    }
    rotary_.prepare(step.positions);
  }

  void embed(MatrixId table, RowsId out) override {
    const RowsView rows = resize(out, step_->rows());
    for (int r = 0; r < rows.rows; ++r)
      matrix(table).read_row(step_->tokens[static_cast<size_t>(r)], rows.row(r));
  }

  void norm(RowsId in, VectorId weight, float epsilon, RowsId out) override {
    const RowsView from = view(in);
    const RowsView to = resize(out, from.rows);
    each_row(from.rows, [&](int r) { rms_norm(from.row(r), vector(weight), epsilon, to.row(r)); });
  }

  void linear(RowsId in, MatrixId weight, RowsId out) override {
    const RowsView from = view(in);
    multiply(from, matrix(weight), resize(out, from.rows), *pool_);
  }

  void add_bias(RowsId rows, VectorId bias) override {
    const RowsView to = view(rows);
    each_row(to.rows, [&](int r) { add_in_place(to.row(r), vector(bias).data(), columns(rows)); });
  }

  void rotate_and_write(int layer, RowsId query, RowsId key, RowsId value) override {
    const RowsView queries = view(query);
    const RowsView keys = view(key);
    const RowsView values = view(value);
    each_row(queries.rows, [&](int r) {
      rotary_.rotate(r, queries.row(r), spec_.heads, spec_.head_size);
      rotary_.rotate(r, keys.row(r), spec_.kv_heads, spec_.head_size);
    });
    for (const KeyValueWrite& write : step_->writes) {
      write_key_value(shape_, keys.row(write.row), values.row(write.row), write.offset,
                      page_layer(write.page, layer));
    }
  }

  void attention(int layer, RowsId query, RowsId out) override {
    const RowsView queries = view(query);
    const RowsView to = resize(out, queries.rows);
    const int group = spec_.heads / spec_.kv_heads;
    each_row(queries.rows, [&](int r) {
      const auto index = static_cast<size_t>(r);
      const int positions = step_->positions[index] + 1;
      std::vector<const float*> pages;
      for (const int32_t page :
           step_->table(step_->tables[index]).first(static_cast<size_t>(pages_for(positions)))) {
        pages.push_back(page_layer(page, layer));
      }
      for (int head = 0; head < spec_.heads; ++head) {
        attend(shape_, head / group, queries.row(r) + head * spec_.head_size, pages, positions,
               to.row(r) + head * spec_.head_size);
      }
    });
  }

  void gated_activation(Activation activation, RowsId gate, RowsId up, RowsId out) override {
    require(activation == Activation::silu, "the only activation of this device");
    const RowsView gates = view(gate);
    const RowsView ups = view(up);
    const RowsView to = resize(out, gates.rows);
    each_row(gates.rows, [&](int r) { silu_times(gates.row(r), ups.row(r), columns(gate), to.row(r)); });
  }

  void add(RowsId rows, RowsId addend) override {
    const RowsView to = view(rows);
    const RowsView from = view(addend);
    each_row(to.rows, [&](int r) { add_in_place(to.row(r), from.row(r), columns(rows)); });
  }

  void select_wanted(RowsId in, RowsId out) override {
    const RowsView from = view(in);
    const RowsView to = resize(out, static_cast<int>(step_->wanted.size()));
    for (int i = 0; i < to.rows; ++i) {
      std::copy_n(from.row(step_->wanted[static_cast<size_t>(i)].row), columns(in), to.row(i));
    }
  }

  void log_probabilities(RowsId wanted, MatrixId head, StepResult& result) override {
    const RowsView rows = view(wanted);
    const int vocabulary = matrix(head).outputs();
    const std::vector<size_t> places = make_room(vocabulary, result);
    FloatBuffer logits(padded_columns(vocabulary) * static_cast<size_t>(std::min(rows.rows, kHeadRows)));
    for (int first = 0; first < rows.rows; first += kHeadRows) {
      const RowsView part{rows.row(first), rows.stride, std::min(kHeadRows, rows.rows - first)};
      const RowsView out{logits.data(), padded_columns(vocabulary), part.rows};
      multiply(part, matrix(head), out, *pool_);
      each_row(part.rows, [&](int r) {
        const auto index = static_cast<size_t>(first + r);
        finish_row(index, std::span(out.row(r), static_cast<size_t>(vocabulary)), places[index], result);
      });
    }
  }

 private:
  struct Activations {
    int columns;
    int rows;
    FloatBuffer values;
  };

  size_t page_floats() const { return static_cast<size_t>(spec_.layers) * shape_.layer_floats(); }
  float* page_layer(int32_t page, int layer) {
    return pages_[static_cast<size_t>(page)].data() + static_cast<size_t>(layer) * shape_.layer_floats();
  }

  const PackedMatrix& matrix(MatrixId id) const { return matrices_[static_cast<size_t>(id)]; }
  const std::vector<float>& vector(VectorId id) const { return vectors_[static_cast<size_t>(id)]; }
  int columns(RowsId id) const { return activations_[static_cast<size_t>(id)].columns; }

  RowsView view(RowsId id) {
    Activations& a = activations_[static_cast<size_t>(id)];
    return {a.values.data(), padded_columns(a.columns), a.rows};
  }

  RowsView resize(RowsId id, int rows) {
    Activations& a = activations_[static_cast<size_t>(id)];
    const size_t needed = padded_columns(a.columns) * static_cast<size_t>(rows);
    if (a.values.size() < needed) a.values = FloatBuffer(needed);
    a.rows = rows;
    return view(id);
  }

  template <class Body>
  void each_row(int rows, const Body& body) {
    // Tasks of several rows: one row of a small model is less work than taking a task.
    constexpr int kTaskRows = 8;
    const auto tasks = static_cast<size_t>((rows + kTaskRows - 1) / kTaskRows);
    pool_->parallel_for(tasks, [&](size_t task) {
      const int begin = static_cast<int>(task) * kTaskRows;
      for (int r = begin; r < std::min(begin + kTaskRows, rows); ++r) body(r);
    });
  }

  // Sizes the result; where each wanted row's distribution goes.
  std::vector<size_t> make_room(int vocabulary, StepResult& result) const {
    std::vector<size_t> places;
    size_t end = 0;
    for (const WantedRow& wanted : step_->wanted) {
      places.push_back(end);
      if (wanted.distribution) end += static_cast<size_t>(vocabulary);
    }
    result.best.resize(step_->wanted.size());
    result.best_logprobs.resize(step_->wanted.size());
    result.target_logprobs.resize(step_->targets.size());
    result.distributions.resize(end);
    return places;
  }

  void finish_row(size_t index, std::span<const float> logits, size_t place, StepResult& result) const {
    const WantedRow& wanted = step_->wanted[index];
    const LogSoftmax softmax(logits);
    result.best[index] = softmax.best();
    result.best_logprobs[index] = softmax(logits[static_cast<size_t>(softmax.best())]);
    for (int t = wanted.target_begin; t < wanted.target_begin + wanted.target_count; ++t) {
      const Token target = step_->targets[static_cast<size_t>(t)];
      result.target_logprobs[static_cast<size_t>(t)] = softmax(logits[static_cast<size_t>(target)]);
    }
    if (!wanted.distribution) return;
    for (size_t v = 0; v < logits.size(); ++v) result.distributions[place + v] = softmax(logits[v]);
  }

  DecoderSpec spec_;
  PageShape shape_;
  Rotary rotary_;
  std::unique_ptr<ThreadPool> pool_;
  std::vector<PackedMatrix> matrices_;
  std::vector<std::vector<float>> vectors_;
  std::vector<Activations> activations_;
  std::vector<FloatBuffer> pages_;
  const Step* step_ = nullptr;
};

}  // namespace

std::unique_ptr<Device> make_reference_device(const DecoderSpec& spec) {
  return std::make_unique<ReferenceDevice>(spec);
}

}  // namespace sizeup
