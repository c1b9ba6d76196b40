// How much more probable its source makes an answer, by a model that scores: the model that wrote it, or
// another.
#pragma once

#include <memory>
#include <string>

#include "harness/judge/judge_task.h"

namespace sizeup {

// The mean log-probability of the answer's tokens after the prompt, minus that after the prompt without its
// source, in nats.
inline constexpr const char* kJudgeSourceGain = "judge_source_gain";

std::unique_ptr<Task> make_likelihood_task(JudgeTaskSpec spec);

// The prompt without the source in it; nothing where it does not stand there.
std::optional<std::string> without_source(const JudgedTexts& texts);

}  // namespace sizeup
