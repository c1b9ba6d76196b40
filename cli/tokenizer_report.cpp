#include "cli/tokenizer_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <vector>

#include "cli/table.h"
#include "core/json/json.h"
#include "core/text/utf8.h"

namespace sizeup::cli {
namespace {

// A conversation's shortest message: what it is does not matter, only what the template adds.
constexpr const char* kMessage = "Hello";

double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? std::nan("") : static_cast<double>(part) / static_cast<double>(whole);
}

// Tokens that the chat template adds to a conversation of one message; null without one that renders it.
Json template_tokens(const TextModel& model) {
  const auto rendered = model.render(std::vector<ChatMessage>{{"user", kMessage}});
  if (!model.has_chat_template() || !rendered) return nullptr;
  const size_t all = model.encode(rendered->text, true, true).size();
  const size_t message = model.encode(kMessage, false, false).size();
  return static_cast<int64_t>(all) - static_cast<int64_t>(message);
}

Json model_to_json(const ComparedTokenizer& compared) {
  const Tokenizer& tokenizer = compared.model.tokenizer();
  Json json = {{"name", compared.name}, {"tokenizer", tokenizer_to_json(tokenizer)}};
  json["context_length"] = compared.context_length ? Json(*compared.context_length) : Json(nullptr);
  json["added_tokens"] = tokenizer.encode("", {.add_special = true, .parse_special = false}).size();
  json["has_chat_template"] = compared.chat_template.has_value();
  json["template_tokens"] = template_tokens(compared.model);
  return json;
}

Json counts_to_json(const TextTokens& counts) {
  Json json = {{"texts", counts.texts}, {"characters", counts.characters}, {"words", counts.words}};
  json["tokens"] = counts.tokens;
  const auto [first, second] = counts.tokens;
  json["tokens_per_word"] = {ratio(first, counts.words), ratio(second, counts.words)};
  json["tokens_per_character"] = {ratio(first, counts.characters), ratio(second, counts.characters)};
  json["ratio"] = ratio(second, first);
  return json;
}

// A part of a word may be a part of a character.
std::string shown_parts(const std::vector<std::string>& parts) {
  std::vector<std::string> shown;
  for (const std::string& part : parts) shown.push_back(replace_invalid_utf8(part));
  return fmt::format("{}", fmt::join(shown, "|"));
}

Json words_to_json(const CutWords& words) {
  Json json = {{"count", words.words},
               {"cut_differently", words.cut_differently},
               {"share_cut_differently", ratio(words.cut_differently, words.words)},
               {"more_parts", words.more_parts},
               {"fewer_parts", words.fewer_parts},
               {"distinct", words.distinct},
               {"distinct_cut_differently", words.distinct_cut_differently}};
  json["examples"] = Json::array();
  for (const CutWord& word : words.examples) {
    json["examples"].push_back({{"word", word.word},
                                {"count", word.count},
                                {"parts", {shown_parts(word.parts[0]), shown_parts(word.parts[1])}}});
  }
  return json;
}

Json overlap_to_json(const VocabularyOverlap& overlap) {
  Json json = {{"tokens", overlap.tokens}, {"common", overlap.common}};
  json["share_common"] = {ratio(overlap.common, overlap.tokens[0]), ratio(overlap.common, overlap.tokens[1])};
  return json;
}

std::string compared_templates(const std::array<const ComparedTokenizer*, 2>& models) {
  const auto& [first, second] = models;
  if (first->chat_template == second->chat_template) return first->chat_template ? "the same" : "none";
  if (!first->chat_template || !second->chat_template)
    return fmt::format("only of {}", first->chat_template ? first->name : second->name);
  return "different";
}

std::string percent(double share, int decimals = 1) {
  return std::isnan(share) ? "none" : fmt::format("{:.{}f} %", 100 * share, decimals);
}

// "8.4 % fewer"
std::string change(double factor, const char* more, const char* less) {
  return fmt::format("{} {}", percent(std::abs(factor - 1)), factor < 1 ? less : more);
}

// Numbers of JSON are null where a share of nothing was asked for.
double number_of(const Json& value) {
  return value.is_number() ? value.get<double>() : std::nan("");
}

std::string cell(const Json& value) {
  if (value.is_null()) return "none";
  return value.is_string() ? value.get<std::string>() : to_line(value);
}

// Of a text that may be long, or hold what a terminal would obey.
std::string shown_text(const Json& value) {
  constexpr size_t kLongest = 60;  // code points: two of these stand side by side
  const auto text = value.get<std::string>();
  std::string shown;
  size_t count = 0;
  for (size_t at = 0; at < text.size(); ++count) {
    const CodePoint point = decode_utf8(std::string_view(text).substr(at)).value_or(CodePoint{0xFFFD, 1});
    at += point.bytes;
    if (count == kLongest) return shown + "…";
    const bool control = point.value < 0x20 || (point.value >= 0x7F && point.value < 0xA0);
    append_utf8(shown, control ? 0xFFFD : point.value);
  }
  return shown;
}

std::string facts_to_text(const Json& report) {
  const Json& models = report["models"];
  Table table({"", cell(models[0]["name"]), cell(models[1]["name"])});
  const auto add = [&](const std::string& name, const Json& first, const Json& second) {
    table.add({name, cell(first), cell(second)});
  };
  for (const auto& [key, value] : models[0]["tokenizer"].items())
    add(key, value, models[1]["tokenizer"][key]);
  add("tokens added to a plain text", models[0]["added_tokens"], models[1]["added_tokens"]);
  add("tokens added by the template", models[0]["template_tokens"], models[1]["template_tokens"]);
  add("context", models[0]["context_length"], models[1]["context_length"]);
  return fmt::format("{}chat template: {}\n", table.to_text(), cell(report["chat_template"]));
}

std::string counts_to_text(const Json& report) {
  const std::string first = cell(report["models"][0]["name"]), second = cell(report["models"][1]["name"]);
  Table table({"texts of", "count", "words", first + ": tokens", "per word", "per character",
               second + ": tokens", "per word", "per character", "ratio"});
  const auto add = [&](const std::string& name, const Json& counts) {
    std::vector<std::string> cells = {name, cell(counts["texts"]), cell(counts["words"])};
    for (const size_t side : {0, 1}) {
      cells.push_back(cell(counts["tokens"][side]));
      cells.push_back(number(number_of(counts["tokens_per_word"][side]), 3));
      cells.push_back(number(number_of(counts["tokens_per_character"][side]), 3));
    }
    cells.push_back(number(number_of(counts["ratio"]), 3));
    table.add(std::move(cells));
  };
  add("all", report["all"]);
  for (const auto& [slice, counts] : report["slices"].items()) add(shown_text(slice), counts);
  return table.to_text();
}

std::string words_to_text(const Json& report) {
  const Json& words = report["words"];
  std::string text = fmt::format("words cut differently: {} of {} ({} of {} spellings)\n",
                                 percent(number_of(words["share_cut_differently"])), cell(words["count"]),
                                 cell(words["distinct_cut_differently"]), cell(words["distinct"]));
  if (words["examples"].empty()) return text;
  Table table({"word", "times", cell(report["models"][0]["name"]), cell(report["models"][1]["name"])});
  for (const Json& word : words["examples"]) {
    table.add({shown_text(word["word"]), cell(word["count"]), shown_text(word["parts"][0]),
               shown_text(word["parts"][1])});
  }
  return text + table.to_text();
}

std::string overlap_to_text(const Json& report) {
  const Json& overlap = report["vocabulary"];
  return fmt::format("vocabulary: {} tokens are common, {} of {}'s {} and {} of {}'s {}\n",
                     cell(overlap["common"]), percent(number_of(overlap["share_common"][0])),
                     cell(report["models"][0]["name"]), cell(overlap["tokens"][0]),
                     percent(number_of(overlap["share_common"][1])), cell(report["models"][1]["name"]),
                     cell(overlap["tokens"][1]));
}

// What the ratio comes from, and what it does to price and context.
std::string meaning_to_text(const Json& report) {
  const Json& models = report["models"];
  const std::string second = cell(models[1]["name"]);
  const double factor = number_of(report["all"]["ratio"]);
  const Json& words = report["words"];
  const int64_t count = words["count"];
  std::string text = fmt::format(
      "the same text is {} tokens with {}, which cuts {} of the words into more parts "
      "and {} into fewer\n",
      change(factor, "more", "fewer"), second, percent(ratio(words["more_parts"], count)),
      percent(ratio(words["fewer_parts"], count)));
  text += fmt::format("at equal prices of a token it costs {}; an equal context holds {} text\n",
                      change(factor, "more", "less"), change(1 / factor, "more", "less"));
  for (const size_t side : {0, 1}) {
    if (models[side]["context_length"].is_null()) continue;
    const double per_word = number_of(report["all"]["tokens_per_word"][side]);
    text += fmt::format("{}'s context of {} tokens holds about {:.0f} words of this text\n",
                        cell(models[side]["name"]), cell(models[side]["context_length"]),
                        number_of(models[side]["context_length"]) / per_word);
  }
  return text;
}

}  // namespace

