#include "tasks/prompt.h"

#include <fmt/format.h>

#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

constexpr uint32_t kFewshotSeed = 1234;  // lm-evaluation-harness's default

// lm-evaluation-harness delimits a prefix only where neither side has white space.
bool needs_delimiter(std::string_view before, std::string_view after) {
  return !before.empty() && !after.empty() && !python_strip(before.substr(before.size() - 1)).empty() &&
         !python_strip(after.substr(0, 1)).empty();
}

std::string joined(std::string before, const std::string& after, const std::string& delimiter) {
  if (needs_delimiter(before, after)) before += delimiter;
  return before + after;
}

Result<std::string> prefix_of(const std::optional<Expression>& gen_prefix, const Json& document,
                              const std::string& place) {
  return gen_prefix ? gen_prefix->text(document, place) : Result<std::string>("");
}

Result<void> parse_into(const std::optional<YamlNode>& node, const std::string& key,
                        const std::vector<std::string>& columns, std::optional<Expression>& out) {
  if (!node) return {};
  Result<Expression> parsed = Expression::parse(*node, key, columns);
  if (!parsed) return forward_error(parsed);
  out = std::move(*parsed);
  return {};
}

}  // namespace

Result<DocumentText> DocumentText::parse(const Definition& definition,
                                         const std::vector<std::string>& columns) {
  DocumentText out;
  for (const auto& [node, key, expression] : {
           std::tuple{&definition.description, "description", &out.description},
           std::tuple{&definition.doc_to_text, "doc_to_text", &out.text},
           std::tuple{&definition.doc_to_target, "doc_to_target", &out.target},
           std::tuple{&definition.doc_to_choice, "doc_to_choice", &out.choice},
           std::tuple{&definition.gen_prefix, "gen_prefix", &out.gen_prefix},
           std::tuple{&definition.answer_prefix, "answer_prefix", &out.answer_prefix},
       }) {
    if (Result<void> parsed = parse_into(*node, key, columns, *expression); !parsed)
      return forward_error(parsed);
  }
  return out;
}

Result<void> DocumentText::parse_examples(const Definition& definition,
                                          const std::vector<std::string>& columns) {
  const ExampleText& examples = definition.examples;
  for (const auto& [node, key, expression] : {
           std::tuple{&examples.doc_to_text, "fewshot_config.doc_to_text", &example_text},
           std::tuple{&examples.doc_to_target, "fewshot_config.doc_to_target", &example_target},
           std::tuple{&examples.doc_to_choice, "fewshot_config.doc_to_choice", &example_choice},
           std::tuple{&examples.gen_prefix, "fewshot_config.gen_prefix", &example_prefix},
       }) {
    if (Result<void> parsed = parse_into(*node, key, columns, *expression); !parsed) return parsed;
  }
  return {};
}

PromptBuilder::PromptBuilder(const Definition& definition, const DocumentText& expressions, FewshotPool pool)
    : definition_(definition), expressions_(expressions), pool_(pool), random_(kFewshotSeed) {
  if (pool_.documents != nullptr) rendered_.resize(pool_.documents->rows.size());
}

Result<PromptText> PromptBuilder::prompt(const Json& document, const std::string& place) {
  PromptText out;
  out.system = definition_.system_instruction;
  if (expressions_.description) {
    Result<std::string> description = expressions_.description->text(document, place);
    if (!description) return forward_error(description);
    out.system = joined(std::move(out.system), *description, definition_.fewshot_delimiter);
  }
  Result<std::vector<size_t>> shots = draw(document);
  if (!shots) return forward_error(shots);
  for (const size_t row : *shots) {
    Result<const Example*> shot = example(row);
    if (!shot) return forward_error(shot);
    const auto& [question, delimiter, answer, end] = **shot;
    if (definition_.fewshot_as_multiturn) {
      out.turns.emplace_back(question, answer);
    } else {
      out.user.append(question).append(delimiter).append(answer).append(end);
    }
  }
  if (expressions_.choices_end_prompt) return out;
  Result<std::string> question = this->question(document, place);
  if (!question) return forward_error(question);
  Result<std::string> prefix = prefix_of(expressions_.gen_prefix, document, place);
  if (!prefix) return forward_error(prefix);
  out.prefix = std::move(*prefix);
  if (needs_delimiter(*question, out.prefix)) out.prefix_delimiter = definition_.target_delimiter;
  out.user += *question;
  return out;
}

Result<std::string> PromptBuilder::question(const Json& document, const std::string& place) const {
  if (!definition_.conversation) return expressions_.text->text(document, place);
  Result<std::vector<std::string>> turns = expressions_.text->texts(document, place);
  if (!turns) return forward_error(turns);
  return std::move(turns->front());
}

