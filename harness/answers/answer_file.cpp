#include "harness/answers/answer_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/text/from_chars.h"
#include "datasets/readers/row_reader.h"
#include "tasks/columns.h"
#include "tasks/expression.h"

namespace sizeup {
namespace {

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

// One answer, or the repeats of a nested list; a flat list is one answer of several labels.
std::vector<std::string> texts_of(const Json& value) {
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

// The rows of the file, flattened, from the first one; no row may be bad.
class AnswerRows {
 public:
  explicit AnswerRows(const std::filesystem::path& file) : reader_({file}, {}, none_bad_) {}

  Result<std::optional<Json>> next() {
    Result<std::optional<Json>> row = reader_.next();
    if (row && *row) return flattened(**row);
    return row;
  }
  int64_t index() const { return reader_.index(); }
  std::string place() const { return fmt::format("{} (document {})", reader_.place(), index() + 1); }
  std::string hash() const { return reader_.hash(); }

 private:
  BadRows none_bad_;
  RowReader reader_;
};

// One row as answers.
class RowAnswers {
 public:
  RowAnswers(const AnswerFields& fields, const AnswerRows& rows, const Json& row)
      : fields_(fields), rows_(rows), row_(row) {}

  std::string task() const {
    const Json* name = fields_.task ? value_of(*fields_.task) : nullptr;
    return name != nullptr ? python_text(*name) : std::string();
  }

  Result<std::string> document() const {
    if (!fields_.id) return std::to_string(rows_.index());
    const Json* id = value_of(*fields_.id);
    if (id == nullptr || is_blank(*id)) {
      return bad_input(rows_.place(), fmt::format("the row has no '{}'", *fields_.id), "the document's id");
    }
    return python_text(*id);
  }

  Result<std::vector<RecordedAnswer>> answers() const {
    RecordedAnswer answer;
    if (Result<void> taken = take_figures(answer); !taken) return forward_error(taken);
    const Json* value = value_of(fields_.answer);
    const Json* failed = value_of("error");
    if (failed != nullptr && !is_blank(*failed)) {
      answer.error = python_text(*failed);
    } else if (value == nullptr || value->is_null()) {
      answer.error = "the row holds no answer";
    }
    if (answer.error) return std::vector{answer};
    std::vector<RecordedAnswer> answers;
    for (std::string& text : texts_of(*value)) {
      answers.push_back(answer);
      answers.back().text = std::move(text);
    }
    return answers;
  }

 private:
  const Json* value_of(const std::string& field) const {
    const auto found = row_.find(field);
    return found == row_.end() ? nullptr : &*found;
  }

  Result<void> take(const std::optional<AnswerFields::Figure>& from, std::optional<double>& to) const {
    const Json* found = from ? value_of(from->field) : nullptr;
    if (found == nullptr || is_blank(*found)) return {};
    double value = std::nan("");
    if (found->is_number()) {
      value = found->get<double>();
    } else if (found->is_string()) {
      const auto& text = found->get_ref<const std::string&>();
      const auto [end, error] = from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size()) value = std::nan("");
    }
    if (!std::isfinite(value) || value < 0.0) {
      return bad_input(rows_.place(), fmt::format("'{}' is {}", from->field, to_line(*found)),
                       "a number that is not negative");
    }
    to = value * from->factor;
    return {};
  }

  Result<void> take_count(const std::optional<AnswerFields::Figure>& from, std::optional<int>& to) const {
    constexpr double kMostTokens = 1e9;
    std::optional<double> tokens;
    if (Result<void> taken = take(from, tokens); !taken) return taken;
    if (tokens) to = static_cast<int>(std::min(*tokens, kMostTokens));
    return {};
  }

  Result<void> take_figures(RecordedAnswer& answer) const {
    if (Result<void> taken = take(fields_.total, answer.total_ms); !taken) return taken;
    if (Result<void> taken = take(fields_.first_token, answer.ttft_ms); !taken) return taken;
    if (Result<void> taken = take(fields_.cost, answer.cost); !taken) return taken;
    if (Result<void> taken = take_count(fields_.prompt_tokens, answer.prompt_tokens); !taken) return taken;
    return take_count(fields_.completion_tokens, answer.completion_tokens);
  }

  const AnswerFields& fields_;
  const AnswerRows& rows_;
  const Json& row_;
};

// What the names of all rows' fields say. `hash` becomes the file's.
Result<AnswerFields> read_fields(const std::filesystem::path& file, const AnswerFileOptions& options,
                                 std::string& hash) {
  Documents documents;
  documents.name = file.string();
  Columns columns(documents.columns);
  AnswerRows rows(file);
  while (true) {
    Result<std::optional<Json>> row = rows.next();
    if (!row) return forward_error(row);
    if (!*row) break;
    columns.add(**row);
  }
  if (rows.index() < 0) return bad_input(documents.name, "the file has no documents");
  hash = rows.hash();
  return choose_answer_fields(Fields(std::move(documents)), options);
}

Result<void> read_answers(AnswerRows& rows, const AnswerFields& fields, AnswerFile& out) {
  while (true) {
    Result<std::optional<Json>> row = rows.next();
    if (!row) return forward_error(row);
    if (!*row) break;
    const RowAnswers one(fields, rows, **row);
    Result<std::string> document = one.document();
    if (!document) return forward_error(document);
    Result<std::vector<RecordedAnswer>> answers = one.answers();
    if (!answers) return forward_error(answers);
    for (const RecordedAnswer& answer : *answers) {
      out.has_latencies = out.has_latencies || answer.total_ms.has_value();
      if (Result<void> added = out.answers.add(one.task(), *document, answer); !added) return added;
    }
  }
  return out.answers.close();
}

}  // namespace

Result<AnswerFile> read_answer_file(const std::filesystem::path& file, const AnswerFileOptions& options) {
  std::string hash;
  Result<AnswerFields> fields = read_fields(file, options, hash);
  if (!fields) return forward_error(fields);
  Result<AnswerTable> table = AnswerTable::create();
  if (!table) return forward_error(table);
  AnswerFile out{std::move(*table)};
  out.by_row = fields->by_row;
  out.names_tasks = fields->task.has_value();
  AnswerRows rows(file);
  if (Result<void> read = read_answers(rows, *fields, out); !read) return forward_error(read);
  if (rows.hash() != hash) {
    return unavailable(file.string(), "the file changed while it was read", "a file that nobody writes to");
  }
  out.hash = std::move(hash);
  out.currency = std::move(fields->currency);
  out.notes = std::move(fields->notes);
  return out;
}

}  // namespace sizeup
