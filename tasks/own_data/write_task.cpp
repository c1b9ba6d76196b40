#include "tasks/own_data/write_task.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "datasets/readers/folder.h"
#include "tasks/own_data/record_schema.h"
#include "tasks/own_data/task_text.h"
#include "tasks/yaml.h"

namespace sizeup {
namespace {

constexpr size_t kMostSliceValues = 12;  // more would leave too few rows in each slice
constexpr size_t kMostSlices = 3;        // that are guessed

std::string task_name(std::string name) {
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && std::isalnum(byte) == 0 && c != '-' && c != '_' && c != '.') c = '_';
  }
  return name.empty() ? "own-data" : name;
}

// A text of the data within a template: nothing in it is evaluated.
std::string literal(const std::string& text) {
  return text.find('{') == std::string::npos ? text : fmt::format("{{{{ {} }}}}", to_line(Json(text)));
}

std::vector<std::string> literals(std::vector<std::string> texts) {
  for (std::string& text : texts) text = literal(text);
  return texts;
}

// "a, b or c".
std::string alternatives(const std::vector<std::string>& labels) {
  const std::vector<std::string> shown = literals(labels);
  const std::vector<std::string> first(shown.begin(), shown.end() - 1);
  return first.empty() ? shown.back() : fmt::format("{} or {}", fmt::join(first, ", "), shown.back());
}

// What the rows call their target, for a sentence in a prompt: "queue", "expected answer".
std::string spoken(const std::string& name) {
  std::string out = name;
  std::replace(out.begin(), out.end(), '_', ' ');
  return literal(out);
}

// Tokens have three to four bytes in English; half as much again, so that a wordy right answer still fits.
int room_for(const Values& values) {
  constexpr size_t kLeast = 32;
  constexpr size_t kMost = 2048;
  size_t tokens = kLeast;
  while (tokens < values.most_bytes() / 2 && tokens < kMost) tokens *= 2;
  return static_cast<int>(tokens);
}

Json strip_filter() {
  return Json::array({{{"name", "strip"}, {"filter", Json::array({{{"function", "strip"}}})}}});
}

Json metric(const char* name) {
  return {{"metric", name}};
}

class Writer {
 public:
  Writer(const OwnData& data, const Facts& facts, DataKind kind, std::string_view heading)
      : data_(data), facts_(facts), kind_(kind), out_(heading) {}

  Result<std::string> write() {
    Result<std::optional<HubRows>> hub = hub_rows_of(data_);
    if (!hub) return forward_error(hub);
    if (*hub) {
      write_hub(**hub);
    } else {
      write_file();
    }
    if (Result<void> done = write_kind(); !done) return forward_error(done);
    if (!facts_.input.description.empty()) out_.add("description", facts_.input.description);
    if (Result<void> done = write_grounding(); !done) return forward_error(done);
    if (Result<void> done = write_slices(); !done) return forward_error(done);
    out_.add("metric_list", metrics(), "the first is the headline; see `sizeup list metrics`");
    out_.add("metadata", {{"version", 1.0}, {"description", fmt::format("own data: {}", name_of(kind_))}});
    return out_.text();
  }

 private:
  void write_hub(const HubRows& rows) {
    out_.add("task", task_name(rows.repository.substr(rows.repository.find('/') + 1)),
             "the name in tables and reports");
    // Without an organisation only the prefix tells it from a file beside this one.
    const bool alone = rows.repository.find('/') == std::string::npos;
    out_.add("dataset_path", (alone ? "hf:" : "") + rows.repository, "a data set of the Hugging Face hub");
    if (!rows.config.empty()) out_.add("dataset_name", rows.config, "its config");
    out_.add("test_split", rows.split);
  }

  void write_file() {
    const Result<DataFormat> format = format_of(data_.file);  // none of a folder
    const bool cells = format && (*format == DataFormat::csv || *format == DataFormat::tsv);
    std::filesystem::path stem = data_.file.filename();
    while (stem.has_extension()) stem = stem.stem();
    out_.add("task", task_name(stem.string()), "the name in tables and reports");
    const bool parquet = format && *format == DataFormat::parquet;
    out_.add("dataset_path", cells ? "csv" : parquet ? "parquet" : "json");
    out_.add("dataset_kwargs", {{"data_files", {{"test", data_.file.filename().string()}}}},
             "relative to this file");
    out_.add("test_split", "test");
  }

