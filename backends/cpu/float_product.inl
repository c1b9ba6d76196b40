// The product in float32, included after a vector_*.h, exponential.inl, activation.inl, operand.inl,
// finish.inl and unpack.inl.
//
// Weights of every format become float32 on the way. One row: in registers, right from their blocks. Few
// rows: step by step into the cache; lanes run over outputs, and a piece of a few panels stays in the
// first-level cache while all rows pass over it. Many rows: a block of panels stays in the second-level cache
// and lanes run over rows. All add the same fused products in the same order, so that their bits are equal.
namespace {

static_assert(kPanelOutputs % kBlockFeatures == 0);

// Unpacked weights of a block stay in the second-level cache (2 MiB on the machines measured, half of it)
// while all rows pass over them.
constexpr int kBlockBytes = 1 << 20;
// Inputs of a pass: kBlockGroups x 256 inputs of activations are 32 KiB, which stay in the first-level cache
// (48 KiB).
constexpr int kPassInputs = 256;
// Bytes that a stream of weights is asked for ahead of its use; no prefetch cost 10-18 % of the read rate.
constexpr int kPrefetchBytes = 2304;

// Up to here lanes run over outputs.
constexpr int kFewRows = 64;

// ---- Few rows

// Inputs of a piece: of four panels they are 16 KiB of the first-level cache (48 KiB), and one input of 64
// rows is 256 bytes.
constexpr int kPieceSteps = 2;
constexpr int kPieceInputs = kPieceSteps * kStepColumns;
constexpr int kMostFewPanels = 4;

// Memory of a thread: [panel][kPieceInputs][kPanelOutputs] unpacked weights, [panel][row][kPanelOutputs]
// sums.
struct FewMemory {
  float* weights;
  float* sums;
  float* panel_sums;  // [kPanelOutputs][kLanes], as finish() wants them
};
constexpr size_t kFewWeights = size_t{kMostFewPanels} * kPieceInputs * kPanelOutputs;
constexpr size_t kFewSums = size_t{kMostFewPanels} * kFewRows * kPanelOutputs;
constexpr size_t kPanelSums = size_t{kPanelOutputs} * kLanes;

// What is fetched meanwhile: `bytes` of each stream for each input.
struct Ahead {
  const std::byte* from[kMostFewPanels] = {};
  size_t bytes = 0;
};

// Bytes of a panel for an input, on average.
static inline size_t input_bytes(const PackedLinear& weights) {
  return weights.panel_bytes / static_cast<size_t>(weights.padded_inputs);
}

// What the stream of `panel` needs kPrefetchBytes after step `step`; it goes on in the panel that is
// multiplied next in the same place, `panels` further on.
static inline const std::byte* ahead_of(const PackedLinear& weights, const std::byte* panel, int step,
                                        int panels) {
  const size_t at = input_bytes(weights) * static_cast<size_t>(step * kStepColumns) + kPrefetchBytes;
  return panel + at + (at < weights.panel_bytes ? 0 : static_cast<size_t>(panels - 1) * weights.panel_bytes);
}

static inline void ask(const std::byte* line) {
  __builtin_prefetch(line);
}

// kPanels panels times kRows rows for `inputs` inputs, onto the sums. x: [input][width].
template <int kPanels, int kRows>
static inline void multiply_piece(const float* weights, const float* x, int width, int inputs, float* sums,
                                  bool continues, const Ahead& ahead) {
  Lanes acc[kPanels][kRows];
  for (int p = 0; p < kPanels; ++p) {
    for (int r = 0; r < kRows; ++r) {
      acc[p][r] = continues ? load(sums + (p * kFewRows + r) * kPanelOutputs) : zero();
    }
  }
  for (int k = 0; k < inputs; k += 2) {
    if (ahead.bytes > 0) {
      for (int p = 0; p < kPanels; ++p) ask(ahead.from[p] + static_cast<size_t>(k) * ahead.bytes);
    }
#pragma GCC unroll 2
    for (int i = k; i < k + 2; ++i) {
      Lanes w[kPanels];
      for (int p = 0; p < kPanels; ++p) w[p] = load(weights + (p * kPieceInputs + i) * kPanelOutputs);
      for (int r = 0; r < kRows; ++r) {
        const Lanes value = broadcast(x[i * width + r]);
        for (int p = 0; p < kPanels; ++p) acc[p][r] = fused(w[p], value, acc[p][r]);
      }
    }
  }
  for (int p = 0; p < kPanels; ++p) {
    for (int r = 0; r < kRows; ++r) store(sums + (p * kFewRows + r) * kPanelOutputs, acc[p][r]);
  }
}

// The same for a number of rows that is known when it runs, at most kRows.
template <int kPanels, int kRows>
static void multiply_some(int rows, const float* weights, const float* x, int width, int inputs, float* sums,
                          bool continues, const Ahead& ahead) {
  if constexpr (kRows > 1) {
    if (rows < kRows) {
      return multiply_some<kPanels, kRows - 1>(rows, weights, x, width, inputs, sums, continues, ahead);
    }
  }
  multiply_piece<kPanels, kRows>(weights, x, width, inputs, sums, continues, ahead);
}

// Rows pass by as many as fill the registers: rows * kPanels accumulators.
template <int kPanels>
static void multiply_few_panels(const PackedLinear& weights, const Unpacking& unpacking, const Operand& in,
                                const ProductResult& result, int panel, const FewMemory& memory) {
  constexpr int kPassRows = kFewAccumulators / kPanels;
  static_assert(kLanes % kPassRows == 0);
  const int steps = weights.padded_inputs / kStepColumns;
  for (int step = 0; step < steps; step += kPieceSteps) {
    const int end = steps - step < kPieceSteps ? steps : step + kPieceSteps;
    Ahead ahead{{}, input_bytes(weights)};
    for (int p = 0; p < kPanels; ++p) {
      const std::byte* from = weights.panel(panel + p);
      ahead.from[p] = ahead_of(weights, from, step, kPanels);
      for (int s = step; s < end; ++s) {
        unpacking.unpack(from, s,
                         memory.weights + (p * kPieceInputs + (s - step) * kStepColumns) * kPanelOutputs);
      }
    }
    for (int row = 0; row < in.rows; row += kPassRows) {
      const int rows = in.rows - row < kPassRows ? in.rows - row : kPassRows;
      const float* x = in.floats_at(row / kLanes, step * kStepColumns) + row % kLanes;
      multiply_some<kPanels, kPassRows>(rows, memory.weights, x, in.width(), (end - step) * kStepColumns,
                                        memory.sums + row * kPanelOutputs, step > 0, ahead);
      ahead.bytes = 0;
    }
  }
  for (int group = 0; group * kLanes < in.rows; ++group) {
    for (int p = 0; p < kPanels; ++p) {
      for (int lane = 0; lane < kLanes && group * kLanes + lane < in.rows; ++lane) {
        const float* outputs = memory.sums + (p * kFewRows + group * kLanes + lane) * kPanelOutputs;
        for (int i = 0; i < kPanelOutputs; ++i) memory.panel_sums[i * kLanes + lane] = outputs[i];
      }
      finish(weights, result, group, panel + p, memory.panel_sums);
    }
  }
}

// One row: weights go from their blocks right into the sums.
static void multiply_lone(const PackedLinear& weights, const Unpacking& unpacking, const Operand& in,
                          const ProductResult& result, int panel, float* panel_sums) {
  const std::byte* panels[kLonePanels];
  Lanes sums[kLonePanels];
  for (int p = 0; p < kLonePanels; ++p) {
    panels[p] = weights.panel(panel + p);
    sums[p] = zero();
  }
  const int steps = weights.padded_inputs / kStepColumns;
  const size_t step_bytes = input_bytes(weights) * kStepColumns;
  for (int step = 0; step < steps; ++step) {
    for (int p = 0; p < kLonePanels; ++p) {
      const std::byte* ahead = ahead_of(weights, panels[p], step, kLonePanels);
      for (size_t at = 0; at < step_bytes; at += 64) ask(ahead + at);
    }
    unpacking.multiply_lone(panels, step, in.floats_at(0, step * kStepColumns), sums);
  }
  for (int p = 0; p < kLonePanels; ++p) {
    float outputs[kPanelOutputs];
    store(outputs, sums[p]);
    for (int i = 0; i < kPanelOutputs; ++i) panel_sums[i * kLanes] = outputs[i];
    finish(weights, result, 0, panel + p, panel_sums);
  }
}

static void multiply_few(const PackedLinear& weights, const Unpacking& unpacking, const Operand& in,
                         const ProductResult& result, int first, int end, float* scratch) {
  const FewMemory memory{scratch, scratch + kFewWeights, scratch + kFewWeights + kFewSums};
  __builtin_memset(memory.panel_sums, 0, sizeof(float) * kPanelSums);  // lanes without a row
  int panel = first;
  if (in.rows == 1) {
    for (; panel + kLonePanels <= end; panel += kLonePanels) {
      multiply_lone(weights, unpacking, in, result, panel, memory.panel_sums);
    }
  }
  // Four panels at once make enough independent sums for two rows, two do for more.
  if (in.rows == 2) {
    for (; panel + 4 <= end; panel += 4) {
      multiply_few_panels<4>(weights, unpacking, in, result, panel, memory);
    }
  }
  for (; panel + 2 <= end; panel += 2) {
    multiply_few_panels<2>(weights, unpacking, in, result, panel, memory);
  }
  for (; panel < end; ++panel) multiply_few_panels<1>(weights, unpacking, in, result, panel, memory);
}

// ---- Many rows

// One panel as blocks of kBlockFeatures outputs: [block][input][kBlockFeatures].
static void unpack_panel(const PackedLinear& weights, const Unpacking& unpacking, int panel, float* out) {
  alignas(64) float values[kStepColumns * kPanelOutputs];
  const auto inputs = static_cast<size_t>(weights.padded_inputs);
  for (int k = 0; k < weights.padded_inputs; k += kStepColumns) {
    unpacking.unpack(weights.panel(panel), k / kStepColumns, values);
    for (int block = 0; block < kPanelOutputs / kBlockFeatures; ++block) {
      float* place = out + (static_cast<size_t>(block) * inputs + static_cast<size_t>(k)) * kBlockFeatures;
      for (int i = 0; i < kStepColumns; ++i) {
        __builtin_memcpy(place + i * kBlockFeatures, values + i * kPanelOutputs + block * kBlockFeatures,
                         sizeof(float) * kBlockFeatures);
      }
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
  const int inputs = weights.padded_inputs;
  for (int from = 0; from < inputs; from += kPassInputs) {
    const int count = inputs - from < kPassInputs ? inputs - from : kPassInputs;
    const float* x[kGroups];
    for (int g = 0; g < kGroups; ++g) x[g] = in.floats_at(group + g, from);
    for (int b = 0; b < panels * (kPanelOutputs / kBlockFeatures); ++b) {
      float* places[kGroups];
      for (int g = 0; g < kGroups; ++g) {
        const int panel = b * kBlockFeatures / kPanelOutputs;
        places[g] = sums + static_cast<size_t>(panel * kGroups + g) * kPanelSums +
                    b * kBlockFeatures % kPanelOutputs * kLanes;
      }
      const float* w =
          block +
          (static_cast<size_t>(b) * static_cast<size_t>(inputs) + static_cast<size_t>(from)) * kBlockFeatures;
      multiply_block<kGroups>(w, x, count, places, from > 0);
    }
  }
  for (int p = 0; p < panels; ++p) {
    for (int g = 0; g < kGroups; ++g) {
      finish(weights, result, group + g, first_panel + p,
             sums + static_cast<size_t>(p * kGroups + g) * kPanelSums);
    }
  }
}

static inline int block_panels(const PackedLinear& weights) {
  const int panels = kBlockBytes / (weights.padded_inputs * kPanelOutputs * static_cast<int>(sizeof(float)));
  return panels < 1 ? 1 : panels;
}

static void multiply_many(const PackedLinear& weights, const Unpacking& unpacking, const Operand& in,
                          const ProductResult& result, int first, int end, float* scratch) {
  const int most = block_panels(weights);
  float* block = scratch + static_cast<size_t>(most) * kBlockGroups * kPanelSums;
  const size_t panel_floats = static_cast<size_t>(weights.padded_inputs) * kPanelOutputs;
  for (int panel = first; panel < end; panel += most) {
    const int panels = end - panel < most ? end - panel : most;
    for (int p = 0; p < panels; ++p)
      unpack_panel(weights, unpacking, panel + p, block + static_cast<size_t>(p) * panel_floats);
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

static void multiply_floats(const PackedLinear& weights, const Operand& in, const ProductResult& result,
                            int first, int end, std::byte* scratch) {
  const Unpacking unpacking = unpacking_of(weights.type, weights.rounded);
  auto* floats = reinterpret_cast<float*>(scratch);
  if (in.rows <= kFewRows) {
    multiply_few(weights, unpacking, in, result, first, end, floats);
  } else {
    multiply_many(weights, unpacking, in, result, first, end, floats);
  }
}

static size_t floats_scratch_bytes(const PackedLinear& weights) {
  const auto panels = static_cast<size_t>(block_panels(weights));
  const size_t few = kFewWeights + kFewSums + kPanelSums;
  const size_t many =
      panels * kPanelOutputs * (kBlockGroups * kLanes + static_cast<size_t>(weights.padded_inputs));
  return sizeof(float) * (few > many ? few : many);
}

}  // namespace
