#include "harness/judge/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/jinja/text.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr std::array kCorrectWords = {VerdictWord{"correct", 1.0}, VerdictWord{"incorrect", 0.0}};
constexpr std::array kClosedBookWords = {VerdictWord{"correct", 1.0}, VerdictWord{"incorrect", 0.0},
                                         VerdictWord{"not attempted", kNotAttempted}};
constexpr std::array kClaimWords = {VerdictWord{"supported", 1.0}, VerdictWord{"unsupported", 0.0}};
constexpr std::array kPairWords = {VerdictWord{"A", 1.0}, VerdictWord{"B", 0.0}, VerdictWord{"tie", 0.5}};

constexpr std::string_view kWhiteSpace = " \t\r\n";
constexpr std::string_view kMarkdown = " \t\r*_#`>\"";
constexpr std::string_view kListMarks = "-*+ \t";  // before a line

std::string_view strip(std::string_view text, std::string_view marks) {
  return jinja::strip_left(jinja::strip_right(text, marks), marks);
}

std::optional<double> scale_score(const JudgeQuestion& question, std::string_view word) {
  // "4/5" says the same as "4".
  const std::string best = fmt::format("/{}", question.highest);
  if (word.ends_with(best)) word = strip(word.substr(0, word.size() - best.size()), kWhiteSpace);
  int value = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (failed != std::errc() || end != word.data() + word.size()) return std::nullopt;
  if (value < question.lowest || value > question.highest) return std::nullopt;
  return static_cast<double>(value - question.lowest) /
         static_cast<double>(question.highest - question.lowest);
}

std::optional<double> score_of(const JudgeQuestion& question, std::string_view text) {
  std::string word = jinja::to_lower(text);
  if (question.form == VerdictForm::scale) return scale_score(question, word);
  constexpr std::string_view kAnswer = "answer ";
  if (question.form == VerdictForm::pair && word.starts_with(kAnswer)) word.erase(0, kAnswer.size());
  std::ranges::replace(word, '_', ' ');
  const std::span<const VerdictWord> words = verdict_words(question.form);
  const auto found =
      std::ranges::find_if(words, [&](const VerdictWord& one) { return jinja::to_lower(one.word) == word; });
  return found == words.end() ? std::nullopt : std::optional(found->score);
}

// A text reply is not read as text here: what an answer says may stand at the end of a reply that was cut.
Json object_of(std::string_view reply) {
  constexpr std::string_view kFence = "```";
  if (reply.starts_with(kFence) && reply.ends_with(kFence) && reply.size() > 2 * kFence.size()) {
    reply = reply.substr(kFence.size(), reply.size() - 2 * kFence.size());
    if (reply.starts_with("json")) reply.remove_prefix(4);
  }
  Json json = Json::parse(reply, nullptr, false);
  return json.is_object() ? json : Json::object();
}

std::optional<double> json_score(const JudgeQuestion& question, const Json& verdict) {
  if (verdict.is_number_integer()) return score_of(question, verdict.dump());
  if (!verdict.is_string()) return std::nullopt;
  return score_of(question, strip(verdict.get_ref<const std::string&>(), kWhiteSpace));
}

// The score of a line "TITLE: V". "**Verdict**: 4" and "**Verdict:** 4" are the same.
std::optional<double> line_score(const JudgeQuestion& question, std::string_view title,
                                 std::string_view line) {
  line = strip(line, kMarkdown);
  if (jinja::to_lower(line.substr(0, title.size())) != title) return std::nullopt;
  std::string_view rest = strip(line.substr(title.size()), kMarkdown);
  if (!rest.starts_with(':')) return std::nullopt;
  rest = strip(rest.substr(1), kMarkdown);
  if (rest.ends_with('.')) rest.remove_suffix(1);
  return score_of(question, strip(rest, kMarkdown));
}

// Takes the last line off a text that does not end in white space.
std::string_view take_last_line(std::string_view& text) {
  const size_t end = text.rfind('\n');
  const std::string_view line = end == std::string_view::npos ? text : text.substr(end + 1);
  text = jinja::strip_right(text.substr(0, text.size() - line.size()), kWhiteSpace);
  return line;
}

}  // namespace

std::span<const VerdictWord> verdict_words(VerdictForm form) {
  switch (form) {
    case VerdictForm::scale:
    case VerdictForm::likelihood:
      return {};
    case VerdictForm::correct:
      return kCorrectWords;
    case VerdictForm::closed_book:
      return kClosedBookWords;
    case VerdictForm::claims:
      return kClaimWords;
    case VerdictForm::pair:
      return kPairWords;
  }
  return {};
}

std::optional<double> read_verdict(const JudgeQuestion& question, std::string_view reply) {
  reply = strip(reply, kWhiteSpace);
  if (!question.as_json) return line_score(question, "verdict", take_last_line(reply));
  const Json object = object_of(reply);
  const auto verdict = object.find("verdict");
  return verdict == object.end() ? std::nullopt : json_score(question, *verdict);
}

std::optional<std::vector<double>> read_claim_verdicts(const JudgeQuestion& question, size_t claims,
                                                       std::string_view reply) {
  reply = strip(reply, kWhiteSpace);
  std::vector<double> scores(claims);
  if (question.as_json) {
    const Json object = object_of(reply);
    const auto verdicts = object.find("verdicts");
    if (verdicts == object.end() || !verdicts->is_array() || verdicts->size() != claims) return std::nullopt;
    for (size_t i = 0; i < claims; ++i) {
      const std::optional<double> score = json_score(question, (*verdicts)[i]);
      if (!score) return std::nullopt;
      scores[i] = *score;
    }
    return scores;
  }
  for (size_t i = claims; i > 0; --i) {
    const std::string_view line = jinja::strip_left(take_last_line(reply), kListMarks);
    const std::optional<double> score = line_score(question, fmt::format("claim {}", i), line);
    if (!score) return std::nullopt;
    scores[i - 1] = *score;
  }
  return scores;
}

std::string verdict_text(const JudgeQuestion& question, std::optional<double> score) {
  if (!score) return "unparsed";
  if (question.form == VerdictForm::scale)
    return fmt::format("{}", question.lowest + std::lround(*score * (question.highest - question.lowest)));
  if (question.form == VerdictForm::pair) return *score == 1.0 ? "win" : *score == 0.0 ? "loss" : "tie";
  const std::span<const VerdictWord> words = verdict_words(question.form);
  return std::string(std::ranges::find(words, *score, &VerdictWord::score)->word);
}

}  // namespace sizeup
