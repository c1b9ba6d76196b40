// Jinja: parsing a chat template, and rendering conversations with it.
#include <benchmark/benchmark.h>

#include "backends/engine/tokenizer/tokenizer.h"
#include "benchmarks/inputs.h"
#include "core/jinja/template.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr const char* kNow = "2026-01-01T00:00:00";

Result<std::string> bundled_template() {
  auto checkpoint = bundled_checkpoint();
  if (!checkpoint) return forward_error(checkpoint);
  auto source = load_chat_template(**checkpoint);
  if (!source) return unavailable("pocket-small.gguf", "no chat template");
  return *source;
}

Json conversation(int64_t messages) {
  Json list = Json::array();
  for (int64_t i = 0; i < messages; ++i) {
    list.push_back({{"role", i % 2 == 0 ? "user" : "assistant"},
                    {"content", "Which queue handles an invoice that was paid twice in March?"}});
  }
  return {{"messages", list}, {"add_generation_prompt", true}, {"bos_token", "<s>"}, {"eos_token", "</s>"}};
}

void parse_template(benchmark::State& state) {
  const Result<std::string> source = bundled_template();
  if (!source) {
    state.SkipWithError(describe(source.error()).c_str());
    return;
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(Template::parse(*source, TemplateSettings::chat(kNow), "chat"));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_template)->Unit(benchmark::kMicrosecond);

void render_template(benchmark::State& state) {
  const Result<std::string> source = bundled_template();
  if (!source) {
    state.SkipWithError(describe(source.error()).c_str());
    return;
  }
  const Result<Template> parsed = Template::parse(*source, TemplateSettings::chat(kNow), "chat");
  if (!parsed) {
    state.SkipWithError(describe(parsed.error()).c_str());
    return;
  }
  const Json variables = conversation(state.range(0));
  for (auto _ : state) {
    const Result<std::string> text = parsed->render(variables);
    if (!text) {
      state.SkipWithError(describe(text.error()).c_str());
      return;
    }
    benchmark::DoNotOptimize(text->data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(render_template)->ArgName("messages")->Arg(1)->Arg(12)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sizeup
