#include "tasks/definition.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "datasets/readers/folder.h"
#include "tasks/entries.h"
#include "tasks/judge_rule.h"
#include "tasks/keys.h"

namespace sizeup {
namespace {

class DefinitionReader {
 public:
  DefinitionReader(const Entries& entries, const std::filesystem::path& file) : entries_(entries) {
    out_.file = file;
  }

  Result<Definition> run(const TaskOptions& options) {
    for (const auto step : {&DefinitionReader::read_names, &DefinitionReader::read_data,
                            &DefinitionReader::read_prompt, &DefinitionReader::read_fewshot,
                            &DefinitionReader::read_generation, &DefinitionReader::read_scoring}) {
      if (Result<void> done = (this->*step)(); !done) return forward_error(done);
    }
    if (options.num_fewshot) out_.num_fewshot = *options.num_fewshot;
    if (options.gen_prefix) {
      out_.gen_prefix.emplace();
      out_.gen_prefix->kind = YamlNode::Kind::text;
      out_.gen_prefix->text = *options.gen_prefix;
      out_.gen_prefix->place = "gen_prefix";
    }
    out_.system_instruction = options.system_instruction;
    out_.fewshot_as_multiturn = options.fewshot_as_multiturn;
    choose_rows(options);
    out_.data_dir = options.data_dir;
    out_.hub = options.hub;
    out_.hash = hash();
    return std::move(out_);
  }

 private:
  const YamlNode* get(std::string_view key) const {
    const Entry* entry = find_entry(entries_, key);
    return entry == nullptr || entry->value.kind == YamlNode::Kind::null ? nullptr : &entry->value;
  }

  static tl::unexpected<Error> wrong_type(const YamlNode& value, std::string_view key, std::string expected) {
    return bad_input(value.place, fmt::format("'{}' has the wrong type", key), std::move(expected));
  }

  // An absent key leaves `out` as it is.
  Result<void> text(std::string_view key, std::string& out) const {
    const YamlNode* value = get(key);
    if (value == nullptr) return {};
    if (!value->is_scalar()) return wrong_type(*value, key, "a text");
    out = value->text;
    return {};
  }

  Result<void> text(std::string_view key, std::optional<std::string>& out) const {
    if (get(key) == nullptr) return {};
    return text(key, out.emplace());
  }

  static Result<std::vector<std::string>> texts(const YamlNode& value, std::string_view key) {
    std::vector<std::string> out;
    if (value.kind != YamlNode::Kind::list) return wrong_type(value, key, "a list of texts");
    for (const YamlNode& item : value.items) {
      if (!item.is_scalar()) return wrong_type(item, key, "a list of texts");
      out.push_back(item.text);
    }
    return out;
  }

  Result<void> texts(std::string_view key, std::vector<std::string>& out) const {
    const YamlNode* value = get(key);
    if (value == nullptr) return {};
    Result<std::vector<std::string>> read = texts(*value, key);
    if (!read) return forward_error(read);
    out = std::move(*read);
    return {};
  }

  static Result<void> integer(const YamlNode& value, std::string_view key, int64_t least, int64_t most,
                              int& out) {
    if (value.kind != YamlNode::Kind::integer || value.integer < least || value.integer > most) {
      return wrong_type(value, key, fmt::format("a whole number from {} to {}", least, most));
    }
    out = static_cast<int>(value.integer);
    return {};
  }

  // As in the harness in the order of the data: so the same examples are drawn.
  void choose_rows(const TaskOptions& options) {
    const auto chosen = options.rows.find(out_.name);
    if (chosen == options.rows.end()) return;
    out_.rows = chosen->second;
    std::sort(out_.rows.begin(), out_.rows.end());
    out_.rows.erase(std::unique(out_.rows.begin(), out_.rows.end()), out_.rows.end());
  }