  Result<void> write_kind() {
    switch (kind_) {
      case DataKind::multiple_choice:
        return write_multiple_choice();
      case DataKind::classification:
        return write_classification();
      case DataKind::multi_label:
        write_multi_label();
        return {};
      case DataKind::extraction:
        return write_extraction();
      case DataKind::passage_question:
      case DataKind::question:
        write_question();
        return {};
      case DataKind::generation:
        write_generation();
        return {};
      case DataKind::code:
        write_code();
        return {};
    }
    throw InternalError("unknown DataKind");
  }

  // The prompt, followed by what is asked where it does not say that itself.
  std::string prompt(const std::string& asked) const {
    return facts_.input.instructs ? facts_.input.text : facts_.input.text + "\n\n" + asked;
  }

  void write_target(const std::string& text) { out_.add("doc_to_target", text, "a field, or a template"); }

  // The target of a written answer: a list as any of its texts, a text without white space at its ends.
  std::string answer_text() const {
    const TargetForm& target = facts_.target;
    if (target.value.empty()) return target.text;
    if (target.values.all(is_list)) return fmt::format("{{{{{}}}}}", target.value);
    return target.values.all(is_stripped) ? target.text : fmt::format("{{{{{} | trim}}}}", target.value);
  }

  void write_delimiter() {
    if (facts_.input.instructs) out_.add("target_delimiter", "\n", "between prompt and answer");
  }

  Result<void> write_classification() {
    const std::vector<std::string>& labels = facts_.labels;
    const Values& values = facts_.target.values;
    if (!facts_.blank_target.empty()) {
      return bad_input(facts_.blank_target, "the row has no label",
                       fmt::format("a value in '{}'", facts_.target.name),
                       "fill it in, or leave the row out");
    }
    out_.add("output_type", "multiple_choice", "the likeliest label is the answer");
    out_.add(
        "doc_to_text",
        prompt(fmt::format("Which {} fits: {}?\nAnswer:", spoken(facts_.target.name), alternatives(labels))),
        "Jinja over the row's fields");
    out_.add("doc_to_choice", labels);
    write_delimiter();
    // A number that is itself a label must not be taken for an index of one.
    const bool as_text = !values.all(is_text) && data_.choices.empty() && !facts_.target.value.empty();
    write_target(as_text ? by_label() : facts_.target.text);
    return {};
  }

  // The index of the label that the value is, written as a text.
  std::string by_label() const {
    return fmt::format("{{{{ {}.index({} | string) }}}}", to_line(Json(facts_.labels)), facts_.target.value);
  }

  Result<void> write_multiple_choice() {
    const ChoiceForm& choices = *facts_.choices;
    Result<std::string> target = find_right_choice(facts_.fields, choices, facts_.target);
    if (!target) return forward_error(target);
    out_.add("output_type", "multiple_choice");
    if (choices.list.empty()) {
      out_.add("doc_to_text", fmt::format("{}\nChoices: {{{{{}}}}}\nAnswer:", passage_and_question(),
                                          accessor(choices.field)));
      out_.add("doc_to_choice", fmt::format("{{{{{}}}}}", accessor(choices.field)),
               "the texts themselves are scored");
    } else {
      out_.add("doc_to_text",
               fmt::format("{}\n{{% for choice in {} %}}{{{{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[loop.index0]}}}}. "
                           "{{{{choice}}}}\n{{% endfor %}}Answer:",
                           passage_and_question(), choices.list),
               "Jinja over the row's fields");
      out_.add("doc_to_choice", letters_of(choices), "the letters are scored, as MMLU does");
    }
    write_target(*target);
    return {};
  }

  std::string passage_and_question() const {
    const InputForm& input = facts_.input;
    return input.passage.empty() ? input.text
                                 : fmt::format("{{{{{}}}}}\n\n{}", accessor(input.passage), input.text);
  }

