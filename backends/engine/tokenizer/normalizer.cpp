#include "backends/engine/tokenizer/normalizer.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

namespace sizeup {
namespace {

void apply_step(const normalize::Nfc&, std::string& text) {
  utf8proc_uint8_t* composed = nullptr;
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                   static_cast<utf8proc_ssize_t>(text.size()), &composed,
                                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, &std::free);
  require(length >= 0, "a valid text has a composed form");
  text.assign(reinterpret_cast<const char*>(composed), static_cast<size_t>(length));
}

void apply_step(const normalize::Prepend& step, std::string& text) {
  if (!text.empty()) text.insert(0, step.text);
}

void apply_step(const normalize::Replace& step, std::string& text) {
  std::string result;
  size_t done = 0;
  for (const Range match : step.pattern.find_all(text)) {
    result.append(text, done, match.begin - done);
    result += step.content;
    done = match.end;
  }
  result.append(text, done, std::string::npos);
  text = std::move(result);
}

}  // namespace

std::string Normalizer::apply(std::string_view text) const {
  std::string result(text);
  for (const NormalizerStep& step : steps_) {
    std::visit([&](const auto& known) { apply_step(known, result); }, step);
  }
  return result;
}

}  // namespace sizeup