  Result<void> read_names() {
    for (const char* key : {"group", "aggregate_metric_list"}) {
      if (const YamlNode* found = get(key)) {
        return bad_input(found->place,
                         fmt::format("'{}' belongs to a group, whose 'task' is a list of its members", key),
                         "task: NAME alone", "a task joins others under a name by the key 'tag'");
      }
    }
    if (get("task") == nullptr)
      return bad_input(out_.file.string(), "the key 'task' is missing", "task: NAME");
    if (Result<void> done = text("task", out_.name); !done) return done;
    if (const YamlNode* metadata = get("metadata")) {
      if (metadata->kind != YamlNode::Kind::map) return wrong_type(*metadata, "metadata", "a map");
      if (const YamlNode* version = metadata->find("version")) out_.version = version->text;
      if (const YamlNode* about = metadata->find("description")) out_.about = about->text;
    }
    std::string type = "generate_until";
    if (Result<void> done = text("output_type", type); !done) return done;
    return read_output_type(type);
  }

  Result<void> read_output_type(const std::string& type) {
    if (type == "multiple_choice") {
      out_.output_type = OutputType::multiple_choice;
    } else if (type == "loglikelihood") {
      out_.output_type = OutputType::loglikelihood;
    } else if (type == "loglikelihood_rolling") {
      out_.output_type = OutputType::loglikelihood_rolling;
    } else if (type == "generate_until") {
      out_.output_type = OutputType::generate_until;
    } else if (type == "multi_turn") {
      out_.output_type = OutputType::generate_until;
      out_.conversation = true;
    } else {
      return bad_input(get("output_type")->place, fmt::format("unknown output_type '{}'", type),
                       "multiple_choice, loglikelihood, loglikelihood_rolling, generate_until or multi_turn");
    }
    return {};
  }

  Result<void> read_data() {
    for (const auto& [key, member] : {std::pair{"training_split", &Definition::training_split},
                                      std::pair{"validation_split", &Definition::validation_split},
                                      std::pair{"test_split", &Definition::test_split},
                                      std::pair{"fewshot_split", &Definition::fewshot_split}}) {
      if (Result<void> done = text(key, out_.*member); !done) return done;
    }
    // Here, since a data set of the hub has the splits that are named, no others.
    const YamlNode* examples = get("fewshot_config");
    const YamlNode* split = examples == nullptr ? nullptr : examples->find("split");
    if (split != nullptr) out_.fewshot_split = split->text;
    std::string path;
    if (Result<void> done = text("dataset_path", path); !done) return done;
    if (path.empty()) {
      return bad_input(
          out_.file.string(), "the key 'dataset_path' is missing",
          "dataset_path: json (or csv, or text) with dataset_kwargs: {data_files: {test: FILE}}");
    }
    if (path == "json" || path == "csv" || path == "text" || path == "parquet") return read_data_files();
    return read_dataset_path(path);
  }

  Result<void> read_data_files() {
    const YamlNode* arguments = get("dataset_kwargs");
    const YamlNode* files = arguments == nullptr ? nullptr : arguments->find("data_files");
    if (files == nullptr) {
      return bad_input(get("dataset_path")->place, "dataset_kwargs.data_files is missing",
                       "data_files: {test: FILE}");
    }
    if (Result<void> known =
            check_keys(*arguments, "dataset_kwargs",
                       {"data_files", "column_names", "field", "sample_by", "trust_remote_code"});
        !known) {
      return known;
    }
    if (const YamlNode* names = arguments->find("column_names")) {
      Result<std::vector<std::string>> read = texts(*names, "column_names");
      if (!read) return forward_error(read);
      out_.column_names = std::move(*read);
    }
    if (const YamlNode* field = arguments->find("field")) out_.rows_field = field->text;
    if (const YamlNode* rows = arguments->find("sample_by")) {
      if (rows->text != "line" && rows->text != "document") {
        return wrong_type(*rows, "sample_by", "line or document");
      }
      if (rows->text == "document") out_.text_rows = TextRows::documents;
    }
    const std::filesystem::path folder = find_entry(entries_, "dataset_kwargs")->file.parent_path();
    if (files->kind != YamlNode::Kind::map)
      return add_files("train", *files, folder);  // as Hugging Face datasets does
    for (const auto& [split, value] : files->entries) {
      if (Result<void> done = add_files(split, value, folder); !done) return done;
    }
    return {};
  }