  void write_multi_label() {
    const std::vector<std::string>& labels = facts_.labels;
    out_.add("output_type", "generate_until", "the answer is written, and read back");
    out_.add(
        "doc_to_text",
        prompt(fmt::format(
            "Which of these fit: {}? Answer with all that fit, separated by commas, or \"none\".\nAnswer:",
            fmt::join(literals(labels), ", "))));
    write_target(facts_.target.value.empty()
                     ? facts_.target.text
                     : fmt::format("{{{{ ({} or []) | sort | join(', ') }}}}", facts_.target.value));
    out_.add("labels", labels);
    write_generation_options({"\n"}, strip_filter());
  }

  Result<void> write_extraction() {
    Json schema;
    if (data_.schema.empty()) {
      schema = schema_of_records(facts_.target.values.rows);
    } else {
      Result<YamlNode> given = read_yaml(data_.schema);
      if (!given) return forward_error(given);
      schema = to_json(*given);
    }
    std::vector<std::string> names;
    if (schema.is_object() && schema.contains("properties")) {
      for (const auto& item : schema["properties"].items()) names.push_back(item.key());
    }
    out_.add("output_type", "generate_until");
    out_.add("doc_to_text",
             prompt(fmt::format(
                 "Write {} of this text as one JSON object, null for what the text does not say.\nJSON:",
                 names.empty() ? "the facts" : fmt::format("{}", fmt::join(literals(names), ", ")))));
    write_delimiter();
    const bool objects = facts_.target.values.all([](const Json& value) { return value.is_object(); });
    write_target(objects && !facts_.target.value.empty()
                     ? fmt::format("{{{{ {} | tojson }}}}", facts_.target.value)
                     : facts_.target.text);
    // A model may put its record between fences or words.
    write_generation_options(Json::array(),
                             Json::array({{{"name", "record"},
                                           {"filter", Json::array({{{"function", "regex"},
                                                                    {"regex_pattern", "(?s)\\{.*\\}"},
                                                                    {"fallback", ""}}})}}}));
    out_.add("schema", schema, "x-type says how a value is compared: text, number, money or date");
    return {};
  }

  void write_question() {
    const InputForm& input = facts_.input;
    out_.add("output_type", "generate_until");
    const std::string question = fmt::format("Question: {}\nAnswer:", input.text);
    out_.add(
        "doc_to_text",
        input.passage.empty() ? question : fmt::format("{{{{{}}}}}\n\n{}", accessor(input.passage), question),
        "Jinja over the row's fields");
    write_target(answer_text());
    write_generation_options({"\n"}, strip_filter());
  }

  void write_generation() {
    out_.add("output_type", "generate_until");
    out_.add("doc_to_text", passage_and_question(), "Jinja over the row's fields");
    write_delimiter();
    write_target(answer_text());
    write_generation_options(Json::array(), strip_filter());
  }

  void write_code() {
    out_.add("output_type", "generate_until");
    out_.add("unsafe_code", true, "what the model writes is run, in the sandbox");
    if (is_humaneval(facts_.fields)) {
      out_.add("doc_to_text", "{{prompt}}");
      out_.add("target_delimiter", "");
      out_.add("doc_to_target", "{{test}}\ncheck({{entry_point}})", "run after the answer");
      out_.add("answer_prefix", "{{prompt}}", "the answer goes on from the prompt");
      write_generation_options({"\nclass", "\ndef", "\n#", "\nif", "\nprint"}, nullptr, kCodeTokens);
      return;
    }
    const std::string text = facts_.fields.first_of({"text", "prompt"}).value_or("text");
    out_.add("doc_to_text",
             fmt::format("{{{{{}}}}}\nYour code should pass these tests:\n{{{{test_list | join('\\n')}}}}\n",
                         accessor(text)));
    out_.add("doc_to_target", "{{test_list | join('\n')}}", "run after the answer");
    out_.add("gen_prefix", "```python\n");
    write_generation_options(
        Json::array(),
        Json::array(
            {{{"name", "program"}, {"filter", Json::array({{{"function", "before"}, {"text", "```"}}})}}}),
        kCodeTokens);
  }

  static constexpr int kCodeTokens = 512;

  void write_generation_options(const Json& until, const Json& filters, int tokens = 0) {
    out_.add("generation_kwargs", {{"until", until},
                                   {"max_gen_toks", tokens > 0 ? tokens : room_for(facts_.target.values)},
                                   {"do_sample", false}});
    if (!filters.is_null())
      out_.add("filter_list", filters, "what is taken out of an answer before it is scored");
  }

