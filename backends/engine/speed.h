// How fast a decoder on its device answers requests of random tokens: prompts in steps of several sizes,
// generation for several streams at once, with drafts too, and multiple-choice questions that share their
// prefix.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "backends/engine/decoder.h"
#include "backends/engine/plan/plan.h"
#include "backends/engine/work.h"
#include "core/timing/spread.h"

namespace sizeup {

// The form of few-shot MMLU by default: examples that all questions share, a question, answers of one token.
struct SharedForm {
  int prefix = 700;  // tokens
  int question = 90;
  int options = 4;  // different last tokens
  int questions = 100;
  int unshared_questions = 2;  // so many without sharing: each costs as much as 30 that share

  int request_tokens() const { return prefix + question; }  // the option itself is only predicted
};

struct SpeedSettings {
  std::vector<int> step_rows = {128, 512, 2048, 4096};  // the last is used for everything else, too
  int prompt = 512;                                     // tokens
  std::vector<int> streams = {1, 8, 32};
  int generation_prompt = 128;
  int new_tokens = 48;  // while all streams run
  SharedForm shared;
  // A measurement is repeated until there are enough or so many seconds have passed. The first time also
  // makes room for activations and pages; it counts only if it is the only one.
  int repetitions = 5;
  double seconds = 10.0;

  // Small sizes, each measured once: shows that everything works, and little more.
  static SpeedSettings quick();
  // Shortens prompts and the shared prefix to a small model's context.
  void fit(int context_length);
  // The longest request, in positions.
  int positions() const;
  // Of each stream: enough that after the last has begun all run together for new_tokens steps.
  int new_tokens_of(int count) const;
  // Rows of a step that begins or continues so many streams.
  int generation_rows(int count) const;
};

struct PromptSpeed {
  int step_rows = 0;
  int prompts = 0;
  int prompt = 0;            // tokens of each
  Spread tokens_per_second;  // planning included
  double flop_per_token = 0.0;
};

struct GenerationSpeed {
  int streams = 0;
  double context = 0.0;      // positions attended to, on average
  Spread tokens_per_second;  // of all streams together; one value for each step in which all of them run
  double flop_per_token = 0.0;
};

// The same answers with drafts, which random tokens seldom deserve: mostly what it costs to be wrong.
struct DraftSpeed {
  int streams = 0;
  // Of all streams together, in the steps in which all of them run.
  double plain_tokens_per_second = 0.0;
  double tokens_per_second = 0.0;
  PlanCounts counts;  // with drafts

  // Every step of an answer finds one token of its own, and those accepted.
  double accepted_per_step() const {
    return static_cast<double>(counts.rows_accepted) /
           static_cast<double>(counts.tokens_generated - counts.rows_accepted);
  }
};

struct SharedSpeed {
  int questions = 0;
  bool shared = true;
  int64_t tokens_asked = 0;  // over all requests, the scored last token included
  PlanCounts counts;
  int64_t rows = 0;  // counted in the steps themselves, beside what the plan claims
  Spread seconds;
};

struct DecoderSpeed {
  std::vector<PromptSpeed> prompts;
  std::vector<GenerationSpeed> generation;
  std::vector<DraftSpeed> drafts;  // none on a device that knows no DeviceTraits::weight_rows
  std::vector<SharedSpeed> shared;
};

// Threads are the device's (Device::set_threads). `progress` is told what is measured next.
// settings.positions() must fit the context; there is at least one step size.
DecoderSpeed measure_speed(Decoder& decoder, const SpeedSettings& settings,
                           const std::function<void(const std::string&)>& progress);

}  // namespace sizeup
