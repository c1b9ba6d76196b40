// Answers that decline to answer, by a published list of phrases.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/task.h"

namespace sizeup {

// The phrases that count as a refusal where a task names none (key `refusals`).
std::vector<std::string> default_refusals();

// Phrases after SQuAD's normalisation: done once, as every answer is compared with all of them.
class RefusalPhrases {
 public:
  RefusalPhrases() = default;  // none
  explicit RefusalPhrases(std::span<const std::string> phrases);
  // Whether one of them occurs in a normalised text, word by word.
  bool occur_in(std::string_view normalised) const;

 private:
  std::vector<std::string> normalised_;
};

// Whether an answer is empty or contains one of the phrases, after SQuAD's normalisation.
bool is_refusal(std::string_view answer, const RefusalPhrases& phrases);

// A question that a model is right to decline: no accepted answer, or only refusals.
bool is_unanswerable(const Sample& sample, const RefusalPhrases& phrases);

// Whether `text` contains `part` as whole words, both normalised and with one space between words.
bool contains_words(std::string_view text, std::string_view part);

}  // namespace sizeup
