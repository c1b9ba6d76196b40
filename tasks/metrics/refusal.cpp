#include "tasks/metrics/refusal.h"

#include <algorithm>
#include <array>

#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

constexpr std::array<std::string_view, 30> kDefaultRefusals = {
    "I don't know",
    "I do not know",
    "don't have that information",
    "do not have that information",
    "I'm not sure",
    "I am not sure",
    "I cannot answer",
    "I can't answer",
    "cannot be answered",
    "can't be answered",
    "cannot be determined",
    "can't be determined",
    "unable to answer",
    "unable to determine",
    "not enough information",
    "insufficient information",
    "no information",
    "does not say",
    "doesn't say",
    "does not state",
    "doesn't state",
    "does not mention",
    "doesn't mention",
    "not mentioned",
    "not stated",
    "not specified",
    "not provided",
    "I have no comment",
    "I couldn't find",
    "I could not find",
};

// The typographic apostrophe is an apostrophe: "don’t" and "don't" are one phrase.
std::string normalised(std::string_view text) {
  constexpr std::string_view kApostrophe = "\u2019";
  std::string plain;
  for (size_t at = 0; at < text.size();) {
    const bool apostrophe = text.substr(at).starts_with(kApostrophe);
    plain += apostrophe ? '\'' : text[at];
    at += apostrophe ? kApostrophe.size() : 1;
  }
  return squad_text(plain);
}

}  // namespace

std::vector<std::string> default_refusals() {
  return {kDefaultRefusals.begin(), kDefaultRefusals.end()};
}

RefusalPhrases::RefusalPhrases(std::span<const std::string> phrases) {
  for (const std::string& phrase : phrases) normalised_.push_back(normalised(phrase));
}

bool RefusalPhrases::occur_in(std::string_view normalised) const {
  return std::any_of(normalised_.begin(), normalised_.end(),
                     [&](const std::string& phrase) { return contains_words(normalised, phrase); });
}

bool contains_words(std::string_view text, std::string_view part) {
  if (part.empty()) return false;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
    const size_t end = at + part.size();
    if ((at == 0 || text[at - 1] == ' ') && (end == text.size() || text[end] == ' ')) return true;
  }
  return false;
}

bool is_refusal(std::string_view answer, const RefusalPhrases& phrases) {
  const std::string text = normalised(answer);
  return text.empty() || phrases.occur_in(text);
}

bool is_unanswerable(const Sample& sample, const RefusalPhrases& phrases) {
  return std::all_of(sample.accepted.begin(), sample.accepted.end(),
                     [&](const std::string& answer) { return is_refusal(answer, phrases); });
}

}  // namespace sizeup
