#include "tasks/yaml_task.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "core/text/utf8.h"
#include "datasets/readers/row_reader.h"
#include "tasks/metrics/choice.h"
#include "tasks/metrics/likelihood.h"
#include "tasks/metrics/multilabel.h"
#include "tasks/metrics/refusal.h"
#include "tasks/metrics/verbal.h"
#include "tasks/text/unicode.h"
#include "tasks/variants.h"
#include "tasks/verbal_confidence.h"

namespace sizeup {
namespace {

bool has_column(const Documents& documents, const std::string& name) {
  return std::find(documents.columns.begin(), documents.columns.end(), name) != documents.columns.end();
}

// A choice by its index, its text, or its index written as text (CSV files hold nothing but texts).
std::optional<int> choice_index(const Json& target, const std::vector<std::string>& choices) {
  int64_t index = -1;
  if (target.is_number_integer()) {
    index = target.get<int64_t>();
  } else if (target.is_string()) {
    const auto& text = target.get_ref<const std::string&>();
    const auto found = std::find(choices.begin(), choices.end(), text);
    if (found != choices.end()) return static_cast<int>(found - choices.begin());
    constexpr size_t kMostDigits = 6;
    const bool digits = !text.empty() && text.size() <= kMostDigits &&
                        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (digits) index = std::stoi(text);
  }
  if (index < 0 || index >= static_cast<int64_t>(choices.size())) return std::nullopt;
  return static_cast<int>(index);
}

Json as_list(Json target) {
  return target.is_array() ? std::move(target) : Json::array({std::move(target)});
}

// Examples are shown as they are: a variant's change is to the document that is asked alone.
void keep_originals(Documents& documents) {
  Documents kept;
  for (size_t i = 0; i < documents.rows.size(); ++i) {
    const auto variant = documents.rows[i].find(kVariantField);
    if (!documents.origins[i].made_of.empty() && *variant != kOriginal) continue;
    append_derived(kept, documents, i, std::move(documents.rows[i]));
  }
  documents.rows = std::move(kept.rows);
  documents.origins = std::move(kept.origins);
}

std::string shown_target(const std::vector<std::string>& accepted) {
  return fmt::format("{}", fmt::join(accepted, " | "));
}

}  // namespace

Result<std::unique_ptr<YamlTask>> YamlTask::load(Definition definition, const TaskOptions& options) {
  std::unique_ptr<YamlTask> task(new YamlTask(std::move(definition)));
  BadRows none;
  BadRows& bad_rows = options.bad_rows == nullptr ? none : *options.bad_rows;
  if (Result<void> done = task->load_documents(options.held_documents, bad_rows); !done)
    return forward_error(done);
  if (Result<void> done = task->load_fewshot(bad_rows); !done) return forward_error(done);
  if (Result<void> done = task->load_scoring(); !done) return forward_error(done);
  return task;
}

// Whose documents are asked.
const std::optional<std::string>& YamlTask::evaluated_split() const {
  return definition_.test_split ? definition_.test_split : definition_.validation_split;
}

// Where examples come from, as in lm-evaluation-harness: fewshot_split, else the task file (nothing here),
// else the training, else the validation split.
std::optional<std::string> YamlTask::fewshot_split() const {
  if (definition_.fewshot_split) return definition_.fewshot_split;
  if (definition_.fewshot_samples) return std::nullopt;
  return definition_.training_split ? definition_.training_split : definition_.validation_split;
}

Result<void> YamlTask::load_documents(int64_t held, BadRows& bad_rows) {
  const std::optional<std::string>& split = evaluated_split();
  if (!split) {
    return bad_input(definition_.file.string(), "neither 'test_split' nor 'validation_split' is given",
                     "test_split: test");
  }
  // Examples are drawn from all documents of their split, and chosen ones may stand anywhere.
  const bool holds_examples = definition_.num_fewshot > 0 && fewshot_split() == split;
  const bool holds_all = holds_examples || !definition_.rows.empty();
  Result<Documents> documents = load_split(definition_, *split, holds_all ? 0 : held, bad_rows);
  if (!documents) return forward_error(documents);
  documents_ = std::move(*documents);
  data_hash_ = documents_.hash;
  if (has_variants() && std::ranges::find(definition_.slices, kVariantField) == definition_.slices.end())
    definition_.slices.emplace_back(kVariantField);
  for (const std::string& slice : definition_.slices) {
    if (!has_column(documents_, slice))
      return unknown_field(definition_.file.string(), "slices", slice, documents_.columns);
  }
  if (definition_.grounding && !has_column(documents_, *definition_.grounding)) {
    return unknown_field(definition_.grounding_place, "grounding", *definition_.grounding,
                         documents_.columns);
  }
  Result<DocumentText> expressions = DocumentText::parse(definition_, documents_.columns);
  if (!expressions) return forward_error(expressions);
  expressions_ = std::move(*expressions);
  if (definition_.counted_text && !has_column(documents_, *definition_.counted_text)) {
    return unknown_field(definition_.counted_text_place, "counted_text", *definition_.counted_text,
                         documents_.columns);
  }
  if (Result<void> checked = check_rows(); !checked) return checked;
  return find_kind_of_choices();
}

bool YamlTask::has_variants() const {
  return std::ranges::any_of(documents_.origins,
                             [](const DocumentOrigin& origin) { return !origin.made_of.empty(); });
}

Result<void> YamlTask::check_rows() const {
  for (const int64_t row : definition_.rows) {
    if (documents_.row_of(row)) continue;
    return usage_error(fmt::format("the task '{}' has no document {}", name(), row),
                       fmt::format("0 to {}", documents_.index(documents_.rows.size() - 1)));
  }
  return {};
}

// As lm-evaluation-harness, the first document decides for all.
Result<void> YamlTask::find_kind_of_choices() {
  if (definition_.output_type != OutputType::multiple_choice) return {};
  Result<Json> first = expressions_.text->target(documents_.rows[0], documents_.place(0), true);
  if (!first) return forward_error(first);
  expressions_.choices_end_prompt = first->is_number_integer();
  if (expressions_.choices_end_prompt && expressions_.gen_prefix) {
    return bad_input(definition_.gen_prefix->place,
                     "'gen_prefix' has no place where the choices end the prompt");
  }
  return {};
}

// lm-evaluation-harness falls back to the test split without leaving out the document that is asked; that
// would show the answer, so it is refused here.
Result<void> YamlTask::load_fewshot(BadRows& bad_rows) {
  if (definition_.num_fewshot == 0) return {};
  const std::optional<std::string> split = fewshot_split();
  pool_.holds_eval_documents = definition_.fewshot_split == definition_.test_split;
  const bool own_form = definition_.fewshot_split && definition_.examples.process_docs;
  if (split == evaluated_split() && has_variants()) {
    return bad_input(definition_.file.string(),
                     "the examples would come from the documents that are asked, in variants",
                     "another fewshot_split, or fewshot_config.samples",
                     "a document's own variant as an example would show its answer");
  }
  if (split == evaluated_split() && !own_form) {
    pool_.documents = &documents_;
  } else if (split) {
    Definition source = definition_;
    if (own_form) source.process_docs = definition_.examples.process_docs;
    if (source.process_docs && source.process_docs->kind == YamlNode::Kind::null) source.process_docs.reset();
    Result<Documents> documents = load_split(source, *split, 0, bad_rows);
    if (!documents) return forward_error(documents);
    fewshot_documents_ = std::move(*documents);
    keep_originals(*fewshot_documents_);
    pool_.documents = &*fewshot_documents_;
    data_hash_ = sha256_hex(documents_.hash + fewshot_documents_->hash);
  } else if (definition_.fewshot_samples) {
    fewshot_documents_ = inline_documents(*definition_.fewshot_samples);
    pool_.documents = &*fewshot_documents_;
  } else {
    return bad_input(definition_.file.string(),
                     "num_fewshot is given, but no split to take the examples from",
                     fmt::format("fewshot_split: {}", *definition_.test_split),
                     "with the test split as fewshot_split a document is never its own example");
  }
  return expressions_.parse_examples(definition_, pool_.documents->columns);
}

Result<void> YamlTask::load_scoring() {
  facts_.output_type = definition_.output_type;
  facts_.labels = definition_.labels;
  facts_.miss_costs = definition_.miss_costs;
  if (facts_.labels.empty() && expressions_.choice && expressions_.choice->fixed_list()) {
    facts_.labels = *expressions_.choice->fixed_list();
  }
  if (definition_.schema) {
    Result<Schema> schema = Schema::parse(*definition_.schema);
    if (!schema) return forward_error(schema);
    answer_schema_ = to_line(schema->standard());  // members in their order: servers write them in it
    facts_.schema = std::move(*schema);
  }
  facts_.has_grounding = definition_.grounding.has_value();
  facts_.verbal_confidence = definition_.verbal_confidence.has_value();
  facts_.unsafe_code = definition_.unsafe_code;
  facts_.repeats = definition_.repeats;
  facts_.refusals = RefusalPhrases(definition_.refusals.empty() ? default_refusals() : definition_.refusals);
  for (const YamlNode& node : definition_.filters) {
    Result<FilterPipeline> pipeline = FilterPipeline::parse(node, definition_.repeats);
    if (!pipeline) return forward_error(pipeline);
    for (const FilterPipeline& other : pipelines_) {
      if (other.name() == pipeline->name()) {
        return bad_input(node.place, fmt::format("filter_list has two entries named '{}'", other.name()));
      }
    }
    facts_.repeats = std::min(facts_.repeats, pipeline->responses());
    pipelines_.push_back(std::move(*pipeline));
  }
  if (!pipelines_.empty() && definition_.output_type != OutputType::generate_until) {
    return bad_input(definition_.filters.front().place, "filters apply to generated answers only",
                     "output_type generate_until");
  }
  Result<std::vector<MetricUse>> metrics =
      read_metrics(definition_.metrics, facts_, definition_.file.string());
  if (!metrics) return forward_error(metrics);
  metrics_ = std::move(*metrics);
  count_stated_confidences();
  return open_sandbox();
}

// How many answers state one is always said: the others have no confidence.
void YamlTask::count_stated_confidences() {
  const MetricEntry* entry = find_entry(kConfidenceStated);
  const bool counted =
      std::any_of(metrics_.begin(), metrics_.end(), [&](const MetricUse& use) { return use.entry == entry; });
  if (!facts_.verbal_confidence || counted) return;
  MetricUse& use = metrics_.emplace_back();
  use.entry = entry;
  use.name = entry->name;
}

// Now, so that a task whose code cannot be run is refused before anything is generated.
Result<void> YamlTask::open_sandbox() {
  const bool runs_code = std::any_of(metrics_.begin(), metrics_.end(), [](const MetricUse& use) {
    return use.entry->need == Need::unsafe_code;
  });
  if (!runs_code) return {};
  Result<std::unique_ptr<SandboxPool>> pool = SandboxPool::open({});
  if (!pool) return forward_error(pool);
  facts_.sandbox = std::move(*pool);
  return {};
}

std::string YamlTask::suffix(size_t pipeline) const {
  return pipelines_.size() > 1 ? "," + pipelines_[pipeline].name() : std::string();
}

std::vector<MetricInfo> YamlTask::metrics() const {
  std::vector<MetricInfo> infos;
  for (const MetricUse& use : metrics_) {
    for (size_t pipeline = 0; pipeline < std::max<size_t>(1, pipelines_.size()); ++pipeline) {
      for (const std::string& name : use.names()) {
        infos.push_back({name + suffix(pipeline), use.entry->description, use.entry->higher_is_better,
                         use.entry->aggregate == nullptr, use.parameters.leaves_out_nan});
      }
    }
  }
  return infos;
}

// Makes samples in the order of the data; bad rows are counted, ids told apart.
class YamlTask::SampleMaker {
 public:
  SampleMaker(const YamlTask& task, BadRows* bad_rows)
      : task_(task), bad_rows_(bad_rows), prompts_(task.definition_, task.expressions_, task.pool_) {}

