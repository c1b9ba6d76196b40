// The shapes of published models, all as the Llama architecture: speed depends on nothing else.
#pragma once

#include <array>
#include <string_view>

namespace sizeup {

struct Shape {
  std::string_view name;
  int width;
  int ffn_width;
  int layers;
  int heads;
  int kv_heads;
  int head_size;
  int vocabulary;
  double rotary_base;
  double norm_epsilon;
  int context_length;
  bool biases;  // of the attention's linear layers
};

// From the models' own config.json. All have tied heads. Llama 3.2's rotary scaling is left out.
inline constexpr std::array kShapes{
    Shape{"SmolLM2-135M", 576, 1536, 30, 9, 3, 64, 49152, 100000.0, 1e-5, 8192, false},
    Shape{"Qwen2.5-0.5B", 896, 4864, 24, 14, 2, 64, 151936, 1e6, 1e-6, 32768, true},
    Shape{"Llama-3.2-1B", 2048, 8192, 16, 32, 8, 64, 128256, 500000.0, 1e-5, 131072, false},
};

}  // namespace sizeup
