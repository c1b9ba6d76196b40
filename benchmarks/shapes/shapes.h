// The shapes of published models, as the Llama architecture, or as Mixtral or Qwen2-MoE where they have
// experts: speed depends on nothing else.
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
  bool tied_head = true;
  int experts = 0;  // instead of feed-forwards; 0: none
  int experts_used = 0;
  int expert_width = 0;
  int shared_width = 0;  // of the expert that every token uses; 0: there is none
};

// From the models' own config.json. Llama 3.2's rotary scaling and OLMoE's norms of queries and keys are left
// out.
inline constexpr std::array kShapes{
    Shape{"SmolLM2-135M", 576, 1536, 30, 9, 3, 64, 49152, 100000.0, 1e-5, 8192, false},
    Shape{"Qwen2.5-0.5B", 896, 4864, 24, 14, 2, 64, 151936, 1e6, 1e-6, 32768, true},
    Shape{"Llama-3.2-1B", 2048, 8192, 16, 32, 8, 64, 128256, 500000.0, 1e-5, 131072, false},
    Shape{"Llama-3.1-8B", 4096, 14336, 32, 32, 8, 128, 128256, 500000.0, 1e-5, 131072, false, false},
    Shape{"OLMoE-1B-7B", 2048, 1024, 16, 16, 16, 128, 50304, 10000.0, 1e-5, 4096, false, false, 64, 8, 1024},
    Shape{"Qwen1.5-MoE-A2.7B", 2048, 5632, 24, 16, 16, 128, 151936, 1e6, 1e-6, 8192, true, false, 60, 4, 1408,
          5632},
};

}  // namespace sizeup