  // Nothing: a bad row.
  Result<std::optional<Sample>> make(const Json& document, const std::string& place, int64_t index,
                                     const std::string& made_of) {
    Result<Sample> sample = task_.make_sample(document, place, index, prompts_);
    if (!sample) {
      if (bad_rows_ == nullptr || sample.error().kind != ErrorKind::bad_input) return forward_error(sample);
      if (Result<void> counted = bad_rows_->add(std::move(sample.error())); !counted)
        return forward_error(counted);
      return std::optional<Sample>();
    }
    if (!made_of.empty()) sample->document_hash = made_of;  // variants are samples of one document
    make_unique(sample->id);
    return std::optional(std::move(*sample));
  }

 private:
  // Ids that are not unique are told apart by their occurrence.
  void make_unique(std::string& id) {
    int& occurrence = seen_[id];
    if (++occurrence == 1) return;
    std::string name = fmt::format("{}#{}", id, occurrence);
    while (seen_.contains(name)) name = fmt::format("{}#{}", id, ++occurrence);
    seen_[name] = 1;
    id = std::move(name);
  }

  const YamlTask& task_;
  BadRows* bad_rows_;
  PromptBuilder prompts_;
  std::unordered_map<std::string, int> seen_;
};

class YamlTask::Reader : public DocumentReader {
 public:
  Reader(const YamlTask& task, int64_t limit, BadRows* bad_rows)
      : task_(task),
        maker_(task, bad_rows),
        left_(limit <= 0 ? std::numeric_limits<size_t>::max() : static_cast<size_t>(limit)) {}

