#include "harness/run/protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <numeric>

namespace sizeup {
namespace {

// Room for the longest choices of the usual sets; the answer ends at the first line break anyway.
constexpr int kMaxChoiceTokens = 64;
// As many as OpenAI's interface gives: every letter of a usual question is among them.
constexpr int kFirstTokens = 20;
// What tokens that begin several names may weigh: a probability is off by no more than that.
constexpr double kMostUnclear = 0.01;

bool needs_scores(const TaskKind& task) {
  return task.output_type != OutputType::generate_until;
}

tl::unexpected<Error> lacks(const ModelCard& model, const char* what, const TaskKind& task,
                            const char* hint) {
  return unavailable(model.name, fmt::format("cannot {}, which task '{}' needs", what, task.name), hint);
}

Result<Protocol> check_likelihood(std::span<const ModelCard* const> models, std::span<const TaskKind> tasks) {
  for (const TaskKind& task : tasks) {
    for (const ModelCard* model : models) {
      if (needs_scores(task) && !model->can_score) {
        return lacks(*model, "score given texts", task,
                     "ask all models for written answers with --protocol generative");
      }
      if (!needs_scores(task) && !model->can_generate)
        return lacks(*model, "generate", task, "leave this task out");
    }
  }
  return Protocol::likelihood;
}

Result<Protocol> check_generative(std::span<const ModelCard* const> models, std::span<const TaskKind> tasks) {
  for (const TaskKind& task : tasks) {
    if (needs_scores(task) && task.output_type != OutputType::multiple_choice) {
      return usage_error(fmt::format("task '{}' scores given texts and has no written form", task.name),
                         "run it with --protocol likelihood and models that can score");
    }
    for (const ModelCard* model : models) {
      if (!model->can_generate) return lacks(*model, "generate", task, "use --protocol likelihood");
    }
  }
  return Protocol::generative;
}

std::string_view trimmed(std::string_view text) {
  const auto outside = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isspace(byte) != 0 || std::ispunct(byte) != 0;
  };
  while (!text.empty() && outside(text.front())) text.remove_prefix(1);
  while (!text.empty() && outside(text.back())) text.remove_suffix(1);
  return text;
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0 || c == '_';
}

bool occurs_as_word(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !word_byte(text[at - 1])) && (end == text.size() || !word_byte(text[end]))) return true;
  }
  return false;
}

// A single letter must match in case: "a good reason" does not name choice A.
bool begins_with_word(std::string_view text, std::string_view word) {
  if (text.size() <= word.size() || word_byte(text[word.size()])) return false;
  const std::string_view start = text.substr(0, word.size());
  return word.size() == 1 ? start == word : same_ignoring_case(start, word);
}

// Whether a token is the beginning of a name.
bool begins_name(std::string_view token, std::string_view name) {
  if (token.empty() || token.size() > name.size()) return false;
  return name.size() == 1 ? token == name : same_ignoring_case(token, name.substr(0, token.size()));
}

// Which names an answer's first token may stand for.
std::vector<size_t> names_of(std::string_view token, std::span<const std::string> names) {
  std::vector<size_t> out;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string_view name = trimmed(names[i]);
    if (name.empty()) continue;
    if (begins_name(trimmed(token), name) || begins_with_word(trimmed(token), name)) out.push_back(i);
  }
  return out;
}

}  // namespace

const char* name_of(Protocol protocol) {
  return protocol == Protocol::likelihood ? "likelihood" : "generative";
}

Result<Protocol> choose_protocol(ProtocolChoice choice, std::span<const ModelCard* const> models,
                                 std::span<const TaskKind> tasks) {
  if (choice == ProtocolChoice::likelihood) return check_likelihood(models, tasks);
  if (choice == ProtocolChoice::generative) return check_generative(models, tasks);
  const bool all_score =
      std::all_of(models.begin(), models.end(), [](const ModelCard* m) { return m->can_score; });
  const bool scores_wanted = std::any_of(tasks.begin(), tasks.end(), needs_scores);
  return all_score || !scores_wanted ? check_likelihood(models, tasks) : check_generative(models, tasks);
}

Protocol protocol_of(OutputType output_type, Protocol run_protocol) {
  return output_type == OutputType::generate_until ? Protocol::generative : run_protocol;
}

WrittenQuestion written_question(const Sample& sample) {
  constexpr size_t kLetters = 26;
  WrittenQuestion out{sample.prompt, {}};
  std::vector<std::string> options;
  bool shown = true;
  for (const Ask& ask : sample.asks) {
    const auto& score = std::get<AskScore>(ask);
    const std::string& choice = choice_of(score);
    out.names.push_back(choice);
    options.push_back(score.context ? choice + score.delimiter + score.continuation : choice);
    const std::string_view word = trimmed(choice);
    const bool letter = word.size() == 1 && std::isalpha(static_cast<unsigned char>(word[0])) != 0;
    const bool seen =
        letter || occurs_as_word(out.prompt.user, word) || occurs_as_word(out.prompt.system, word);
    shown = shown && seen && !score.context;
  }
  if (shown || options.size() > kLetters) return out;
  std::string below = out.prompt.user.empty() ? "" : "\n\n";
  for (size_t i = 0; i < options.size(); ++i) {
    out.names[i] = std::string(1, static_cast<char>('A' + i));
    below += out.names[i] + ". " + options[i] + "\n";
  }
  out.prompt.user += below + "The letter of the right answer:";
  // What the task begins its answers with leads to a choice's text, not to a letter.
  out.prompt.prefix_delimiter.clear();
  out.prompt.prefix.clear();
  return out;
}

AskGenerate written_choice() {
  AskGenerate ask;
  ask.max_tokens = kMaxChoiceTokens;
  ask.stop = {"\n"};
  ask.top_logprobs = kFirstTokens;
  return ask;
}

std::optional<size_t> named_choice(std::string_view answer, std::span<const std::string> choices) {
  const std::string_view text = trimmed(answer);
  std::optional<size_t> longest;
  for (size_t i = 0; i < choices.size(); ++i) {
    const std::string_view choice = trimmed(choices[i]);
    if (choice.empty()) continue;
    if (same_ignoring_case(text, choice)) return i;
    if (begins_with_word(text, choice) && (!longest || choice.size() > trimmed(choices[*longest]).size()))
      longest = i;
  }
  if (longest) return longest;
  std::optional<size_t> only;
  for (size_t i = 0; i < choices.size(); ++i) {
    const std::string_view choice = trimmed(choices[i]);
    if (choice.empty() || !occurs_as_word(text, choice)) continue;
    if (only) return std::nullopt;
    only = i;
  }
  return only;
}

double named_probability(std::span<const std::pair<std::string, double>> first_tokens,
                         std::span<const std::string> names, size_t chosen) {
  std::vector<double> weights(names.size());
  double unclear = 0.0;
  for (const auto& [token, logprob] : first_tokens) {
    const std::vector<size_t> named = names_of(token, names);
    if (named.size() == 1) weights[named.front()] += std::exp(logprob);
    if (named.size() > 1) unclear += std::exp(logprob);
  }
  const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
  const auto first = std::ranges::max_element(first_tokens, {}, &std::pair<std::string, double>::second);
  const bool begins_with_chosen =
      first != first_tokens.end() && names_of(first->first, names) == std::vector<size_t>{chosen};
  return begins_with_chosen && unclear <= kMostUnclear * all ? weights[chosen] / all
                                                             : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace sizeup
