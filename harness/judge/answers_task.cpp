#include "harness/judge/answers_task.h"

#include <algorithm>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "harness/statistics/interval.h"

namespace sizeup {

class AnswersTask::Reader : public SampleReader {
 public:
  Reader(const AnswersTask& task, size_t count) : task_(task), count_(count) {}
  Result<std::optional<Sample>> next() override {
    if (read_ == count_) return std::optional<Sample>();
    return std::optional(task_.sample_of(task_.spec_.answers[read_++]));
  }

 private:
  const AnswersTask& task_;
  size_t count_;
  size_t read_ = 0;
};

void AnswersTask::set_hashes(const Json& definition) {
  definition_hash_ = sha256_hex(to_canonical(definition));
  std::string all;
  for (const JudgedAnswer& answer : spec_.answers)
    all += answer.document_id + "\n" + sha256_hex(shown_of(answer)) + "\n";
  data_hash_ = sha256_hex(all);
}

std::unique_ptr<SampleReader> AnswersTask::read_samples(int64_t limit, BadRows*) const {
  const size_t all = spec_.answers.size();
  return std::make_unique<Reader>(*this, limit == 0 ? all : std::min(all, static_cast<size_t>(limit)));
}

double AnswersTask::aggregate(const std::string& metric, const std::vector<const Scored*>& scored) const {
  std::vector<double> values;
  for (const Scored* one : scored) {
    const auto value = one->scores.find(metric);
    if (value != one->scores.end()) values.push_back(value->second);
  }
  return mean(values);
}

Sample AnswersTask::sample_of(const JudgedAnswer& answer) const {
  Sample sample;
  sample.id = answer.document_id;
  sample.index = answer.row;
  sample.document_hash = answer.document_hash;
  sample.slices = answer.slices;
  ask(answer, sample);
  return sample;
}

}  // namespace sizeup