  Result<std::optional<Sample>> next() override {
    while (left_ > 0) {
      Result<bool> found = next_document();
      if (!found) return forward_error(found);
      if (!*found) break;
      --left_;
      Result<std::optional<Sample>> sample = maker_.make(document(), place_, index_, made_of_);
      if (!sample || *sample) return sample;
    }
    return std::optional<Sample>();
  }

  const Json& document() const override { return held_ == nullptr ? read_ : *held_; }
  const std::string& place() const override { return place_; }

 private:
  // False after the last one.
  Result<bool> next_document() {
    return task_.documents_.whole ? next_held_document() : next_document_of_files();
  }

  bool next_held_document() {
    const Documents& documents = task_.documents_;
    const std::vector<int64_t>& chosen = task_.definition_.rows;
    if (read_documents_ == (chosen.empty() ? documents.rows.size() : chosen.size())) return false;
    const size_t row = chosen.empty() ? read_documents_ : *documents.row_of(chosen[read_documents_]);
    ++read_documents_;
    held_ = &documents.rows[row];
    place_ = documents.place(row);
    index_ = documents.index(row);
    made_of_ = documents.origins.empty() ? std::string() : documents.origins[row].made_of;
    return true;
  }

  Result<bool> next_document_of_files() {
    if (!files_) {
      Result<std::vector<std::filesystem::path>> files =
          files_of_split(task_.definition_, *task_.evaluated_split());
      if (!files) return forward_error(files);
      const RowOptions options{task_.definition_.column_names, task_.definition_.text_rows};
      files_.emplace(std::move(*files), options, known_bad_rows_);
    }
    Result<std::optional<Json>> row = files_->next();
    if (!row) return forward_error(row);
    if (!*row) return false;
    read_ = std::move(**row);
    place_ = fmt::format("{} (document {})", files_->place(), files_->index() + 1);
    index_ = files_->index();
    return true;
  }