  Result<void> add_files(const std::string& split, const YamlNode& value,
                         const std::filesystem::path& folder) {
    std::vector<std::string> names = {value.text};
    if (!value.is_scalar() || value.kind == YamlNode::Kind::null) {
      Result<std::vector<std::string>> list = texts(value, "data_files");
      if (!list) return forward_error(list);
      names = std::move(*list);
    }
    std::string dataset_name;
    if (Result<void> done = text("dataset_name", dataset_name); !done) return done;
    for (std::string& name : names) {
      Result<DataFile> file = DataFile::parse(std::move(name), dataset_name, folder, value.place);
      if (!file) return forward_error(file);
      out_.data_files[split].push_back(std::move(*file));
    }
    return {};
  }

  // A local file (the split that is asked for), or a folder with a file for each split.
  Result<void> read_dataset_path(const std::string& written) {
    const Entry& entry = *find_entry(entries_, "dataset_path");
    const std::filesystem::path path = entry.file.parent_path() / written;
    std::error_code ignored;
    if (std::filesystem::is_regular_file(path, ignored)) {
      if (!out_.test_split && !out_.validation_split) out_.test_split = "test";
      out_.data_files[out_.test_split ? *out_.test_split : *out_.validation_split].push_back({path});
      return {};
    }
    if (std::filesystem::is_directory(path, ignored)) return read_folder(path);
    return read_hub(written, entry.value.place);
  }

  // A data set of the hub: `dataset_name` is its config.
  Result<void> read_hub(const std::string& written, const std::string& place) {
    HubRows rows;
    if (Result<void> done = text("dataset_name", rows.config); !done) return done;
    for (const auto& split :
         {out_.training_split, out_.validation_split, out_.test_split, out_.fewshot_split}) {
      if (!split || out_.data_files.contains(*split)) continue;
      const Result<HubRows> named = HubRows::parse(written);
      if (!named) {
        return bad_input(
            place,
            fmt::format("dataset_path '{}' is no local file or folder, nor a data set of the hub", written),
            "a path, or Org/Name of the Hugging Face hub");
      }
      rows.repository = named->repository;
      rows.split = *split;
      out_.data_files[*split].push_back({.path = {}, .official = false, .hub = rows});
    }
    return {};
  }

  // The split's own name first (a split may be called anything), then what the names of files say.
  Result<void> read_folder(const std::filesystem::path& folder) {
    Result<std::map<std::string, std::vector<std::filesystem::path>>> splits = splits_of(folder);
    if (!splits) return forward_error(splits);
    for (auto& [split, files] : *splits) {
      for (std::filesystem::path& file : files) out_.data_files[split].push_back({std::move(file)});
    }
    for (const auto& split :
         {out_.training_split, out_.validation_split, out_.test_split, out_.fewshot_split}) {
      for (const char* ending : {".jsonl", ".json", ".csv", ".tsv", ".parquet"}) {
        const std::filesystem::path file = folder / (split.value_or("") + ending);
        std::error_code ignored;
        if (!split || !std::filesystem::is_regular_file(file, ignored)) continue;
        out_.data_files[*split] = std::vector<DataFile>{DataFile{file}};
        break;
      }
    }
    return {};
  }

  static void keep(const YamlNode* value, std::optional<YamlNode>& out) {
    if (value != nullptr) out = *value;
  }

  Result<void> read_prompt() {
    keep(get("description"), out_.description);
    keep(get("doc_to_text"), out_.doc_to_text);
    keep(get("doc_to_target"), out_.doc_to_target);
    keep(get("doc_to_choice"), out_.doc_to_choice);
    keep(get("gen_prefix"), out_.gen_prefix);
    keep(get("process_docs"), out_.process_docs);
    keep(get("answer_prefix"), out_.answer_prefix);
    const bool rolling = out_.output_type == OutputType::loglikelihood_rolling;
    if (!out_.doc_to_text && !rolling)
      return bad_input(out_.file.string(), "the key 'doc_to_text' is missing");
    if (!out_.doc_to_target) return bad_input(out_.file.string(), "the key 'doc_to_target' is missing");
    if (!out_.doc_to_choice && out_.output_type == OutputType::multiple_choice) {
      return bad_input(out_.file.string(), "the key 'doc_to_choice' is missing",
                       "the choices of multiple_choice");
    }
    if (Result<void> done = text("target_delimiter", out_.target_delimiter); !done) return done;
    return text("fewshot_delimiter", out_.fewshot_delimiter);
  }

