// The models that people compare (tests/golden/seed_models) and their published figures.
#pragma once

#include <cstdint>
#include <ostream>
#include <string_view>

namespace sizeup {

struct Seed {
  std::string_view name;  // of its folder in tests/golden/seed_models
  int64_t parameters;     // of the decoder: what the hub counts, without what `unread` are
  int64_t active;
  int layers;
  int context;
  int unread = 0;  // tensors that transformers does not read for text either
};

// Counts are those that the hub shows for the files ("model size"; sums of published indices), active ones
// those of the papers: 12.9, 3.3 and 2.8 billions of Mixtral, Qwen3 and DeepSeek; of gpt-oss 3.61 with the
// head and without the embedding, which is counted here.
inline constexpr Seed kSeeds[] = {
    {.name = "codellama-7b",
     .parameters = 6'738'546'688,
     .active = 6'738'546'688,
     .layers = 32,
     .context = 16384,
     .unread = 32},  // frequencies
    {.name = "deepseek-moe-16b-base",
     .parameters = 16'375'728'128,
     .active = 2'828'650'496,
     .layers = 28,
     .context = 4096},
    {.name = "gemma-2-2b",
     .parameters = 2'614'341'888,
     .active = 2'614'341'888,
     .layers = 26,
     .context = 8192},
    {.name = "gemma-2b", .parameters = 2'506'172'416, .active = 2'506'172'416, .layers = 18, .context = 8192},
    {.name = "gemma-3-1b-it",
     .parameters = 999'885'952,
     .active = 999'885'952,
     .layers = 26,
     .context = 32768},
    // 4.3 billions with its vision tower and projector.
    {.name = "gemma-3-4b-it",
     .parameters = 3'880'263'168,
     .active = 3'880'263'168,
     .layers = 34,
     .context = 131072,
     .unread = 439},
    // Keys and values of the 10 layers that use those of others are in the file.
    {.name = "gemma-3n-e2b-it",
     .parameters = 4'435'182'688,
     .active = 4'435'182'688,
     .layers = 30,
     .context = 32768,
     .unread = 30},
    // 5.1 billions with the towers for images and sounds, and such keys and values of 20 layers.
    {.name = "gemma-4-e2b-it",
     .parameters = 4'628'569'379,
     .active = 4'628'569'379,
     .layers = 35,
     .context = 131072,
     .unread = 1471},
    {.name = "gpt-oss-20b",
     .parameters = 20'914'757'184,
     .active = 4'193'246'784,
     .layers = 24,
     .context = 131072},
    {.name = "gpt2",
     .parameters = 124'439'808,
     .active = 124'439'808,
     .layers = 12,
     .context = 1024,
     .unread = 12},  // masks
    {.name = "llama-2-7b",
     .parameters = 6'738'415'616,
     .active = 6'738'415'616,
     .layers = 32,
     .context = 4096,
     .unread = 32},  // frequencies
    {.name = "llama-3.1-8b",
     .parameters = 8'030'261'248,
     .active = 8'030'261'248,
     .layers = 32,
     .context = 131072},
    {.name = "llama-3.2-1b",
     .parameters = 1'235'814'400,
     .active = 1'235'814'400,
     .layers = 16,
     .context = 131072},
    {.name = "llama-3.2-3b",
     .parameters = 3'212'749'824,
     .active = 3'212'749'824,
     .layers = 28,
     .context = 131072},
    {.name = "mistral-7b-v0.1",
     .parameters = 7'241'732'096,
     .active = 7'241'732'096,
     .layers = 32,
     .context = 32768},
    {.name = "mistral-7b-v0.3",
     .parameters = 7'248'023'552,
     .active = 7'248'023'552,
     .layers = 32,
     .context = 32768},
    {.name = "mixtral-8x7b-v0.1",
     .parameters = 46'702'792'704,
     .active = 12'879'925'248,
     .layers = 32,
     .context = 32768},
    {.name = "olmo-2-0425-1b",
     .parameters = 1'484'916'736,
     .active = 1'484'916'736,
     .layers = 16,
     .context = 4096},
    {.name = "phi-2", .parameters = 2'779'683'840, .active = 2'779'683'840, .layers = 32, .context = 2048},
    {.name = "phi-3-mini-4k-instruct",
     .parameters = 3'821'079'552,
     .active = 3'821'079'552,
     .layers = 32,
     .context = 4096},
    // Published for 131072: the context ends where the frequencies of a text would depend on its length.
    {.name = "phi-3.5-mini-instruct",
     .parameters = 3'821'079'552,
     .active = 3'821'079'552,
     .layers = 32,
     .context = 4096},
    {.name = "pythia-1.4b",
     .parameters = 1'414'647'808,
     .active = 1'414'647'808,
     .layers = 24,
     .context = 2048,
     .unread = 48},  // frequencies and masked values; masks are booleans, which the file's reader leaves out
    {.name = "qwen2.5-0.5b",
     .parameters = 494'032'768,
     .active = 494'032'768,
     .layers = 24,
     .context = 32768},
    {.name = "qwen2.5-7b",
     .parameters = 7'615'616'512,
     .active = 7'615'616'512,
     .layers = 28,
     .context = 131072},
    {.name = "qwen2.5-coder-1.5b",
     .parameters = 1'543'714'304,
     .active = 1'543'714'304,
     .layers = 28,
     .context = 32768},
    {.name = "qwen3-30b-a3b",
     .parameters = 30'532'122'624,
     .active = 3'353'032'704,
     .layers = 48,
     .context = 40960},
    // 0.87 billions with the tower for images and the layer that guesses the token after the next.
    {.name = "qwen3.5-0.8b",
     .parameters = 752'393'024,
     .active = 752'393'024,
     .layers = 24,
     .context = 262144,
     .unread = 168},
    {.name = "smollm2-1.7b",
     .parameters = 1'711'376'384,
     .active = 1'711'376'384,
     .layers = 24,
     .context = 8192},
    {.name = "smollm2-135m", .parameters = 134'515'008, .active = 134'515'008, .layers = 30, .context = 8192},
};

inline void PrintTo(const Seed& seed, std::ostream* out) {
  *out << seed.name;
}

}  // namespace sizeup
