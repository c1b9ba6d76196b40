#include "harness/answers/answer_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/jinja/text.h"
#include "core/json/json.h"
#include "tasks/expression.h"
#include "tasks/own_data/fields.h"

namespace sizeup {
namespace {

// Folded names, the likeliest first: a file may hold the expected "answer" beside the "prediction".
constexpr std::string_view kAnswers[] = {
    "prediction",    "predictions", "predicted",     "predictedlabel", "modelanswer", "modeloutput",
    "modelresponse", "generated",   "generatedtext", "generation",     "candidate",   "response",
    "resps",         "completion",  "output",        "answer",         "text",        "content"};
constexpr std::string_view kIds[] = {"id",         "sampleid", "documentid", "customid", "exampleid",
                                     "questionid", "taskid",   "qid",        "key"};
constexpr std::string_view kRows[] = {"docid", "index", "idx", "row", "rownumber"};
constexpr std::string_view kPromptTokens[] = {"prompttokens", "inputtokens", "tokensin", "inputtokencount"};
constexpr std::string_view kCompletionTokens[] = {"completiontokens", "outputtokens", "tokensout",
                                                  "outputtokencount"};

// Names of a time or an amount: the unit is part of the name, since a wrong guess would be off by a thousand.
struct Unit {
  std::string_view ending;
  double factor;
};
constexpr Unit kTimeUnits[] = {
    {"ms", 1.0}, {"milliseconds", 1.0}, {"s", 1000.0}, {"sec", 1000.0}, {"seconds", 1000.0}};
constexpr std::string_view kTotals[] = {"latency", "total",        "totaltime", "duration",
                                        "elapsed", "responsetime", "time"};
constexpr std::string_view kFirstTokens[] = {"ttft", "timetofirsttoken", "firsttoken"};
constexpr std::string_view kCosts[] = {"cost", "totalcost", "price"};
constexpr std::string_view kCurrencies[] = {"usd", "eur", "gbp", "chf"};

// What an endpoint returned, with what counts at the top: an OpenAI batch's {"custom_id", "response":
// {"body"}}, a response's {"choices": [{"message"}], "usage"}, or lm-evaluation-harness's {"doc_id",
// "resps"}.
Json flattened(const Json& row) {
  Json out = row;
  const auto response = row.find("response");
  if (response != row.end() && response->is_object()) {
    out.erase("response");
    const auto body = response->find("body");
    out.update(body != response->end() && body->is_object() ? *body : *response);
  }
  if (const auto usage = out.find("usage"); usage != out.end() && usage->is_object()) {
    const Json figures = *usage;
    out.erase("usage");
    out.update(figures);
  }
  const auto choices = out.find("choices");
  if (choices == out.end() || !choices->is_array() || choices->empty() || !choices->front().is_object())
    return out;
  const Json first = choices->front();
  out.erase("choices");
  const auto message = first.find("message");
  const Json& holder = message != first.end() && message->is_object() ? *message : first;
  for (const char* name : {"content", "text"}) {
    if (holder.contains(name)) out["response"] = holder[name];
  }
  return out;
}

class Reader {
 public:
  Reader(Fields fields, const AnswerFileOptions& options) : fields_(std::move(fields)), options_(options) {}

  Result<AnswerFile> read() {
    for (const auto step :
         {&Reader::choose_answer, &Reader::choose_id, &Reader::choose_figures, &Reader::add_rows}) {
      if (Result<void> done = (this->*step)(); !done) return forward_error(done);
    }
    return std::move(out_);
  }

 private:
  struct Figure {
    std::string field;
    double factor = 1.0;
  };

  Result<void> choose_answer() {
    if (!options_.answer.empty()) {
      answer_ = options_.answer;
      return fields_.require_field("the option 'answer'", answer_);
    }
    const std::optional<std::string> found = fields_.first_of(kAnswers);
    if (!found) {
      return bad_input(fields_.documents().name, "no field looks like an answer", fields_.listing(),
                       "name it: --answers 'FILE?answer=FIELD'");
    }
    answer_ = *found;
    out_.notes.push_back(fmt::format("answers recorded in the field '{}'", answer_));
    return {};
  }

  Result<void> choose_id() {
    task_ = fields_.first_of({"task", "taskname"});
    out_.names_tasks = task_.has_value();
    if (!options_.id.empty()) {
      id_ = options_.id;
      return fields_.require_field("the option 'id'", options_.id);
    }
    id_ = fields_.first_of(kIds);
    if (id_ && *id_ != answer_) return {};
    id_ = fields_.first_of(kRows);
    out_.by_row = true;
    out_.notes.push_back(id_ ? fmt::format("matched to the documents by the row number in '{}'", *id_)
                             : "matched to the documents by their order");
    return {};
  }

  // The field whose name is one of `names` followed by a unit; a note if it is there without one.
  template <size_t Count>
  std::optional<Figure> timed(const std::string_view (&names)[Count]) {
    for (const std::string_view name : names) {
      for (const Unit& unit : kTimeUnits) {
        const std::string wanted = std::string(name) + std::string(unit.ending);
        if (const auto field = fields_.first_of({wanted})) return Figure{*field, unit.factor};
      }
    }
    for (const std::string_view name : names) {
      if (const auto field = fields_.first_of({name})) {
        out_.notes.push_back(fmt::format("'{0}' is not taken: its name has no unit ({0}_ms, {0}_s)", *field));
        break;
      }
    }
    return std::nullopt;
  }