  Result<void> read_fewshot() {
    if (const YamlNode* shots = get("num_fewshot")) {
      if (Result<void> done = integer(*shots, "num_fewshot", 0, 10'000, out_.num_fewshot); !done) return done;
    }
    const YamlNode* config = get("fewshot_config");
    if (config == nullptr) return {};
    if (Result<void> known = check_keys(
            *config, "fewshot_config",
            {"sampler", "split", "samples", "doc_to_text", "doc_to_target", "doc_to_choice", "gen_prefix",
             "target_delimiter", "fewshot_delimiter", "process_docs", "fewshot_indices"});
        !known) {
      return known;
    }
    keep(config->find("doc_to_text"), out_.examples.doc_to_text);
    keep(config->find("doc_to_target"), out_.examples.doc_to_target);
    keep(config->find("doc_to_choice"), out_.examples.doc_to_choice);
    keep(config->find("gen_prefix"), out_.examples.gen_prefix);
    if (const YamlNode* process = config->find("process_docs")) out_.examples.process_docs = *process;
    // The harness (0.4.13) reads it and draws from all documents all the same; agreement comes first.
    if (const YamlNode* rows = config->find("fewshot_indices")) {
      const bool whole = rows->kind == YamlNode::Kind::list &&
                         std::all_of(rows->items.begin(), rows->items.end(),
                                     [](const YamlNode& row) { return row.kind == YamlNode::Kind::integer; });
      if (!whole && rows->kind != YamlNode::Kind::null)
        return wrong_type(*rows, "fewshot_config.fewshot_indices", "a list of whole numbers");
    }
    if (const YamlNode* apart = config->find("target_delimiter"))
      out_.examples.target_delimiter = apart->text;
    if (const YamlNode* apart = config->find("fewshot_delimiter"))
      out_.examples.fewshot_delimiter = apart->text;
    if (const YamlNode* samples = config->find("samples")) {
      const bool documents =
          samples->kind == YamlNode::Kind::list &&
          std::all_of(samples->items.begin(), samples->items.end(),
                      [](const YamlNode& item) { return item.kind == YamlNode::Kind::map; });
      if (!documents) return wrong_type(*samples, "fewshot_config.samples", "a list of documents");
      out_.fewshot_samples = *samples;
    }
    const YamlNode* sampler = config->find("sampler");
    if (sampler == nullptr || sampler->text == "default") return {};
    if (sampler->text != "first_n") {
      return bad_input(sampler->place, fmt::format("unknown sampler '{}'", sampler->text),
                       "default or first_n");
    }
    out_.sampler = FewshotSampler::first_n;
    return {};
  }

  Result<void> read_generation() {
    out_.generation.stop = {out_.fewshot_delimiter};
    if (const YamlNode* truncate = get("truncate")) {
      if (truncate->text != "left" && truncate->text != "error")
        return wrong_type(*truncate, "truncate", "left or error");
      out_.truncation = truncate->text == "left" ? Truncation::left : Truncation::error;
    }
    const YamlNode* options = get("generation_kwargs");
    if (options == nullptr) return read_repeats();
    if (Result<void> known =
            check_keys(*options, "generation_kwargs",
                       {"until", "max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens",
                        "do_sample", "temperature", "top_p", "top_k", "min_p", "num_beams"});
        !known) {
      return known;
    }
    if (Result<void> done = read_stops(*options); !done) return done;
    // The harness's names for one thing, the first of them winning.
    for (const char* key : {"max_completion_tokens", "max_tokens", "max_new_tokens", "max_gen_toks"}) {
      const YamlNode* most = options->find(key);
      if (most == nullptr) continue;
      if (Result<void> done = integer(*most, key, 1, 1'000'000, out_.generation.max_tokens); !done)
        return done;
    }
    if (const YamlNode* beams = options->find("num_beams"); beams != nullptr && beams->integer != 1)
      return bad_input(beams->place, "answers are not searched for with beams", "num_beams: 1");
    if (Result<void> done = read_sampling(*options); !done) return done;
    return read_repeats();
  }

  Result<void> read_repeats() {
    constexpr int64_t kMostRepeats = 1000;
    const YamlNode* repeats = get("repeats");
    if (repeats == nullptr) return {};
    if (Result<void> done = integer(*repeats, "repeats", 1, kMostRepeats, out_.repeats); !done) return done;
    if (out_.repeats == 1) return {};
    if (out_.conversation) return bad_input(repeats->place, "'repeats' does not go with multi_turn");
    if (out_.output_type != OutputType::generate_until) {
      return bad_input(repeats->place, "'repeats' asks for several answers, and this task asks for none",
                       "output_type generate_until");
    }
    if (out_.generation.temperature == 0.0) {
      return bad_input(repeats->place, "'repeats' without sampling gives the same answer again and again", "",
                       "generation_kwargs: {do_sample: true, temperature: 0.2}");
    }
    return {};
  }

  Result<void> read_stops(const YamlNode& options) {
    const YamlNode* until = options.find("until");
    if (until == nullptr) return {};
    out_.generation.stop.clear();
    if (until->kind == YamlNode::Kind::null) return {};
    if (until->is_scalar()) {
      out_.generation.stop = {until->text};
    } else {
      Result<std::vector<std::string>> stops = texts(*until, "until");
      if (!stops) return forward_error(stops);
      out_.generation.stop = std::move(*stops);
    }
    if (std::find(out_.generation.stop.begin(), out_.generation.stop.end(), "") !=
        out_.generation.stop.end()) {
      return bad_input(until->place, "'until' has an empty stop text");
    }
    return {};
  }

  // do_sample: false wins over a temperature, as in Hugging Face's generate.
  Result<void> read_sampling(const YamlNode& options) {
    AskGenerate& generation = out_.generation;
    if (const YamlNode* top_k = options.find("top_k")) {
      if (Result<void> done = integer(*top_k, "top_k", 0, 1'000'000, generation.top_k); !done) return done;
    }
    const YamlNode* sampling = options.find("do_sample");
    if (sampling != nullptr && sampling->kind != YamlNode::Kind::boolean) {
      return wrong_type(*sampling, "do_sample", "true or false");
    }
    if (sampling != nullptr && sampling->boolean) generation.temperature = 1.0;
    for (const auto& [key, out, most] :
         {std::tuple{"temperature", &generation.temperature, 100.0},
          std::tuple{"top_p", &generation.top_p, 1.0}, std::tuple{"min_p", &generation.min_p, 1.0}}) {
      const YamlNode* value = options.find(key);
      if (value == nullptr) continue;
      const bool number = value->kind == YamlNode::Kind::real || value->kind == YamlNode::Kind::integer;
      if (!number || !(value->real >= 0.0 && value->real <= most)) {
        return wrong_type(*value, key, fmt::format("a number from 0 to {:g}", most));
      }
      *out = value->real;
    }
    if (sampling != nullptr && !sampling->boolean) generation.temperature = 0.0;
    return {};
  }

  Result<void> read_scoring() {
    for (const auto& [key, out] :
         {std::pair{"filter_list", &out_.filters}, std::pair{"metric_list", &out_.metrics}}) {
      const YamlNode* list = get(key);
      if (list == nullptr) continue;
      if (list->kind != YamlNode::Kind::list) return wrong_type(*list, key, "a list");
      *out = list->items;
    }
    if (Result<void> done = texts("slices", out_.slices); !done) return done;
    if (Result<void> done = texts("refusals", out_.refusals); !done) return done;
    if (Result<void> done = text("grounding", out_.grounding); !done) return done;
    if (const YamlNode* grounding = get("grounding")) out_.grounding_place = grounding->place;
    if (Result<void> done = text("counted_text", out_.counted_text); !done) return done;
    if (Result<void> done = read_verbal_confidence(); !done) return done;
    if (const YamlNode* counted = get("counted_text")) out_.counted_text_place = counted->place;
    keep(get("schema"), out_.schema);
    if (Result<void> done = read_judge(); !done) return done;
    if (const YamlNode* unsafe = get("unsafe_code")) {
      if (unsafe->kind != YamlNode::Kind::boolean) return wrong_type(*unsafe, "unsafe_code", "true or false");
      out_.unsafe_code = unsafe->boolean;
    }
    return read_labels();
  }

  Result<void> read_verbal_confidence() {
    if (Result<void> done = text("verbal_confidence", out_.verbal_confidence); !done) return done;
    if (!out_.verbal_confidence) return {};
    const YamlNode* node = get("verbal_confidence");
    if (out_.verbal_confidence->empty()) return wrong_type(*node, "verbal_confidence", "Confidence");
    if (out_.output_type == OutputType::generate_until) return {};
    return bad_input(node->place, "only written answers state a confidence in words",
                     "output_type generate_until");
  }

  Result<void> read_judge() {
    const YamlNode* judge = get("judge");
    if (judge == nullptr) return {};
    if (out_.output_type != OutputType::generate_until)
      return bad_input(judge->place, "judges read written answers",
                       "output_type generate_until or multi_turn");
    if (Result<JudgeRule> rule = read_judge_rule(*judge); !rule) return forward_error(rule);
    out_.judge = *judge;
    return {};
  }

  Result<void> read_labels() {
    const YamlNode* labels = get("labels");
    if (labels == nullptr) return {};
    constexpr const char* kForms = "NAME, or {name: NAME, cost_of_miss: 20}";
    if (labels->kind != YamlNode::Kind::list) return wrong_type(*labels, "labels", "a list of labels");
    for (const YamlNode& label : labels->items) {
      const YamlNode* name = label.kind == YamlNode::Kind::map ? label.find("name") : &label;
      if (name == nullptr || !name->is_scalar()) return wrong_type(label, "labels", kForms);
      if (std::find(out_.labels.begin(), out_.labels.end(), name->text) != out_.labels.end()) {
        return bad_input(name->place, fmt::format("'labels' names '{}' twice", name->text));
      }
      out_.labels.push_back(name->text);
      if (name == &label) continue;
      if (Result<void> known = check_keys(label, "a label", {"name", "cost_of_miss"}); !known) return known;
      const YamlNode* cost = label.find("cost_of_miss");
      if (cost == nullptr) continue;
      const bool number = cost->kind == YamlNode::Kind::real || cost->kind == YamlNode::Kind::integer;
      if (!number || !std::isfinite(cost->real) || cost->real < 0.0) {
        return wrong_type(*cost, "cost_of_miss", "a number, not below 0");
      }
      out_.miss_costs[name->text] = cost->real;
    }
    return {};
  }

  std::string hash() const {
    Json all = Json::object();
    // What is said of judging changes neither prompts nor scores.
    for (const auto& [key, entry] : entries_) {
      if (key != "judge") all[key] = to_json(entry.value);
    }
    all["num_fewshot"] = out_.num_fewshot;
    // Only where they are used: the hashes of all other runs stay as they are.
    if (!out_.system_instruction.empty()) all["system_instruction"] = out_.system_instruction;
    if (out_.gen_prefix) all["gen_prefix"] = to_json(*out_.gen_prefix);
    if (out_.fewshot_as_multiturn) all["fewshot_as_multiturn"] = true;
    return sha256_hex(to_canonical(all));
  }

  const Entries& entries_;
  Definition out_;
};

}  // namespace

Result<Definition> read_definition(const std::filesystem::path& file, const TaskOptions& options) {
  if (options.num_fewshot && (*options.num_fewshot < 0 || *options.num_fewshot > 10'000)) {
    return usage_error("the number of few-shot examples must be from 0 to 10000");
  }
  Result<Entries> entries = read_entries(file, options.overrides);
  if (!entries) return forward_error(entries);
  return DefinitionReader(*entries, file).run(options);
}

}  // namespace sizeup
