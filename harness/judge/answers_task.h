// What tasks over stored answers have in common: names, hashes, and one sample for each answer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "harness/judge/judge_task.h"

namespace sizeup {

class AnswersTask : public Task {
 public:
  const std::string& name() const override { return spec_.name; }
  const std::string& description() const override { return spec_.description; }
  std::vector<std::string> slice_fields() const override { return spec_.slice_fields; }
  std::string definition_hash() const override { return definition_hash_; }
  std::string data_hash() const override { return data_hash_; }
  std::string version() const override { return {}; }
  Truncation truncation() const override { return Truncation::error; }  // half an answer can't be judged
  std::unique_ptr<SampleReader> read_samples(int64_t limit, BadRows* bad_rows) const override;

  // The mean of the samples that have the score.
  double aggregate(const std::string& metric, const std::vector<const Scored*>& scored) const override;

 protected:
  explicit AnswersTask(JudgeTaskSpec spec) : spec_(std::move(spec)) {}
  void set_hashes(const Json& definition);

  // All that is shown to the judge of an answer.
  virtual std::string shown_of(const JudgedAnswer& answer) const = 0;
  virtual void ask(const JudgedAnswer& answer, Sample& sample) const = 0;

  JudgeTaskSpec spec_;

 private:
  class Reader;
  Sample sample_of(const JudgedAnswer& answer) const;

  std::string definition_hash_;
  std::string data_hash_;
};

}  // namespace sizeup
