#include "harness/run/answer_check.h"

#include <algorithm>
#include <cmath>

#include "harness/decide/answer_facts.h"
#include "harness/decide/pairs.h"
#include "harness/run/collector.h"
#include "harness/run/scoring.h"

namespace sizeup {

std::optional<AnswerFacts> facts_of_answer(const Batch& batch, std::span<const Response> responses,
                                           const std::string& think_end) {
  const PendingSample& asked = batch.samples[batch.requests.at(responses.front().id).uses.front().sample];
  const size_t asks = asked.written_choice ? 1 : asked.sample->asks.size();
  if (responses.size() != asks) return std::nullopt;
  PendingSample alone;
  alone.evaluation = asked.evaluation;
  alone.task = asked.task;
  alone.sample = asked.sample;
  alone.sample_id = asked.sample_id;
  alone.written_choice = asked.written_choice;
  for (const Response& response : responses) {
    if (response.error) return std::nullopt;
    alone.replies.push_back(reply_of(row_of(response, batch.requests.at(response.id), nullptr), think_end));
  }
  const AnswerRow answer = answer_of(alone);
  if (answer.error) return std::nullopt;
  // Which metric compares models is known from all scores: here, the first that could.
  const TaskRow& task = asked.evaluation->row.task;
  const auto metric = std::ranges::find_if(task.metrics, can_be_compared);
  const std::string name = metric == task.metrics.end() ? std::string() : metric->name;
  const auto score = answer.scores.find(name);
  return AnswerFacts{stated_confidence(answer, name),
                     confidence_kind(task.output_type, name, states_in_words(task)),
                     rejections_of(answer, score == answer.scores.end() ? std::nan("") : score->second)};
}

}  // namespace sizeup
