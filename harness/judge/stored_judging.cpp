#include "harness/judge/stored_judging.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/json/checked_json.h"
#include "core/json/json.h"
#include "harness/decide/evidence.h"
#include "harness/decide/pairs.h"
#include "harness/store/labels.h"
#include "harness/store/read.h"

namespace sizeup {
namespace {

Judging read_settings(const CheckedJson& node) {
  constexpr double kFarthest = 1e9;
  Judging out;
  out.candidate = node.at("candidate").text();
  out.baseline = node.at("baseline").text();
  out.task = node.at("task").text();
  const std::optional<VerdictForm> form = verdict_form(node.at("verdict").text());
  if (!form)
    node.at("verdict").refuse("is no kind of verdict",
                              "scale, correct, closed_book, claims, likelihood or pair");
  out.question.form = *form;
  out.question.lowest = static_cast<int>(node.at("lowest").number(-kFarthest, kFarthest));
  out.question.highest = static_cast<int>(node.at("highest").number(-kFarthest, kFarthest));
  out.repeats = static_cast<int>(node.at("repeats").number(1.0, kFarthest));
  out.left_out = node.at("left_out").count();
  return out;
}

class VerdictReader {
 public:
  VerdictReader(const Store& store, Judging& out) : store_(store), out_(out) {}

  Result<void> read(const EvaluationRow& evaluation, bool swapped) {
    const size_t judge = judge_of(evaluation.model.name);
    JudgeWork& work = out_.judges[judge];
    Result<std::vector<SampleRow>> samples = read_samples(store_, evaluation.id, Texts::leave_out);
    if (!samples) return forward_error(samples);
    std::map<int64_t, const SampleRow*> sample_of;
    for (const SampleRow& sample : *samples) sample_of[sample.id] = &sample;
    Result<std::vector<AnswerRow>> answers = read_answers(store_, evaluation.id, Texts::leave_out);
    if (!answers) return forward_error(answers);
    for (const AnswerRow& answer : *answers) {
      const Verdicts verdicts = verdicts_of(answer.details);
      const int64_t unparsed = unparsed_in(verdicts);
      work.verdicts += static_cast<int64_t>(verdicts.size()) - unparsed;
      work.unparsed += unparsed;
      if (answer.error && work.failed++ == 0) work.error = *answer.error;
      const SampleRow& sample = *sample_of.at(answer.sample_id);
      for (size_t part = 0; part < parts_of(verdicts); ++part) {
        JudgedCell cell{judge, swapped, {}, unparsed};
        for (const auto& verdict : verdicts) {
          if (verdict) cell.scores.push_back(verdict->at(part));
        }
        out_.documents[place_of(sample, part)].cells.push_back(std::move(cell));
      }
    }
    return read_use(evaluation.id, work);
  }

 private:
  bool of_claims() const { return out_.question.form == VerdictForm::claims; }

  // Both orders of a pair hash differently: documents are told apart by the first. Claims of one answer
  // depend on each other.
  size_t place_of(const SampleRow& sample, size_t part) {
    const std::string id =
        of_claims() ? fmt::format("{}#{}", sample.document_id, part + 1) : sample.document_id;
    const auto [found, is_new] = places_.try_emplace(id, out_.documents.size());
    if (is_new) out_.documents.push_back({id, numbers_.number_of(sample.document_hash), {}});
    return found->second;
  }

  size_t judge_of(const std::string& name) {
    const auto at = std::ranges::find(out_.judges, name, &JudgeWork::name);
    if (at != out_.judges.end()) return static_cast<size_t>(at - out_.judges.begin());
    out_.judges.emplace_back().name = name;
    return out_.judges.size() - 1;
  }

  Result<void> read_use(int64_t evaluation, JudgeWork& work) {
    Result<std::vector<SampleTokens>> tokens = read_sample_tokens(store_, evaluation);
    if (!tokens) return forward_error(tokens);
    for (const SampleTokens& one : *tokens) {
      work.input_tokens += one.input;
      work.output_tokens += one.output;
    }
    Result<std::optional<CostRow>> cost = read_cost(store_, evaluation);
    if (!cost) return forward_error(cost);
    if (!*cost) return {};
    const std::optional<double> before = work.cost.total;
    work.cost = **cost;
    if (work.cost.total && before) *work.cost.total += *before;
    return {};
  }