Json tokenizer_to_json(const Tokenizer& tokenizer) {
  const SpecialTokens& special = tokenizer.special();
  const auto piece = [&](const std::optional<Token>& token) {
    return token ? Json(tokenizer.piece(*token)) : Json(nullptr);
  };
  Json json = {{"kind", tokenizer.kind()}, {"vocabulary", tokenizer.vocabulary()}};
  json["bos"] = piece(special.bos);
  json["eos"] = piece(special.eos);
  json["end_of_generation"] = Json::array();
  for (const Token token : special.end_of_generation)
    json["end_of_generation"].push_back(tokenizer.piece(token));
  json["add_bos"] = special.add_bos;
  json["add_eos"] = special.add_eos;
  return json;
}

Json tokenizers_to_json(const std::array<const ComparedTokenizer*, 2>& models,
                        const TextComparison& comparison, const VocabularyOverlap& overlap) {
  Json report;
  report["models"] = {model_to_json(*models[0]), model_to_json(*models[1])};
  report["chat_template"] = compared_templates(models);
  report["all"] = counts_to_json(comparison.all);
  report["slices"] = Json::object();
  for (const auto& [slice, counts] : comparison.slices) report["slices"][slice] = counts_to_json(counts);
  report["words"] = words_to_json(comparison.words);
  report["vocabulary"] = overlap_to_json(overlap);
  return report;
}

std::string tokenizers_to_text(const Json& report) {
  return fmt::format("{}\n{}\n{}\n{}\n{}", facts_to_text(report), counts_to_text(report),
                     words_to_text(report), overlap_to_text(report), meaning_to_text(report));
}

}  // namespace sizeup::cli
