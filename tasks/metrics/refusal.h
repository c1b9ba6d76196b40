// Answers that decline to answer, by a published list of phrases.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/task.h"

namespace sizeup {

// The phrases that count as a refusal where a task names none (key `refusals`).
std::span<const std::string_view> default_refusals();

// Whether an answer is empty or contains one of the phrases, word by word, after SQuAD's normalisation.
bool is_refusal(std::string_view answer, std::span<const std::string> phrases);

// A question that a model is right to decline: no accepted answer, or only refusals.
bool is_unanswerable(const Sample& sample, std::span<const std::string> phrases);

// Whether `text` contains `part` as whole words, both normalised and with one space between words.
bool contains_words(std::string_view text, std::string_view part);

}  // namespace sizeup