// As lm-evaluation-harness's samplers (api/samplers.py): one more is drawn where the document itself may be
// among them, and where copies of it were drawn too, the draw is repeated without any.
Result<std::vector<size_t>> PromptBuilder::draw(const Json& document) {
  const auto count = static_cast<size_t>(definition_.num_fewshot);
  // A conversation is its own example: the harness's option for all tasks of a run does not reach it.
  if (count == 0 || definition_.conversation) return std::vector<size_t>{};
  const std::vector<Json>& pool = pool_.documents->rows;
  const bool random = definition_.sampler == FewshotSampler::random;
  const size_t needed = count + (pool_.holds_eval_documents && random ? 1 : 0);
  const auto too_few = [&](size_t available) {
    return bad_input(
        pool_.documents->name, fmt::format("{} documents are too few for {} examples", available, count),
        fmt::format("at least {}", needed), "use a smaller num_fewshot or another fewshot_split");
  };
  if (pool.size() < needed) return too_few(pool.size());
  std::vector<size_t> drawn(pool.size());
  if (random) {
    drawn = random_.sample(pool.size(), needed);
  } else {
    for (size_t row = 0; row < pool.size(); ++row) drawn[row] = row;
  }
  std::vector<size_t> shots;
  for (const size_t row : drawn) {
    if (shots.size() == count) break;
    if (!pool_.holds_eval_documents || pool[row] != document) shots.push_back(row);
  }
  if (shots.size() == count) return shots;
  std::vector<size_t> others;
  for (size_t row = 0; row < pool.size(); ++row) {
    if (pool[row] != document) others.push_back(row);
  }
  if (!random || others.size() < count) return too_few(others.size());
  shots.clear();
  for (const size_t position : random_.sample(others.size(), count)) shots.push_back(others[position]);
  return shots;
}

Result<const PromptBuilder::Example*> PromptBuilder::example(size_t row) {
  if (!rendered_[row]) {
    Result<Example> made = render_example(pool_.documents->rows[row], pool_.documents->place(row));
    if (!made) return forward_error(made);
    rendered_[row] = std::move(*made);
  }
  return &*rendered_[row];
}

Result<std::string> PromptBuilder::example_question(const Json& document, const std::string& place) const {
  const Expression& text = expressions_.example_text ? *expressions_.example_text : *expressions_.text;
  if (!expressions_.choices_end_prompt) return text.text(document, place);
  Result<Json> index = text.target(document, place, true);
  if (!index) return forward_error(index);
  const Expression& choice =
      expressions_.example_choice ? *expressions_.example_choice : *expressions_.choice;
  return choice.choice_at(*index, document, place);
}

Result<std::string> PromptBuilder::example_answer(const Json& document, const std::string& place) const {
  const Expression& target =
      expressions_.example_target ? *expressions_.example_target : *expressions_.target;
  const std::optional<Expression>& choice =
      expressions_.example_choice ? expressions_.example_choice : expressions_.choice;
  Result<Json> found = target.target(document, place, choice.has_value());
  if (!found) return forward_error(found);
  const Json answer = found->is_array() && !found->empty() ? (*found)[0] : *found;
  if (choice && !expressions_.choices_end_prompt && answer.is_number_integer())
    return choice->choice_at(answer, document, place);
  // Without an answer the harness writes the question alone, with neither delimiter.
  const bool answered = !answer.is_null() && !answer.is_array();
  return answered ? python_text(answer) : std::string();
}

Result<PromptBuilder::Example> PromptBuilder::render_example(const Json& document,
                                                             const std::string& place) const {
  Example out;
  Result<std::string> question = example_question(document, place);
  if (!question) return forward_error(question);
  Result<std::string> answer = example_answer(document, place);
  if (!answer) return forward_error(answer);
  const std::optional<Expression>& gen_prefix =
      expressions_.example_prefix ? expressions_.example_prefix : expressions_.gen_prefix;
  Result<std::string> prefix = prefix_of(gen_prefix, document, place);
  if (!prefix) return forward_error(prefix);
  const bool answered = !answer->empty();
  const bool apart = prefix->empty() ? answered : needs_delimiter(*question, *prefix);
  if (apart) out.delimiter = definition_.examples.target_delimiter.value_or(definition_.target_delimiter);
  out.question = std::move(*question);
  out.answer = joined(*prefix, *answer, " ");
  if (answered) out.end = definition_.examples.fewshot_delimiter.value_or(definition_.fewshot_delimiter);
  return out;
}

}  // namespace sizeup