  Result<void> choose_figures() {
    total_ = timed(kTotals);
    first_token_ = timed(kFirstTokens);
    prompt_tokens_ = fields_.first_of(kPromptTokens);
    completion_tokens_ = fields_.first_of(kCompletionTokens);
    for (const std::string_view name : kCosts) {
      for (const std::string_view currency : kCurrencies) {
        const std::string wanted = std::string(name) + std::string(currency);
        if (const auto field = fields_.first_of({wanted}); field && !cost_) {
          cost_ = *field;
          out_.currency = jinja::to_upper(currency);
        }
      }
    }
    if (cost_) return {};
    cost_ = fields_.first_of(kCosts);
    if (!cost_) return {};
    out_.currency = jinja::to_upper(options_.currency);
    if (out_.currency.empty()) {
      out_.notes.push_back(fmt::format("'{0}' is not taken: its name has no currency ({0}_usd)", *cost_));
      cost_.reset();
    }
    return {};
  }

  Result<std::optional<double>> figure(size_t row, const std::string& field, double factor) const {
    const Json& document = fields_.documents().rows[row];
    const auto found = document.find(field);
    if (found == document.end() || is_blank(*found)) return std::optional<double>();
    double value = std::nan("");
    if (found->is_number()) {
      value = found->get<double>();
    } else if (found->is_string()) {
      const auto& text = found->get_ref<const std::string&>();
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size()) value = std::nan("");
    }
    if (!std::isfinite(value) || value < 0.0) {
      return bad_input(fields_.documents().place(row), fmt::format("'{}' is {}", field, to_line(*found)),
                       "a number that is not negative");
    }
    return std::optional(value * factor);
  }

  Result<void> add_figures(size_t row, RecordedAnswer& answer) const {
    const auto take = [&](const std::optional<Figure>& from, std::optional<double>& to) -> Result<void> {
      if (!from) return {};
      Result<std::optional<double>> value = figure(row, from->field, from->factor);
      if (!value) return forward_error(value);
      to = *value;
      return {};
    };
    constexpr double kMostTokens = 1e9;
    std::optional<double> tokens;
    if (Result<void> done = take(total_, answer.total_ms); !done) return done;
    if (Result<void> done = take(first_token_, answer.ttft_ms); !done) return done;
    if (cost_) {
      if (Result<void> done = take(Figure{*cost_}, answer.cost); !done) return done;
    }
    for (const auto& [field, to] : {std::pair{&prompt_tokens_, &answer.prompt_tokens},
                                    std::pair{&completion_tokens_, &answer.completion_tokens}}) {
      if (!*field) continue;
      tokens.reset();
      if (Result<void> done = take(Figure{**field}, tokens); !done) return done;
      if (tokens) *to = static_cast<int>(std::min(*tokens, kMostTokens));
    }
    return {};
  }

  // One answer, or the repeats of a nested list; a flat list is one answer of several labels.
  static std::vector<std::string> texts_of(const Json& value) {
    if (value.is_array() && !value.empty() && value.front().is_array()) {
      std::vector<std::string> texts;
      for (const Json& answers : value) {
        for (const Json& one : answers) texts.push_back(python_text(one));
      }
      return texts;
    }
    if (!is_text_list(value)) return {python_text(value)};
    return {fmt::format("{}", fmt::join(value.get<std::vector<std::string>>(), ", "))};
  }

  Result<void> add_rows() {
    for (size_t row = 0; row < fields_.rows(); ++row) {
      const Json& document = fields_.documents().rows[row];
      RecordedAnswer answer;
      if (Result<void> added = add_figures(row, answer); !added) return added;
      std::string id = std::to_string(row);
      if (id_) {
        if (!document.contains(*id_) || is_blank(document[*id_]))
          return bad_input(fields_.documents().place(row), fmt::format("the row has no '{}'", *id_),
                           "the document's id");
        id = python_text(document[*id_]);
      }
      const std::string task =
          task_ && document.contains(*task_) ? python_text(document[*task_]) : std::string();
      std::vector<RecordedAnswer>& answers = out_.answers[task][id];
      const auto value = document.find(answer_);
      const auto failed = document.find("error");
      if (failed != document.end() && !is_blank(*failed)) answer.error = python_text(*failed);
      if (!answer.error && (value == document.end() || value->is_null()))
        answer.error = "the row holds no answer";
      if (answer.error) {
        answers.push_back(std::move(answer));
        continue;
      }
      for (std::string& text : texts_of(*value)) {
        answers.push_back(answer);
        answers.back().text = std::move(text);
      }
    }
    return {};
  }

  Fields fields_;
  const AnswerFileOptions& options_;
  std::string answer_;
  std::optional<std::string> id_, task_;
  std::optional<Figure> total_, first_token_;
  std::optional<std::string> prompt_tokens_, completion_tokens_, cost_;
  AnswerFile out_;
};

}  // namespace

Result<AnswerFile> read_answer_file(const std::filesystem::path& file, const AnswerFileOptions& options) {
  Result<Documents> documents = load_file(file);
  if (!documents) return forward_error(documents);
  for (Json& row : documents->rows) row = flattened(row);
  documents->collect_columns();
  const std::string hash = documents->hash;
  Result<AnswerFile> read = Reader(Fields(std::move(*documents)), options).read();
  if (read) read->hash = hash;
  return read;
}

}  // namespace sizeup