  Result<void> write_grounding() {
    std::string field = data_.grounding;
    if (field.empty() && kind_ == DataKind::passage_question) field = facts_.input.passage;
    if (field.empty() && kind_ == DataKind::extraction) field = facts_.input.only_field;
    if (field.empty()) return {};
    if (Result<void> known = facts_.fields.require_field("--grounding", field); !known) return known;
    if (!facts_.fields.values(field).all(is_text)) return {};
    grounded_ = true;
    out_.add("grounding", field, "the text that answers must rest on");
    return {};
  }

  // Without a wish the fields with a few values that are neither input nor target.
  Result<void> write_slices() {
    std::vector<std::string> slices = data_.slices;
    for (const std::string& slice : slices) {
      if (Result<void> known = facts_.fields.require_field("--slices", slice); !known) return known;
    }
    const auto used = [&](const std::string& name) {
      for (const auto* fields : {&facts_.target.fields, &facts_.input.fields}) {
        if (std::find(fields->begin(), fields->end(), name) != fields->end()) return true;
      }
      return facts_.choices && std::find(facts_.choices->fields.begin(), facts_.choices->fields.end(),
                                         name) != facts_.choices->fields.end();
    };
    for (const std::string& name : facts_.fields.names()) {
      if (!data_.slices.empty() || slices.size() == kMostSlices || kind_ == DataKind::code) break;
      const Values values = facts_.fields.values(name);
      const size_t distinct = values.all(is_scalar) ? values.distinct().size() : 0;
      constexpr size_t kRowsOfASlice = 5;
      if (!used(name) && distinct >= 2 && distinct <= kMostSliceValues &&
          kRowsOfASlice * distinct <= facts_.fields.rows() && values.blank() == 0)
        slices.push_back(name);
    }
    if (!slices.empty()) out_.add("slices", slices, "fields by which results are broken down");
    return {};
  }

  Json metrics() const {
    Json list = Json::array();
    for (const std::string& name : data_.metrics) list.push_back(metric(name.c_str()));
    if (!list.empty()) return list;
    const Json exact = {{"metric", "exact_match"}, {"ignore_case", true}, {"ignore_punctuation", true}};
    switch (kind_) {
      case DataKind::multiple_choice:
        list = Json::array({metric("acc")});
        if (facts_.choices->list.empty()) list.push_back(metric("acc_norm"));  // the texts differ in length
        return list;
      case DataKind::classification:
        return Json::array({metric("acc"), metric("macro_f1")});
      case DataKind::multi_label:
        return Json::array(
            {metric("multilabel_exact"), metric("multilabel_micro_f1"), metric("multilabel_macro_f1")});
      case DataKind::extraction:
        list = Json::array({metric("record_exact"), metric("field_f1"), metric("json_valid")});
        if (grounded_) list.push_back(metric("fabricated_rate"));
        return list;
      case DataKind::passage_question:
        list = Json::array({exact, metric("token_f1"), metric("abstention")});
        if (grounded_) list.push_back(metric("unsupported_rate"));
        return list;
      case DataKind::question:
        return Json::array({exact, metric("token_f1"), metric("closed_book")});
      case DataKind::generation:
        list = Json::array({metric("rougeL"), metric("chrf"), exact});
        if (grounded_) list.push_back(metric("unsupported_rate"));
        return list;
      case DataKind::code:
        return Json::array({{{"metric", "pass@k"}, {"k", {1}}}});
    }
    throw InternalError("unknown DataKind");
  }

  const OwnData& data_;
  const Facts& facts_;
  DataKind kind_;
  TaskText out_;
  bool grounded_ = false;
};

}  // namespace

bool is_mbpp(const Fields& fields) {
  return fields.has("test_list") && fields.values("test_list").all(is_text_list);
}

bool is_humaneval(const Fields& fields) {
  return fields.has("prompt") && fields.has("test") && fields.has("entry_point");
}

Result<std::string> write_task(const OwnData& data, const Facts& facts, DataKind kind,
                               std::string_view heading) {
  return Writer(data, facts, kind, heading).write();
}

}  // namespace sizeup
