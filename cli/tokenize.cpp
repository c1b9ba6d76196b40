// sizeup tokenize MODEL: texts to ids, or ids to texts. A vocabulary-only file will do.
#include <fmt/format.h>

#include <limits>
#include <memory>

#include "backends/engine/tokenizer/tokenizer.h"
#include "cli/json_lines.h"
#include "cli/model_files.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

struct TokenizeCommand {
  std::string model;
  std::string input = "-";
  bool decode = false;
  bool skip_special = false;
  bool offline = false;
  EncodeOptions options;
};

Result<Json> encode_line(const Tokenizer& tokenizer, const Json& line, const EncodeOptions& options) {
  auto text = string_member(line, "text");
  if (!text) return forward_error(text);
  const std::vector<Token> ids = tokenizer.encode(*text, options);
  Json result;
  result["ids"] = ids;
  result["pieces"] = Json::array();
  for (const Token id : ids) result["pieces"].push_back(tokenizer.piece(id));
  return result;
}

Result<Json> decode_line(const Tokenizer& tokenizer, const Json& line, bool skip_special) {
  const auto found = line.find("ids");
  if (found == line.end() || !found->is_array())
    return bad_input("", "\"ids\" is missing", "a list of token ids");
  std::vector<Token> ids;
  for (const Json& id : *found) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= tokenizer.vocabulary()) {
      return bad_input("", fmt::format("{} is no token id", to_line(id)),
                       fmt::format("whole numbers below {}", tokenizer.vocabulary()));
    }
    ids.push_back(id.get<Token>());
  }
  Json result;
  result["text"] = tokenizer.decode(ids, skip_special);
  return result;
}

Outcome tokenize(const TokenizeCommand& command) {
  auto lines = read_lines(command.input);
  if (!lines) return forward_error(lines);
  auto reference = local_reference(command.model, HubNeed::text, command.offline);
  if (!reference) return forward_error(reference);
  auto tokenizer = load_tokenizer(std::filesystem::path(reference->target));
  if (!tokenizer) return forward_error(tokenizer);

  OrderedLines output;
  for (size_t i = 0; i < lines->size(); ++i) {
    InputLine& line = (*lines)[i];
    Result<Json> result = !line.object     ? forward_error(line.object)
                          : command.decode ? decode_line(**tokenizer, *line.object, command.skip_special)
                                           : encode_line(**tokenizer, *line.object, command.options);
    if (!result) {
      output.put_error(i, line.id, result.error());
      continue;
    }
    Json answer;
    answer["id"] = line.id;
    answer.update(*result);
    output.put(i, answer);
  }
  return output.status();
}

}  // namespace

std::function<Outcome()> add_tokenize(CLI::App& app) {
  auto command = std::make_shared<TokenizeCommand>();
  app.add_option(
         "model", command->model,
         "Model reference; a vocabulary-only file, a tokenizer.json or a SentencePiece .model will do")
      ->required();
  app.add_option("--input", command->input,
                 "JSON lines {\"text\"}, or {\"ids\"} with --decode; - is standard input");
  app.add_flag("--decode", command->decode, "Ids to text");
  app.add_flag("--skip-special", command->skip_special, "With --decode: leave special tokens out");
  app.add_flag("--add-special,!--no-add-special", command->options.add_special,
               "Add BOS and EOS where the tokenizer's rule says so (default)");
  app.add_flag("--parse-special,!--no-parse-special", command->options.parse_special,
               "Special tokens in the text become tokens (default: they are text)");
  add_offline(app, command->offline);
  return [command] { return tokenize(*command); };
}

}  // namespace sizeup::cli
