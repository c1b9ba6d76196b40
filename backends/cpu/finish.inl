// What becomes of a product's results while they are in the cache, included after a vector_*.h,
// activation.inl and operand.inl. `sums` are results of one panel for one group of rows:
// [panel_outputs][kLanes].
namespace {

using sizeup::cpu::HeadTarget;
using sizeup::cpu::HeadWork;
using sizeup::cpu::kLanes;
using sizeup::cpu::PackedLinear;
using sizeup::cpu::ProductResult;
using sizeup::cpu::TopLogits;

static inline void finish_rows(const PackedLinear& weights, const ProductResult& result, int group, int panel,
                               const float* sums, bool adds) {
  const int first = panel * weights.panel_outputs;
  const int count =
      result.outputs - first < weights.panel_outputs ? result.outputs - first : weights.panel_outputs;
  const float* bias = weights.bias.empty() ? nullptr : weights.bias.data() + first;
  float* rows = result.rows.at(group, first);
  for (int i = 0; i < count; ++i) {
    Lanes value = load(sums + i * kLanes);
    if (bias != nullptr) value = value + broadcast(bias[i]);
    if (adds) value = load(rows + i * kLanes) + value;
    store(rows + i * kLanes, value);
  }
}

static inline void finish_gate(const PackedLinear& weights, const ProductResult& result, int group, int panel,
                               const float* sums) {
  const int half = weights.panel_outputs / 2;
  const int first = panel * half;
  const float* bias = weights.bias.empty() ? nullptr : weights.bias.data() + panel * weights.panel_outputs;
  const auto output = [&](int i) {
    if (first + i >= result.outputs) return zero();
    Lanes gate = load(sums + i * kLanes);
    Lanes up = load(sums + (half + i) * kLanes);
    if (bias != nullptr) {
      gate = gate + broadcast(bias[i]);
      up = up + broadcast(bias[half + i]);
    }
    return activated_gate(result.activation, gate, up);
  };
  // The last panel pads the operand as well: with another row count its columns lie elsewhere in memory.
  const int end = panel + 1 == weights.panels() ? result.operand.columns - first : half;
  for (int i = 0; i < end; i += 2) {
    store_columns(result.operand, group, first + i, output(i), output(i + 1));
  }
}

static inline void finish_activated(const PackedLinear& weights, const ProductResult& result, int group,
                                    int panel, const float* sums) {
  const int first = panel * weights.panel_outputs;
  const float* bias = weights.bias.empty() ? nullptr : weights.bias.data() + first;
  const auto output = [&](int i) {
    if (first + i >= result.outputs) return zero();
    Lanes value = load(sums + i * kLanes);
    if (bias != nullptr) value = value + broadcast(bias[i]);
    return activated(result.activation, value);
  };
  // As above.
  const int end = panel + 1 == weights.panels() ? result.operand.columns - first : weights.panel_outputs;
  for (int i = 0; i < end; i += 2) {
    store_columns(result.operand, group, first + i, output(i), output(i + 1));
  }
}

// Inserts a logit that is greater than the least one kept; returns the least one kept after it.
static inline float insert_top(const TopLogits& top, float logit, int32_t output) {
  int32_t place = top.count - 1;
  for (; place > 0 && top.logits[place - 1] < logit; --place) {
    top.logits[place] = top.logits[place - 1];
    top.outputs[place] = top.outputs[place - 1];
  }
  top.logits[place] = logit;
  top.outputs[place] = output;
  return top.logits[top.count - 1];
}

static inline void finish_top(const HeadWork& head, int group, int first, int count, const float* sums) {
  float* least = head.top_least + group * kLanes;
  for (int i = 0; i < count; ++i) {
    const LaneMask enters = greater(load(sums + i * kLanes), load(least));
    for (uint32_t rest = bits(enters); rest != 0; rest &= rest - 1) {
      const int lane = __builtin_ctz(rest);
      least[lane] = insert_top(head.top[static_cast<size_t>(group * kLanes + lane)], sums[i * kLanes + lane],
                               first + i);
    }
  }
}

// Outputs of a panel at most: those of the tile products.
constexpr int kMostPanelOutputs = 32;

static inline void finish_head(const PackedLinear& weights, const ProductResult& result, int group, int panel,
                               const float* sums) {
  const HeadWork& head = result.head;
  const int first = panel * weights.panel_outputs;
  const int count =
      result.outputs - first < weights.panel_outputs ? result.outputs - first : weights.panel_outputs;
  alignas(64) float logits[kMostPanelOutputs * kLanes];
  const float* bias = weights.bias.empty() ? nullptr : weights.bias.data() + first;
  if (bias != nullptr || head.cap != 0.0F) {
    for (int i = 0; i < count; ++i) {
      Lanes value = load(sums + i * kLanes);
      if (bias != nullptr) value = value + broadcast(bias[i]);
      if (head.cap != 0.0F) value = capped(value, head.cap);
      store(logits + i * kLanes, value);
    }
    sums = logits;
  }
  float* greatest_place = head.greatest + group * kLanes;
  int32_t* best = head.best + group * kLanes;
  const Lanes before = load(greatest_place);
  Lanes greatest = before;
  for (int i = 0; i < count; ++i) {
    const Lanes value = load(sums + i * kLanes);
    const LaneMask higher = greater(value, greatest);
    for (uint32_t rest = bits(higher); rest != 0; rest &= rest - 1) best[__builtin_ctz(rest)] = first + i;
    greatest = select(higher, value, greatest);
  }
  Lanes sum = load(head.sum + group * kLanes) * exponential(before - greatest);
  for (int i = 0; i < count; ++i) sum = sum + exponential(load(sums + i * kLanes) - greatest);
  store(greatest_place, greatest);
  store(head.sum + group * kLanes, sum);

  const HeadTarget* target = head.targets.data() + head.target_begin[static_cast<size_t>(group)];
  const HeadTarget* end = head.targets.data() + head.target_begin[static_cast<size_t>(group) + 1];
  for (; target != end && target->output < first + count; ++target) {
    if (target->output >= first)
      head.target_logits[target->result] = sums[(target->output - first) * kLanes + target->lane];
  }
  if (!head.top.empty()) finish_top(head, group, first, count, sums);
  if (head.logits_place.empty()) return;
  for (int lane = 0; lane < kLanes; ++lane) {
    const int64_t place = head.logits_place[static_cast<size_t>(group * kLanes + lane)];
    if (place < 0) continue;
    for (int i = 0; i < count; ++i) head.logits[place + first + i] = sums[i * kLanes + lane];
  }
}

static inline void finish(const PackedLinear& weights, const ProductResult& result, int group, int panel,
                          const float* sums) {
  switch (result.kind) {
    case ProductResult::Kind::store:
      return finish_rows(weights, result, group, panel, sums, false);
    case ProductResult::Kind::add:
      return finish_rows(weights, result, group, panel, sums, true);
    case ProductResult::Kind::activate:
      return finish_activated(weights, result, group, panel, sums);
    case ProductResult::Kind::gate:
      return finish_gate(weights, result, group, panel, sums);
    case ProductResult::Kind::head:
      return finish_head(weights, result, group, panel, sums);
  }
}

}  // namespace
