// The product in float32, included after a vector_*.h, exponential.inl, operand.inl and finish.inl.
//
// Panels are [input][kPanelOutputs] in the weights' own format. Few rows: lanes run over outputs and the
// weights are widened in registers, so that they pass once. Many rows: a block of weights is widened into the
// cache and lanes run over rows. Both add the same fused products in the same order, so that their bits are
// equal.
namespace {

using sizeup::cpu::weight_bytes;
using sizeup::cpu::WeightFormat;

constexpr int kPanelOutputs = 16;
static_assert(kPanelOutputs % kBlockFeatures == 0);

// Widened weights of a block stay in the second-level cache (2 MiB on the machines measured, half of it)
// while all rows pass over them.
constexpr int kBlockBytes = 1 << 20;
// Inputs of a pass: kBlockGroups x 256 inputs of activations are 32 KiB, which stay in the first-level cache
// (48 KiB).
constexpr int kPassInputs = 256;
// Bytes that a stream of weights is asked for ahead of its use; no prefetch cost 10-18 % of the read rate.
constexpr int kPrefetchBytes = 2304;

// Up to here weights are widened again for every group of rows, which costs less than widening a block.
constexpr int kFewRows = 64;

template <WeightFormat kFormat>
static inline __attribute__((always_inline)) Lanes load_weights(const std::byte* panel, int input) {
  if constexpr (kFormat == WeightFormat::float32) {
    return load(reinterpret_cast<const float*>(panel) + input * kPanelOutputs);
  } else if constexpr (kFormat == WeightFormat::float16) {
    return load_halves(panel + static_cast<size_t>(input) * kPanelOutputs * 2);
  } else {
    return load_bfloats(panel + static_cast<size_t>(input) * kPanelOutputs * 2);
  }
}

// ---- Few rows

// What is fetched while a pass multiplies: the weights that come next in the pass's own streams, or, where
// several passes multiply the same panels, a share of the panels after them (6 % faster with 16 and 32 rows).
struct Ahead {
  const std::byte* from = nullptr;  // nullptr: the pass's own streams
  size_t line_bytes = 0;            // of it for each line of a panel
};

// `kPanels` panels times kRows rows; x: the first of the rows, [input][width].
template <WeightFormat kFormat, int kPanels, int kRows>
static inline void multiply_few_block(const PackedLinear& weights, const float* x, int width, int panel,
                                      Ahead ahead, float* sums) {
  const std::byte* panels[kPanels];
  for (int p = 0; p < kPanels; ++p) panels[p] = weights.panel(panel + p);
  Lanes acc[kPanels][kRows];
  for (int p = 0; p < kPanels; ++p) {
    for (int r = 0; r < kRows; ++r) acc[p][r] = zero();
  }
  constexpr int kLine = 64 / (static_cast<int>(weight_bytes(kFormat)) * kPanelOutputs);  // inputs in a cache line
  for (int k = 0; k < weights.padded_inputs; k += kLine) {
    if (ahead.from == nullptr) {
      for (int p = 0; p < kPanels; ++p) {
        _mm_prefetch(reinterpret_cast<const char*>(panels[p]) + k * (64 / kLine) + kPrefetchBytes,
                     _MM_HINT_T0);
      }
    } else {
      _mm_prefetch(reinterpret_cast<const char*>(ahead.from), _MM_HINT_T1);
      ahead.from += ahead.line_bytes;
    }
#pragma GCC unroll 2
    for (int i = 0; i < kLine; ++i) {
      Lanes w[kPanels];
      for (int p = 0; p < kPanels; ++p) w[p] = load_weights<kFormat>(panels[p], k + i);
      for (int r = 0; r < kRows; ++r) {
        const Lanes value = broadcast(x[(k + i) * width + r]);
        for (int p = 0; p < kPanels; ++p) acc[p][r] = fused(w[p], value, acc[p][r]);
      }
    }
  }
  for (int p = 0; p < kPanels; ++p) {
    for (int r = 0; r < kRows; ++r) {
      float outputs[kPanelOutputs];
      store(outputs, acc[p][r]);
      for (int i = 0; i < kPanelOutputs; ++i) sums[(p * kPanelOutputs + i) * kLanes + r] = outputs[i];
    }
  }
}

// The same for a number of rows that is known when it runs, at most kRows.
template <WeightFormat kFormat, int kPanels, int kRows>
static void multiply_few_some(int rows, const PackedLinear& weights, const float* x, int width, int panel,
                              Ahead ahead, float* sums) {
  if constexpr (kRows > 1) {
    if (rows < kRows) {
      return multiply_few_some<kFormat, kPanels, kRows - 1>(rows, weights, x, width, panel, ahead, sums);
    }
  }
  multiply_few_block<kFormat, kPanels, kRows>(weights, x, width, panel, ahead, sums);
}

// Passes of as many rows as fill the registers: rows * kPanels accumulators.
template <WeightFormat kFormat, int kPanels>
static void multiply_few_panels(const PackedLinear& weights, const Operand& in, const ProductResult& result,
                                int panel, float* sums) {
  constexpr int kPassRows = kFewAccumulators / kPanels;
  static_assert(kLanes % kPassRows == 0);
  const int passes = (in.rows + kPassRows - 1) / kPassRows;
  const size_t share = weights.panel_bytes() * kPanels / static_cast<size_t>(passes);
  for (int pass = 0; pass < passes; ++pass) {
    const int group = pass * kPassRows / kLanes;
    const int row = pass * kPassRows % kLanes;
    const int left = in.rows - pass * kPassRows;
    Ahead ahead;
    if (passes > 1) {
      ahead = {weights.panel(panel + kPanels) + static_cast<size_t>(pass) * share,
               size_t{64} * kPanels / static_cast<size_t>(passes)};
    }
    multiply_few_some<kFormat, kPanels, kPassRows>(left < kPassRows ? left : kPassRows, weights,
                                                   in.floats_at(group, 0) + row, in.width(), panel, ahead,
                                                   sums + row);
    if (row + kPassRows < kLanes && left > kPassRows) continue;
    for (int p = 0; p < kPanels; ++p) {
      finish(weights, result, group, panel + p, sums + p * kPanelOutputs * kLanes);
    }
  }
}

constexpr int kMostFewPanels = 4;

template <WeightFormat kFormat>
static void multiply_few(const PackedLinear& weights, const Operand& in, const ProductResult& result,
                         int first, int end, float* sums) {
  __builtin_memset(sums, 0, sizeof(float) * kMostFewPanels * kPanelOutputs * kLanes);
  int panel = first;
  // Four panels at once make enough independent sums for one or two rows, two do for more.
  if (in.rows <= 2) {
    for (; panel + 4 <= end; panel += 4) multiply_few_panels<kFormat, 4>(weights, in, result, panel, sums);
  }
  for (; panel + 2 <= end; panel += 2) multiply_few_panels<kFormat, 2>(weights, in, result, panel, sums);
  for (; panel < end; ++panel) multiply_few_panels<kFormat, 1>(weights, in, result, panel, sums);
}

// ---- Many rows

// One panel as blocks of kBlockFeatures outputs: [block][input][kBlockFeatures].
template <WeightFormat kFormat>
static void widen_panel(const PackedLinear& weights, int panel, float* out) {
  const std::byte* from = weights.panel(panel);
  const int inputs = weights.padded_inputs;
  for (int k = 0; k < inputs; ++k) {
    alignas(64) float values[kPanelOutputs];
    store(values, load_weights<kFormat>(from, k));
    for (int block = 0; block < kPanelOutputs / kBlockFeatures; ++block) {
      __builtin_memcpy(
          out + (static_cast<size_t>(block) * static_cast<size_t>(inputs) + static_cast<size_t>(k)) *
                    kBlockFeatures,
          values + block * kBlockFeatures, sizeof(float) * kBlockFeatures);
    }
  }
}

// kBlockFeatures outputs of `inputs` inputs times kGroups groups, onto sums[group][output][kLanes].
template <int kGroups>
static inline void multiply_block(const float* w, const float* const* x, int inputs, float* const* sums,
                                  bool continues) {
  Lanes acc[kBlockFeatures][kGroups];
  for (int f = 0; f < kBlockFeatures; ++f) {
    for (int g = 0; g < kGroups; ++g) acc[f][g] = continues ? load(sums[g] + f * kLanes) : zero();
  }
  for (int k = 0; k < inputs; ++k) {
    Lanes values[kGroups];
    for (int g = 0; g < kGroups; ++g) values[g] = load(x[g] + k * kLanes);
#pragma GCC unroll 8
    for (int f = 0; f < kBlockFeatures; ++f) {
      const Lanes weight = broadcast(w[k * kBlockFeatures + f]);
      for (int g = 0; g < kGroups; ++g) acc[f][g] = fused(weight, values[g], acc[f][g]);
    }
  }
  for (int f = 0; f < kBlockFeatures; ++f) {
    for (int g = 0; g < kGroups; ++g) store(sums[g] + f * kLanes, acc[f][g]);
  }
}

// kGroups groups from `group` on times a widened block of panels.
template <int kGroups>
static void multiply_groups(const PackedLinear& weights, const float* block, const Operand& in,
                            const ProductResult& result, int group, int first_panel, int panels,
                            float* sums) {
  constexpr int kPanelSums = kPanelOutputs * kLanes;
  const int inputs = weights.padded_inputs;
  for (int from = 0; from < inputs; from += kPassInputs) {
    const int count = inputs - from < kPassInputs ? inputs - from : kPassInputs;
    const float* x[kGroups];
    for (int g = 0; g < kGroups; ++g) x[g] = in.floats_at(group + g, from);
    for (int b = 0; b < panels * (kPanelOutputs / kBlockFeatures); ++b) {
      float* places[kGroups];
      for (int g = 0; g < kGroups; ++g) {
        const int panel = b * kBlockFeatures / kPanelOutputs;
        places[g] = sums + (panel * kGroups + g) * kPanelSums + b * kBlockFeatures % kPanelOutputs * kLanes;
      }
      const float* w =
          block +
          (static_cast<size_t>(b) * static_cast<size_t>(inputs) + static_cast<size_t>(from)) * kBlockFeatures;
      multiply_block<kGroups>(w, x, count, places, from > 0);
    }
  }
  for (int p = 0; p < panels; ++p) {
    for (int g = 0; g < kGroups; ++g) {
      finish(weights, result, group + g, first_panel + p, sums + (p * kGroups + g) * kPanelSums);
    }
  }
}

static inline int block_panels(const PackedLinear& weights) {
  const int panels = kBlockBytes / (weights.padded_inputs * kPanelOutputs * static_cast<int>(sizeof(float)));
  return panels < 1 ? 1 : panels;
}

template <WeightFormat kFormat>
static void multiply_many(const PackedLinear& weights, const Operand& in, const ProductResult& result,
                          int first, int end, float* scratch) {
  const int most = block_panels(weights);
  float* block = scratch + most * kBlockGroups * kPanelOutputs * kLanes;
  const size_t panel_floats = static_cast<size_t>(weights.padded_inputs) * kPanelOutputs;
  for (int panel = first; panel < end; panel += most) {
    const int panels = end - panel < most ? end - panel : most;
    for (int p = 0; p < panels; ++p)
      widen_panel<kFormat>(weights, panel + p, block + static_cast<size_t>(p) * panel_floats);
    const int groups = (in.rows + kLanes - 1) / kLanes;
    int group = 0;
    for (; group + kBlockGroups <= groups; group += kBlockGroups) {
      multiply_groups<kBlockGroups>(weights, block, in, result, group, panel, panels, scratch);
    }
    for (; group < groups; ++group)
      multiply_groups<1>(weights, block, in, result, group, panel, panels, scratch);
  }
}

// ---- The family

template <WeightFormat kFormat>
static void multiply_format(const PackedLinear& weights, const Operand& in, const ProductResult& result,
                            int first, int end, float* scratch) {
  if (in.rows <= kFewRows) {
    multiply_few<kFormat>(weights, in, result, first, end, scratch);
  } else {
    multiply_many<kFormat>(weights, in, result, first, end, scratch);
  }
}

static void multiply_floats(const PackedLinear& weights, const Operand& in, const ProductResult& result,
                            int first, int end, std::byte* scratch) {
  auto* floats = reinterpret_cast<float*>(scratch);
  switch (weights.format) {
    case WeightFormat::float32:
      return multiply_format<WeightFormat::float32>(weights, in, result, first, end, floats);
    case WeightFormat::float16:
      return multiply_format<WeightFormat::float16>(weights, in, result, first, end, floats);
    case WeightFormat::bfloat16:
      return multiply_format<WeightFormat::bfloat16>(weights, in, result, first, end, floats);
  }
}

static size_t floats_scratch_bytes(const PackedLinear& weights) {
  const auto panels = static_cast<size_t>(block_panels(weights));
  const size_t few = kMostFewPanels * kPanelOutputs * kLanes;
  const size_t many =
      panels * kPanelOutputs * (kBlockGroups * kLanes + static_cast<size_t>(weights.padded_inputs));
  return sizeof(float) * (few > many ? few : many);
}

}  // namespace
