// Any bytes as a template, a chat's or a prompt's by the first one; what parses is rendered.
#include <cstdint>
#include <string_view>

#include "core/jinja/template.h"
#include "core/json/json.h"

namespace {

const sizeup::Json& variables() {
  static const sizeup::Json values = sizeup::Json::parse(R"({
    "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": " U\n"}],
    "tools": [{"name": "f", "parameters": {"x": 1.5}}],
    "add_generation_prompt": true, "bos_token": "<s>", "n": -7, "s": "a\u00e9\ud83d\ude00", "none": null})");
  return values;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  auto settings = data[0] % 2 == 0 ? sizeup::TemplateSettings::chat("2026-01-15T09:30:00")
                                   : sizeup::TemplateSettings::prompt();
  // The limits as such are tested elsewhere; small ones keep a run short.
  settings.max_steps = 20'000;
  settings.max_output_bytes = 1U << 16;
  const std::string_view source(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto parsed = sizeup::Template::parse(source, settings, "fuzz");
  if (parsed) static_cast<void>(parsed->render(variables()));
  return 0;
}
