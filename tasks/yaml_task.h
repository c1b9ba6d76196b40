// A task made of a definition and its documents.
#pragma once

#include <memory>

#include "tasks/definition.h"
#include "tasks/documents.h"
#include "tasks/filters.h"
#include "tasks/metrics/read_metrics.h"
#include "tasks/prompt.h"
#include "tasks/task.h"

namespace sizeup {

// Tells of the last sample which document it was made of.
class DocumentReader : public SampleReader {
 public:
  virtual const Json& document() const = 0;
  virtual const std::string& place() const = 0;  // "test.jsonl:13 (document 12)"
};

class YamlTask : public Task {
 public:
  static Result<std::unique_ptr<YamlTask>> load(Definition definition, const TaskOptions& options);

  const std::string& name() const override { return definition_.name; }
  const std::string& description() const override { return definition_.about; }
  OutputType output_type() const override { return definition_.output_type; }
  std::vector<std::string> slice_fields() const override { return definition_.slices; }
  std::vector<MetricInfo> metrics() const override;
  std::string definition_hash() const override { return definition_.hash; }
  std::string data_hash() const override { return data_hash_; }
  std::string version() const override { return definition_.version; }
  Truncation truncation() const override { return definition_.truncation; }
  std::string answer_schema() const override { return answer_schema_; }
  std::string judge_rule() const override;

  std::unique_ptr<SampleReader> read_samples(int64_t limit, BadRows* bad_rows) const override;
  std::unique_ptr<DocumentReader> read_documents(int64_t limit, BadRows* bad_rows) const;
  Scored score(const Sample& sample, const std::vector<Reply>& replies) const override;
  double aggregate(const std::string& metric, const std::vector<const Scored*>& scored) const override;
  SetMetric set_metric(const std::string& metric, const std::vector<const Scored*>& scored) const override;

 private:
  explicit YamlTask(Definition definition) : definition_(std::move(definition)) {}

  Result<void> load_documents(int64_t held, BadRows& bad_rows);
  Result<void> load_fewshot(BadRows& bad_rows);
  const std::optional<std::string>& evaluated_split() const;
  std::optional<std::string> fewshot_split() const;
  Result<void> load_scoring();
  Result<void> check_rows() const;
  bool has_variants() const;
  Result<void> find_kind_of_choices();
  void count_stated_confidences();
  Result<void> open_sandbox();

  class SampleMaker;
  class Reader;
  Result<Sample> make_sample(const Json& document, const std::string& place, int64_t index,
                             PromptBuilder& prompts) const;
  Result<void> add_question_without_source(const Json& document, const std::string& place,
                                           Sample& sample) const;
  Result<void> add_contexts(const Json& document, const std::string& place, Sample& sample) const;
  Result<void> add_choices(const Json& document, const std::string& place, Sample& sample) const;
  Result<void> add_answers(const Json& document, const std::string& place, Sample& sample) const;
  bool has_label_sets() const;  // a document has none, one or several labels
  Result<void> check_label_set(const std::string& place, const Sample& sample) const;
  Result<void> add_named_choices(const Json& document, const std::string& place, Sample& sample) const;
  Result<void> add_source(const Json& document, const std::string& place, Sample& sample) const;
  double take_off_confidence(std::vector<Reply>& replies, Scored& scored) const;
  std::vector<Filtered> filter(size_t pipeline, const Sample& sample,
                               const std::vector<Reply>& replies) const;
  // The metric that has a score of this name, and the filter pipeline that it comes from.
  struct NamedMetric {
    const MetricUse& use;
    size_t pipeline;
  };
  NamedMetric find_metric(const std::string& name) const;
  std::string suffix(size_t pipeline) const;  // of a metric's name; empty if there is one pipeline only

  Definition definition_;
  Documents documents_;
  std::optional<Documents> fewshot_documents_;  // where they are not the evaluated ones
  FewshotPool pool_;
  DocumentText expressions_;
  std::string data_hash_;
  ScoringFacts facts_;
  std::string answer_schema_;
  std::vector<FilterPipeline> pipelines_;  // empty: the response as it is
  std::vector<MetricUse> metrics_;
};

}  // namespace sizeup
