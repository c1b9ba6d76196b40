#include "harness/run/scoring.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/jinja/text.h"
#include "tasks/metrics/classification.h"
#include "tasks/verbal_confidence.h"

namespace sizeup {
namespace {

constexpr double kImpossible = -std::numeric_limits<double>::infinity();

std::vector<std::string> choices_of(const Sample& sample) {
  std::vector<std::string> choices;
  for (const Ask& ask : sample.asks) {
    const auto* score = std::get_if<AskScore>(&ask);
    require(score != nullptr, "the asks of multiple choice are continuations");
    choices.push_back(choice_of(*score));
  }
  return choices;
}

// A choice that is wrong, if there is one.
size_t wrong_choice(const Sample& sample) {
  for (size_t i = 0; i < sample.asks.size(); ++i) {
    if (std::find(sample.gold.begin(), sample.gold.end(), static_cast<int>(i)) == sample.gold.end()) return i;
  }
  return 0;
}

// The written answer as log-probabilities: the named choice is certain. That gives right and wrong as the
// task defines them; the probability is that of the first tokens that name it, where those are known. An
// answer that names no choice is as wrong as a wrong choice, and no label.
Scored score_written_choice(const Task& task, const Sample& sample, const Reply& reply) {
  const std::vector<std::string> choices = choices_of(sample);
  const std::vector<std::string> names = written_question(sample).names;
  const std::optional<size_t> by_name = named_choice(reply.text, names);
  // Asked for a letter, many a model writes the choice itself.
  const std::optional<size_t> named = by_name ? by_name : named_choice(reply.text, choices);
  std::vector<Reply> replies(choices.size(), Reply{kImpossible, false, reply.text, reply.truncated, {}});
  replies[named.value_or(wrong_choice(sample))].logprob = 0.0;
  Scored scored = task.score(sample, replies);
  scored.confidence = by_name ? named_probability(reply.first_tokens, names, *by_name)
                              : std::numeric_limits<double>::quiet_NaN();
  scored.details["written"] = reply.text;
  if (named) return scored;
  scored.answer = reply.text;
  scored.no_answer = true;
  if (const auto predicted = scored.details.find("predicted"); predicted != scored.details.end()) {
    predicted->second = kInvalidLabel;
    scored.invalid = true;
  }
  return scored;
}

// As lm-evaluation-harness's think_end_token.
std::string said(const std::string& text, const std::string& think_end) {
  const size_t end = think_end.empty() ? std::string::npos : text.rfind(think_end);
  if (end == std::string::npos) return text;
  return std::string(jinja::strip_left(std::string_view(text).substr(end + think_end.size())));
}

}  // namespace

// For written text, logprob is the mean over its tokens.
Reply reply_of(const ResponseRow& response, const std::string& think_end) {
  Reply reply;
  reply.logprob = response.logprob;
  reply.greedy = response.greedy;
  reply.truncated = response.truncated;
  reply.tokens = static_cast<int64_t>(response.token_logprobs.size());
  if (!response.text) return reply;
  reply.text = said(*response.text, think_end);
  // A thought's first tokens say nothing of the answer.
  if (reply.text == *response.text) reply.first_tokens = response.first_tokens;
  const auto& logprobs = response.token_logprobs;
  reply.logprob = logprobs.empty() ? std::numeric_limits<double>::quiet_NaN()
                                   : std::accumulate(logprobs.begin(), logprobs.end(), 0.0) /
                                         static_cast<double>(logprobs.size());
  return reply;
}

void add_routed(const Routed& routed, size_t ask, PendingSample& sample) {
  if (sample.sent_on.size() <= ask) sample.sent_on.resize(ask + 1, '?');
  sample.sent_on[ask] = routed.sent_on ? '1' : '0';
  if (routed.fitted) sample.fitted = *routed.fitted ? '1' : '0';
}

std::optional<Routed> routed_in(const std::map<std::string, std::string>& details, int ask) {
  const auto sent_on = details.find(kSentOn);
  const auto fitted = details.find(kFitted);
  const auto place = static_cast<size_t>(ask);
  if (sent_on == details.end() || fitted == details.end() || place >= sent_on->second.size())
    return std::nullopt;
  const char found = sent_on->second[place];
  if (found != '0' && found != '1') return std::nullopt;
  Routed routed{found == '1', std::nullopt};
  if (fitted->second == "0" || fitted->second == "1") routed.fitted = fitted->second == "1";
  return routed;
}

AnswerRow answer_of(const PendingSample& pending) {
  AnswerRow row;
  row.evaluation_id = pending.evaluation->row.id;
  row.sample_id = pending.sample_id;
  row.error = pending.error;
  for (const Reply& reply : pending.replies) {
    row.truncated = row.truncated || reply.truncated;
    if (reply.error && !row.error) row.error = reply.error;
  }
  if (row.error) return row;
  const Task& task = *pending.task->task;
  const Sample& sample = *pending.sample;
  Scored scored = pending.written_choice ? score_written_choice(task, sample, pending.replies.front())
                                         : task.score(sample, pending.replies);
  if (scored.error) {
    row.error = std::move(scored.error);
    return row;
  }
  row.answer = std::move(scored.answer);
  row.no_answer = scored.no_answer;
  row.invalid = scored.invalid;
  row.confidence = scored.confidence;
  // The task does not see tokens: the confidence of a written answer is its mean token probability, unless
  // the task knows better, or takes none but what the answer says.
  const bool written = std::holds_alternative<AskGenerate>(sample.asks.front());
  const Reply& judged = sample.later_turns.empty() ? pending.replies.front() : pending.replies.back();
  const bool verbal = scored.details.contains(kVerbalConfidence);
  if (written && !verbal && std::isnan(row.confidence)) row.confidence = std::exp(judged.logprob);
  row.scores = std::move(scored.scores);
  row.details = std::move(scored.details);
  if (!pending.sent_on.empty()) {
    row.details[kSentOn] = pending.sent_on;
    row.details[kFitted] = std::string(1, pending.fitted);
  }
  return row;
}

}  // namespace sizeup
