// What a judge's verdict on an answer is.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace sizeup {

enum class VerdictForm : uint8_t {
  scale,        // a whole number from lowest to highest
  correct,      // correct or incorrect
  closed_book,  // correct, incorrect or not attempted, beside the expected answer
  claims,       // of each claim of an answer from a source: supported or unsupported
  likelihood,   // no verdict: how much more probable its source makes an answer
  pair,         // A, B or tie
};

// As task files, the command line and the store name them.
inline constexpr std::array<std::pair<VerdictForm, std::string_view>, 6> kVerdictForms = {
    {{VerdictForm::scale, "scale"},
     {VerdictForm::correct, "correct"},
     {VerdictForm::closed_book, "closed_book"},
     {VerdictForm::claims, "claims"},
     {VerdictForm::likelihood, "likelihood"},
     {VerdictForm::pair, "pair"}}};

// What a task file may say: pairs follow from naming two models.
inline constexpr std::array kFormsOfOneAnswer = {VerdictForm::scale, VerdictForm::correct,
                                                 VerdictForm::closed_book, VerdictForm::claims,
                                                 VerdictForm::likelihood};

constexpr std::string_view name_of(VerdictForm form) {
  return std::ranges::find(kVerdictForms, form, [](const auto& one) { return one.first; })->second;
}

constexpr std::optional<VerdictForm> verdict_form(std::string_view name) {
  const auto found = std::ranges::find(kVerdictForms, name, [](const auto& one) { return one.second; });
  return found == kVerdictForms.end() ? std::nullopt : std::optional(found->first);
}

}  // namespace sizeup
