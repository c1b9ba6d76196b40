#include "harness/judge/judge_task.h"

#include <algorithm>
#include <utility>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "harness/judge/stored_judging.h"
#include "harness/statistics/interval.h"

namespace sizeup {
namespace {

class JudgeTask : public Task {
 public:
  explicit JudgeTask(JudgeTaskSpec spec) : spec_(std::move(spec)) {
    const JudgeQuestion& question = spec_.question;
    definition_hash_ = sha256_hex(to_canonical(Json{{"prompt", judge_prompt(question, {})},
                                                    {"lowest", question.lowest},
                                                    {"highest", question.highest},
                                                    {"swapped", spec_.swapped},
                                                    {"repeats", spec_.repeats},
                                                    {"max_tokens", spec_.ask.max_tokens},
                                                    {"temperature", spec_.ask.temperature},
                                                    {"slices", spec_.slice_fields}}));
    if (question.as_json) schema_ = verdict_schema(question);
    std::string all;
    for (const JudgedAnswer& answer : spec_.answers)
      all += answer.document_id + "\n" + sha256_hex(prompt_of(answer)) + "\n";
    data_hash_ = sha256_hex(all);
  }

  const std::string& name() const override { return spec_.name; }
  const std::string& description() const override { return spec_.description; }
  OutputType output_type() const override { return OutputType::generate_until; }
  std::vector<std::string> slice_fields() const override { return spec_.slice_fields; }
  std::string definition_hash() const override { return definition_hash_; }
  std::string data_hash() const override { return data_hash_; }
  std::string version() const override { return {}; }
  std::string answer_schema() const override { return schema_; }
  Truncation truncation() const override { return Truncation::error; }  // half an answer can't be judged

  std::vector<MetricInfo> metrics() const override {
    return {{metric(),
             is_pair() ? "share of comparisons that the judge gives the model, a tie counts half"
                       : "the judge's verdict, from 0, the worst, to 1, the best",
             true, true},
            {kUnparsedRate, "replies of the judge without a verdict: they are in no score", false, true}};
  }

  std::unique_ptr<SampleReader> read_samples(int64_t limit, BadRows* bad_rows) const override;

  Scored score(const Sample&, const std::vector<Reply>& replies) const override {
    Scored scored;
    scored.confidence = kNoNumber;
    Json verdicts = Json::array();
    std::vector<double> scores;
    for (const Reply& reply : replies) {
      std::optional<double> verdict = read_verdict(spec_.question, reply.text);
      if (verdict && spec_.swapped) verdict = 1.0 - *verdict;
      verdicts.push_back(verdict ? Json(*verdict) : Json());
      if (verdict) scores.push_back(*verdict);
      scored.answer += (scored.answer.empty() ? "" : ", ") + verdict_text(spec_.question, verdict);
    }
    scored.no_answer = scores.empty();
    scored.details[kVerdicts] = to_line(verdicts);
    if (!scores.empty()) scored.scores[metric()] = mean(scores);
    scored.scores[kUnparsedRate] =
        1.0 - static_cast<double>(scores.size()) / static_cast<double>(replies.size());
    return scored;
  }

  double aggregate(const std::string& name, const std::vector<const Scored*>& scored) const override {
    std::vector<double> values;
    for (const Scored* one : scored) {
      const auto value = one->scores.find(name);
      if (value != one->scores.end()) values.push_back(value->second);
    }
    return mean(values);
  }

  SetMetric set_metric(const std::string&, const std::vector<const Scored*>&) const override {
    throw InternalError("a judge's metrics are means");
  }

  Sample sample(size_t place) const {
    const JudgedAnswer& answer = spec_.answers[place];
    Sample sample;
    sample.id = answer.document_id;
    sample.index = answer.row;
    // Both orders draw from streams of their own.
    sample.document_hash = sha256_hex(answer.document_hash + (spec_.swapped ? "/swapped" : "/straight"));
    sample.prompt.user = prompt_of(answer);
    sample.asks.assign(static_cast<size_t>(spec_.repeats), spec_.ask);
    sample.slices = answer.slices;
    return sample;
  }
  size_t size() const { return spec_.answers.size(); }

 private:
  bool is_pair() const { return spec_.question.form == VerdictForm::pair; }
  const char* metric() const { return is_pair() ? kJudgeWinRate : kJudgeScore; }
  std::string prompt_of(const JudgedAnswer& answer) const {
    JudgedTexts texts = answer.texts;
    if (spec_.swapped) {
      std::swap(texts.answer, texts.second);
      std::swap(texts.before, texts.second_before);
    }
    return judge_prompt(spec_.question, texts);
  }

  JudgeTaskSpec spec_;
  std::string definition_hash_;
  std::string data_hash_;
  std::string schema_;
};

class JudgeReader : public SampleReader {
 public:
  JudgeReader(const JudgeTask& task, size_t count) : task_(task), count_(count) {}
  Result<std::optional<Sample>> next() override {
    if (read_ == count_) return std::optional<Sample>();
    return std::optional(task_.sample(read_++));
  }

 private:
  const JudgeTask& task_;
  size_t count_;
  size_t read_ = 0;
};

std::unique_ptr<SampleReader> JudgeTask::read_samples(int64_t limit, BadRows*) const {
  const size_t count = limit == 0 ? size() : std::min(size(), static_cast<size_t>(limit));
  return std::make_unique<JudgeReader>(*this, count);
}

}  // namespace

std::unique_ptr<Task> make_judge_task(JudgeTaskSpec spec) {
  return std::make_unique<JudgeTask>(std::move(spec));
}

}  // namespace sizeup
