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

PromptBuilder::PromptBuilder(const Definition& definition, const DocumentText& expressions, FewshotPool pool)
    : definition_(definition), expressions_(expressions), pool_(pool), random_(kFewshotSeed) {
  if (pool_.documents != nullptr) rendered_.resize(pool_.documents->rows.size());
}

Result<PromptText> PromptBuilder::prompt(const Json& document, const std::string& place) {
  PromptText out;
  if (expressions_.description) {
    Result<std::string> description = expressions_.description->text(document, place);
    if (!description) return forward_error(description);
    out.system = std::move(*description);
  }
  Result<std::vector<size_t>> shots = draw(document);
  if (!shots) return forward_error(shots);
  for (const size_t row : *shots) {
    Result<std::string> shot = example(row);
    if (!shot) return forward_error(shot);
    out.user += *shot;
  }
  Result<std::string> question = expressions_.text->text(document, place);
  if (!question) return forward_error(question);
  Result<std::string> prefix = prefix_of(document, place);
  if (!prefix) return forward_error(prefix);
  out.prefix = std::move(*prefix);
  if (needs_delimiter(*question, out.prefix)) out.prefix_delimiter = definition_.target_delimiter;
  out.user += *question;
  return out;
}

Result<std::string> PromptBuilder::prefix_of(const Json& document, const std::string& place) const {
  return expressions_.gen_prefix ? expressions_.gen_prefix->text(document, place) : Result<std::string>("");
}

// As lm-evaluation-harness's samplers (api/samplers.py): one more is drawn where the document itself may be
// among them, and where copies of it were drawn too, the draw is repeated without any.
Result<std::vector<size_t>> PromptBuilder::draw(const Json& document) {
  const auto count = static_cast<size_t>(definition_.num_fewshot);
  if (count == 0) return std::vector<size_t>{};
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

Result<std::string> PromptBuilder::example(size_t row) {
  if (rendered_[row]) return *rendered_[row];
  const Json& document = pool_.documents->rows[row];
  const std::string place = pool_.documents->place(row);
  Result<std::string> out = expressions_.text->text(document, place);
  if (!out) return out;
  Result<Json> target = expressions_.target->target(document, place, expressions_.choice.has_value());
  if (!target) return forward_error(target);
  Json answer = target->is_array() && !target->empty() ? (*target)[0] : *target;
  if (expressions_.choice && answer.is_number_integer()) {
    Result<std::vector<std::string>> choices = expressions_.choice->choices(document, place);
    if (!choices) return forward_error(choices);
    const auto index = answer.get<int64_t>();
    if (index < 0 || index >= static_cast<int64_t>(choices->size())) {
      return bad_input(place, fmt::format("the target {} is no index of a choice", index),
                       fmt::format("0 to {}", choices->size() - 1));
    }
    answer = (*choices)[static_cast<size_t>(index)];
  }
  // Without an answer the harness writes the question alone, with neither delimiter.
  const bool answered = !answer.is_null() && !answer.is_array() && answer != "";
  const std::string written = answered ? python_text(answer) : std::string();
  Result<std::string> prefix = prefix_of(document, place);
  if (!prefix) return prefix;
  const bool apart = prefix->empty() ? answered : needs_delimiter(*out, *prefix);
  if (apart) *out += definition_.target_delimiter;
  *out += *prefix;
  if (needs_delimiter(*prefix, written)) *out += " ";
  *out += written;
  if (answered) *out += definition_.fewshot_delimiter;
  rendered_[row] = *out;
  return out;
}

}  // namespace sizeup
