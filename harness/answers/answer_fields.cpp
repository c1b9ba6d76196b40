#include "harness/answers/answer_fields.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "core/jinja/text.h"

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

using Figure = AnswerFields::Figure;

class Chooser {
 public:
  Chooser(const Fields& fields, const AnswerFileOptions& options) : fields_(fields), options_(options) {}

  Result<AnswerFields> choose() {
    if (Result<void> chosen = choose_answer(); !chosen) return forward_error(chosen);
    if (Result<void> chosen = choose_id(); !chosen) return forward_error(chosen);
    choose_figures();
    choose_cost();
    return std::move(out_);
  }

 private:
  Result<void> choose_answer() {
    if (!options_.answer.empty()) {
      out_.answer = options_.answer;
      return fields_.require_field("the option 'answer'", out_.answer);
    }
    const std::optional<std::string> found = fields_.first_of(kAnswers);
    if (!found) {
      return bad_input(fields_.documents().name, "no field looks like an answer", fields_.listing(),
                       "name it: --answers 'FILE?answer=FIELD'");
    }
    out_.answer = *found;
    out_.notes.push_back(fmt::format("answers recorded in the field '{}'", out_.answer));
    return {};
  }

  Result<void> choose_id() {
    out_.task = fields_.first_of({"task", "taskname"});
    if (!options_.id.empty()) {
      out_.id = options_.id;
      return fields_.require_field("the option 'id'", options_.id);
    }
    out_.id = fields_.first_of(kIds);
    if (out_.id && *out_.id != out_.answer) return {};
    out_.id = fields_.first_of(kRows);
    out_.by_row = true;
    out_.notes.push_back(out_.id ? fmt::format("matched to the documents by the row number in '{}'", *out_.id)
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

  void choose_figures() {
    out_.total = timed(kTotals);
    out_.first_token = timed(kFirstTokens);
    if (const auto field = fields_.first_of(kPromptTokens)) out_.prompt_tokens = Figure{*field};
    if (const auto field = fields_.first_of(kCompletionTokens)) out_.completion_tokens = Figure{*field};
  }

  void choose_cost() {
    for (const std::string_view name : kCosts) {
      for (const std::string_view currency : kCurrencies) {
        const std::string wanted = std::string(name) + std::string(currency);
        if (const auto field = fields_.first_of({wanted}); field && !out_.cost) {
          out_.cost = Figure{*field};
          out_.currency = jinja::to_upper(currency);
        }
      }
    }
    if (out_.cost) return;
    const std::optional<std::string> field = fields_.first_of(kCosts);
    if (!field) return;
    out_.currency = jinja::to_upper(options_.currency);
    if (!out_.currency.empty()) {
      out_.cost = Figure{*field};
    } else {
      out_.notes.push_back(fmt::format("'{0}' is not taken: its name has no currency ({0}_usd)", *field));
    }
  }

  const Fields& fields_;
  const AnswerFileOptions& options_;
  AnswerFields out_;
};

}  // namespace

Result<AnswerFields> choose_answer_fields(const Fields& fields, const AnswerFileOptions& options) {
  return Chooser(fields, options).choose();
}

}  // namespace sizeup