  const Store& store_;
  Judging& out_;
  DocumentNumbers numbers_;
  std::map<std::string, size_t> places_;
};

// By document and annotator; nothing where the judged run is no longer in the store.
using HumanScores = std::map<std::pair<std::string, std::string>, double>;

Result<HumanScores> human_scores(const Store& store, const std::string& label, const std::string& task) {
  HumanScores out;
  const Result<Side> side = find_side(store, label);
  if (!side) return out;
  Result<std::vector<EvaluationRow>> evaluations = read_evaluations(store, side->run.id);
  if (!evaluations) return forward_error(evaluations);
  for (const EvaluationRow& row : *evaluations) {
    if (row.model.name != side->model || row.task.name != task || row.scenario != "offline") continue;
    Result<std::vector<HumanScore>> scores = read_human_scores(store, row.id);
    if (!scores) return forward_error(scores);
    for (const HumanScore& one : *scores) out[{one.document_id, one.annotator}] = one.score;
  }
  return out;
}

// Of pairs, of annotators who scored both answers. Of claims and likelihoods nothing: labels say
// how good an answer is as a whole.
Result<void> read_human(const Store& store, Judging& out) {
  const VerdictForm form = out.question.form;
  if (form == VerdictForm::claims || form == VerdictForm::likelihood) return {};
  Result<HumanScores> candidate = human_scores(store, out.candidate, out.task);
  if (!candidate) return forward_error(candidate);
  HumanScores baseline;
  if (!out.baseline.empty()) {
    Result<HumanScores> read = human_scores(store, out.baseline, out.task);
    if (!read) return forward_error(read);
    baseline = std::move(*read);
  }
  std::map<std::string, std::vector<double>> by_document;
  for (const auto& [of, score] : *candidate) {
    if (out.baseline.empty()) {
      by_document[of.first].push_back(score);
    } else if (const auto other = baseline.find(of); other != baseline.end()) {
      by_document[of.first].push_back(score > other->second ? 1.0 : score < other->second ? 0.0 : 0.5);
    }
  }
  for (size_t d = 0; d < out.documents.size(); ++d) {
    const auto found = by_document.find(out.documents[d].id);
    if (found != by_document.end()) out.human.push_back({d, std::move(found->second)});
  }
  return {};
}

}  // namespace

std::string judging_settings(const Judging& judging) {
  return to_line(Json{{"candidate", judging.candidate},
                      {"baseline", judging.baseline},
                      {"task", judging.task},
                      {"verdict", name_of(judging.question.form)},
                      {"lowest", judging.question.lowest},
                      {"highest", judging.question.highest},
                      {"repeats", judging.repeats},
                      {"left_out", judging.left_out}});
}

std::string verdicts_detail(const Verdicts& verdicts) {
  Json out = Json::array();
  for (const auto& verdict : verdicts) out.push_back(verdict ? Json(*verdict) : Json());
  return to_line(out);
}

Verdicts verdicts_of(const std::map<std::string, std::string>& details) {
  const auto found = details.find(kVerdicts);
  if (found == details.end()) return {};
  const Json verdicts = Json::parse(found->second, nullptr, false);
  if (!verdicts.is_array()) return {};
  Verdicts out;
  for (const Json& verdict : verdicts) {
    std::optional<std::vector<double>>& scores = out.emplace_back();
    if (verdict.is_number()) scores = {verdict.get<double>()};  // as judgings of answers alone were stored
    if (!verdict.is_array() || verdict.empty()) continue;
    scores.emplace();
    for (const Json& score : verdict) scores->push_back(score.is_number() ? score.get<double>() : kNoNumber);
    if (scores->size() != parts_of(out)) scores.reset();
  }
  return out;
}

int64_t unparsed_in(const Verdicts& verdicts) {
  return std::ranges::count_if(verdicts, [](const auto& verdict) { return !verdict; });
}

size_t parts_of(const Verdicts& verdicts) {
  const auto found = std::ranges::find_if(verdicts, [](const auto& verdict) { return verdict.has_value(); });
  return found == verdicts.end() ? 1 : (*found)->size();
}

Result<Judging> with_verdicts(const Store& store, const RunRow& run, Judging judging) {
  judging.run = run.name;
  Result<std::vector<EvaluationRow>> evaluations = read_evaluations(store, run.id);
  if (!evaluations) return forward_error(evaluations);
  VerdictReader reader(store, judging);
  for (const EvaluationRow& evaluation : *evaluations) {
    // Pairs are two tasks, and the one with the answers as they are named is the first.
    const bool swapped =
        judging.as() == JudgedAs::pairs && evaluation.task.name != evaluations->front().task.name;
    if (Result<void> read = reader.read(evaluation, swapped); !read) return forward_error(read);
  }
  if (Result<void> read = read_human(store, judging); !read) return forward_error(read);
  return judging;
}

Result<std::optional<Judging>> find_judging(const Store& store, const RunRow& run) {
  const std::string place = fmt::format("{} (settings of run '{}')", store.file().string(), run.name);
  Result<Json> settings = parse_json(run.settings, place);
  if (!settings || !settings->is_object()) return std::optional<Judging>();
  const auto found = settings->find("judging");
  if (found == settings->end() || !found->is_string()) return std::optional<Judging>();
  Result<Judging> about = read_checked_json(parse_json(found->get<std::string>(), place), place,
                                            "a run of `sizeup judge`", read_settings);
  if (!about) return forward_error(about);
  Result<Judging> judging = with_verdicts(store, run, std::move(*about));
  if (!judging) return forward_error(judging);
  return std::optional(std::move(*judging));
}

}  // namespace sizeup