  const YamlTask& task_;
  SampleMaker maker_;
  size_t left_;
  size_t read_documents_ = 0;
  BadRows known_bad_rows_{std::numeric_limits<int64_t>::max()};  // counted when the documents were loaded
  std::optional<RowReader> files_;
  const Json* held_ = nullptr;
  Json read_;
  std::string place_;
  int64_t index_ = 0;
  std::string made_of_;  // DocumentOrigin::made_of; always empty where files are read again
};

std::unique_ptr<DocumentReader> YamlTask::read_documents(int64_t limit, BadRows* bad_rows) const {
  return std::make_unique<Reader>(*this, limit, bad_rows);
}

std::unique_ptr<SampleReader> YamlTask::read_samples(int64_t limit, BadRows* bad_rows) const {
  return read_documents(limit, bad_rows);
}

Result<Sample> YamlTask::make_sample(const Json& document, const std::string& place, int64_t index,
                                     PromptBuilder& prompts) const {
  Sample sample;
  sample.index = index;
  const auto id = document.find("id");
  const bool has_id = id != document.end() && (id->is_string() || id->is_number_integer());
  sample.id = has_id ? python_text(*id) : std::to_string(sample.index);
  sample.document_hash = sha256_hex(to_canonical(document));
  for (const std::string& slice : definition_.slices) {
    if (document.contains(slice)) sample.slices[slice] = python_text(document[slice]);
  }
  if (Result<void> source = add_source(document, place, sample); !source) return forward_error(source);
  if (Result<void> added = add_named_choices(document, place, sample); !added) return forward_error(added);
  if (definition_.output_type == OutputType::loglikelihood_rolling) {
    Result<std::string> text = expressions_.target->text(document, place);
    if (!text) return forward_error(text);
    sample.prompt.user = std::move(*text);
    sample.asks = {AskText{}};
    if (!definition_.counted_text) return sample;
    const auto counted = document.find(*definition_.counted_text);
    if (counted == document.end() || !counted->is_string())
      return bad_input(place, fmt::format("the field '{}' is no text", *definition_.counted_text));
    sample.counted_text = counted->get<std::string>();
    return sample;
  }
  Result<PromptText> prompt = prompts.prompt(document, place);
  if (!prompt) return forward_error(prompt);
  sample.prompt = std::move(*prompt);
  if (expressions_.answer_prefix) {
    Result<std::string> prefix = expressions_.answer_prefix->text(document, place);
    if (!prefix) return forward_error(prefix);
    sample.answer_prefix = std::move(*prefix);
  }
  Result<void> asked = definition_.output_type == OutputType::multiple_choice
                           ? add_choices(document, place, sample)
                           : add_answers(document, place, sample);
  if (!asked) return forward_error(asked);
  if (Result<void> twice = add_question_without_source(document, place, sample); !twice)
    return forward_error(twice);
  sample.target = shown_target(sample.accepted);
  return sample;
}

// The same continuation after the same prompt, but for the source: where a metric compares the two. The
// prompt then ends in either question.
Result<void> YamlTask::add_question_without_source(const Json& document, const std::string& place,
                                                   Sample& sample) const {
  const bool wanted = std::any_of(metrics_.begin(), metrics_.end(),
                                  [](const MetricUse& use) { return use.name == kSourceGain; });
  if (!wanted || sample.source.empty()) return {};
  Json bare = document;
  bare[*definition_.grounding] = "";
  Result<std::string> with_source = expressions_.text->text(document, place);
  if (!with_source) return forward_error(with_source);
  Result<std::string> without_source = expressions_.text->text(bare, place);
  if (!without_source) return forward_error(without_source);
  if (*with_source == *without_source || !sample.prompt.user.ends_with(*with_source)) {
    return bad_input(place,
                     fmt::format("the prompt does not depend on the field '{}' (grounding of the task)",
                                 *definition_.grounding),
                     "a doc_to_text that shows the source");
  }
  sample.prompt.user.resize(sample.prompt.user.size() - with_source->size());
  auto& ask = std::get<AskScore>(sample.asks.front());
  AskScore other{ask.delimiter, ask.continuation, std::move(*without_source)};
  ask.context = std::move(*with_source);
  sample.asks.emplace_back(std::move(other));
  return {};
}

Result<void> YamlTask::add_contexts(const Json& document, const std::string& place, Sample& sample) const {
  Result<std::vector<std::string>> contexts = expressions_.choice->texts(document, place);
  if (!contexts) return forward_error(contexts);
  Result<Json> gold = expressions_.text->target(document, place, true);
  if (!gold) return forward_error(gold);
  Result<std::string> right = expressions_.choice->choice_at(*gold, document, place);
  if (!right) return forward_error(right);
  Result<Json> continuation = expressions_.target->target(document, place, true);
  if (!continuation) return forward_error(continuation);
  sample.gold = {gold->get<int>()};
  sample.accepted = {std::move(*right)};
  for (std::string& context : *contexts) {
    sample.asks.emplace_back(
        AskScore{definition_.target_delimiter, python_text(*continuation), std::move(context)});
  }
  return {};
}

Result<void> YamlTask::add_choices(const Json& document, const std::string& place, Sample& sample) const {
  if (expressions_.choices_end_prompt) return add_contexts(document, place, sample);
  Result<std::vector<std::string>> choices = expressions_.choice->texts(document, place);
  if (!choices) return forward_error(choices);
  Result<Json> target = expressions_.target->target(document, place, true);
  if (!target) return forward_error(target);
  for (const Json& gold : as_list(std::move(*target))) {
    const std::optional<int> index = choice_index(gold, *choices);
    if (!index) {
      return bad_input(
          place, fmt::format("the target '{}' is no choice", python_text(gold)),
          fmt::format("one of {}, or an index from 0 to {}", fmt::join(*choices, ", "), choices->size() - 1));
    }
    sample.gold.push_back(*index);
    sample.accepted.push_back((*choices)[static_cast<size_t>(*index)]);
  }
  if (sample.gold.empty())
    return bad_input(place, "the target is an empty list", "at least one right choice");
  for (std::string& choice : *choices) {
    sample.asks.emplace_back(AskScore{definition_.target_delimiter, std::move(choice)});
  }
  return {};
}

Result<void> YamlTask::add_answers(const Json& document, const std::string& place, Sample& sample) const {
  const bool has_choices = expressions_.choice.has_value();
  Result<Json> target = expressions_.target->target(document, place, has_choices);
  if (!target) return forward_error(target);
  std::vector<std::string> choices;
  if (has_choices) {
    Result<std::vector<std::string>> read = expressions_.choice->texts(document, place);
    if (!read) return forward_error(read);
    choices = std::move(*read);
  }
  for (const Json& accepted : as_list(std::move(*target))) {
    const std::optional<int> index = has_choices ? choice_index(accepted, choices) : std::nullopt;
    if (has_choices && !index) {
      return bad_input(place, fmt::format("the target '{}' is no choice", python_text(accepted)));
    }
    sample.accepted.push_back(index ? choices[static_cast<size_t>(*index)] : python_text(accepted));
  }
  if (!definition_.labels.empty()) {
    const auto& labels = definition_.labels;
    if (has_label_sets()) {
      if (Result<void> known = check_label_set(place, sample); !known) return known;
    } else if (sample.accepted.empty() ||
               std::find(labels.begin(), labels.end(), sample.accepted[0]) == labels.end()) {
      return bad_input(
          place, fmt::format("the target '{}' is none of the task's labels", shown_target(sample.accepted)),
          fmt::format("one of {}", fmt::join(labels, ", ")));
    }
  }
  if (facts_.schema) {
    const Result<Json> record = parse_json(sample.accepted.empty() ? "" : sample.accepted[0], place);
    if (!record || !record->is_object())
      return bad_input(place, "the target is not a JSON object", "a record that fits 'schema'");
  }
  if (definition_.conversation) {
    Result<std::vector<std::string>> turns = expressions_.text->texts(document, place);
    if (!turns) return forward_error(turns);
    sample.asks.assign(turns->size(), definition_.generation);
    sample.later_turns.assign(turns->begin() + 1, turns->end());
  } else if (definition_.output_type == OutputType::generate_until) {
    sample.asks.assign(static_cast<size_t>(definition_.repeats), definition_.generation);
  } else {
    if (sample.accepted.empty())
      return bad_input(place, "the target is an empty list", "the continuation to score");
    sample.asks = {AskScore{"", sample.accepted[0]}};
  }
  return {};
}

bool YamlTask::has_label_sets() const {
  return std::any_of(metrics_.begin(), metrics_.end(),
                     [](const MetricUse& use) { return use.entry->need == Need::label_sets; });
}

// A target of a task with sets of labels: a list, or one text with several names.
Result<void> YamlTask::check_label_set(const std::string& place, const Sample& sample) const {
  for (const std::string& accepted : sample.accepted) {
    if (!read_label_set(accepted, definition_.labels).has_unknown) continue;
    return bad_input(place,
                     fmt::format("the target '{}' has a name that is none of the task's labels", accepted),
                     fmt::format("some of {}", fmt::join(definition_.labels, ", ")));
  }
  return {};
}

// As lm-evaluation-harness's multi_choice_regex takes them: from the field of this name.
Result<void> YamlTask::add_named_choices(const Json& document, const std::string& place,
                                         Sample& sample) const {
  if (std::none_of(pipelines_.begin(), pipelines_.end(),
                   [](const FilterPipeline& pipeline) { return pipeline.needs_choices(); }))
    return {};
  const auto choices = document.find("choices");
  if (choices == document.end() || !is_text_list(*choices)) {
    return bad_input(place, "the filter 'multi_choice_regex' needs the document's field 'choices'",
                     "choices: a list of texts");
  }
  sample.choices = choices->get<std::vector<std::string>>();
  return {};
}

Result<void> YamlTask::add_source(const Json& document, const std::string& place, Sample& sample) const {
  if (!definition_.grounding) return {};
  const auto source = document.find(*definition_.grounding);
  if (source == document.end() || source->is_null()) return {};
  if (!source->is_string()) {
    return bad_input(place,
                     fmt::format("the field '{}' (grounding of the task) is no text", *definition_.grounding),
                     "a text or null");
  }
  sample.source = source->get<std::string>();
  return {};
}

Scored YamlTask::score(const Sample& sample, const std::vector<Reply>& replies) const {
  require(replies.size() == sample.asks.size() && !replies.empty(), "one reply for each ask");
  Scored scored;
  scored.confidence = std::numeric_limits<double>::quiet_NaN();
  for (const Reply& reply : replies) {
    if (!reply.error) continue;
    scored.no_answer = true;
    return scored;
  }
  const bool generated = definition_.output_type == OutputType::generate_until;
  if (definition_.output_type == OutputType::multiple_choice) {
    const size_t chosen = best_choice(sample, replies, ChoiceNorm::none);
    scored.answer = choice_text(sample, chosen);
    scored.confidence = choice_probability(replies, chosen);
  }
  // A conversation is judged by its last answer.
  std::vector<Reply> judged = definition_.conversation ? std::vector<Reply>{replies.back()} : replies;
  const double verbal_confidence = take_off_confidence(judged, scored);
  for (size_t i = 0; i < std::max<size_t>(1, pipelines_.size()); ++i) {
    std::vector<std::string> answers;
    if (generated) {
      const std::vector<Filtered> responses = filter(i, sample, judged);
      const Filtered& first = responses.front();
      if (i == 0) scored.no_answer = first.no_answer || python_strip(first.text).empty();
      for (const Filtered& response : responses) answers.push_back(sample.answer_prefix + response.text);
    } else {
      answers.emplace_back();
    }
    if (generated && i == 0) scored.answer = answers.front();
    const ScoreInput input{facts_, sample, replies, answers.front(), answers, verbal_confidence};
    ScoreWriter writer(scored, suffix(i));
    for (const MetricUse& use : metrics_) use.entry->score(input, use.parameters, writer);
  }
  return scored;
}

// The first answer's; NaN where it states none, or the task does not ask for one.
double YamlTask::take_off_confidence(std::vector<Reply>& replies, Scored& scored) const {
  if (!definition_.verbal_confidence) return std::numeric_limits<double>::quiet_NaN();
  for (size_t i = 0; i < replies.size(); ++i) {
    VerbalConfidence read = take_verbal_confidence(replies[i].text, *definition_.verbal_confidence);
    replies[i].text = std::move(read.answer);
    if (i == 0) scored.confidence = read.confidence;
  }
  scored.details[kVerbalConfidence] = fmt::format("{}", scored.confidence);
  return scored.confidence;
}

std::string YamlTask::judge_rule() const {
  return definition_.judge ? to_line(to_json(*definition_.judge)) : std::string();
}

std::vector<Filtered> YamlTask::filter(size_t pipeline, const Sample& sample,
                                       const std::vector<Reply>& replies) const {
  std::vector<std::string> texts;
  for (const Reply& reply : replies) texts.push_back(replace_invalid_utf8(reply.text));
  if (!pipelines_.empty()) return pipelines_[pipeline].apply(std::move(texts), sample.choices);
  std::vector<Filtered> unchanged;
  for (std::string& text : texts) unchanged.push_back({std::move(text), false});
  return unchanged;
}

YamlTask::NamedMetric YamlTask::find_metric(const std::string& name) const {
  for (const MetricUse& use : metrics_) {
    for (size_t i = 0; i < std::max<size_t>(1, pipelines_.size()); ++i) {
      const std::vector<std::string> names = use.names();
      const bool found = std::any_of(names.begin(), names.end(),
                                     [&](const std::string& one) { return one + suffix(i) == name; });
      if (found) return {use, i};
    }
  }
  throw InternalError(fmt::format("the task has no metric '{}'", name));
}

double YamlTask::aggregate(const std::string& metric, const std::vector<const Scored*>& scored) const {
  const MetricUse& use = find_metric(metric).use;
  if (use.entry->aggregate != nullptr) {
    const SetMetric set = set_metric(metric, scored);
    return set.value(set.counts);
  }
  double total = 0.0;
  int64_t count = 0;
  for (const Scored* one : scored) {
    const auto score = one->scores.find(metric);
    if (score == one->scores.end()) continue;
    if (use.parameters.leaves_out_nan && std::isnan(score->second)) continue;
    total += score->second;
    ++count;
  }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : total / static_cast<double>(count);
}

SetMetric YamlTask::set_metric(const std::string& metric, const std::vector<const Scored*>& scored) const {
  const auto [use, pipeline] = find_metric(metric);
  require(use.entry->aggregate != nullptr, "a mean is no set metric");
  const auto table = std::make_shared<const DetailTable>(scored, suffix(pipeline), use.entry->details);
  const std::span<const int64_t> counts = table->counts();
  std::optional<ShareCount> share;
  if (use.entry->share != nullptr) share = use.entry->share(ScoredSet(*table, counts, use.parameters.label));
  return {{counts.begin(), counts.end()},
          [table, formula = use.entry->aggregate, label = use.parameters.label](
              std::span<const int64_t> weights) { return formula(ScoredSet(*table, weights, label)); },
          share};
}

}  // namespace sizeup
