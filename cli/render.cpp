// sizeup render: conversations through a model's chat template, or through a template file without a model.
#include <fmt/format.h>

#include <memory>

#include "backends/engine/tokenizer/tokenizer.h"
#include "cli/json_lines.h"
#include "cli/model_files.h"
#include "core/io/file.h"
#include "core/jinja/template.h"
#include "core/json/json.h"
#include "core/timing/utc_time.h"

namespace sizeup::cli {
namespace {

struct RenderCommand {
  std::string model;
  std::string input = "-";
  std::string template_file;
  std::string bos;
  std::string eos;
  std::string now;
  bool offline = false;
};

struct TemplateSource {
  std::string text;
  std::string name;
  std::string bos;
  std::string eos;
};

Result<TemplateSource> source_of_model(const std::string& model, bool offline) {
  auto reference = local_reference(model, HubNeed::text, offline);
  if (!reference) return forward_error(reference);
  auto checkpoint = open_text_part(reference->target);
  if (!checkpoint) return forward_error(checkpoint);
  auto tokenizer = load_tokenizer(**checkpoint);
  if (!tokenizer) return forward_error(tokenizer);
  const auto text = load_chat_template(**checkpoint);
  if (!text)
    return bad_input(model, "the model carries no chat template", {}, "give one with --template FILE");
  const SpecialTokens& special = (*tokenizer)->special();
  const auto piece = [&](const std::optional<Token>& token) {
    return token ? (*tokenizer)->decode(std::vector{*token}, false) : std::string();
  };
  return TemplateSource{*text, model, piece(special.bos), piece(special.eos)};
}

Outcome render(const RenderCommand& command) {
  if (command.model.empty() == command.template_file.empty()) {
    return usage_error("give either a model or --template FILE");
  }
  Result<TemplateSource> source = TemplateSource{};
  if (command.model.empty()) {
    auto text = read_file(command.template_file);
    if (!text) return forward_error(text);
    source = TemplateSource{*text, command.template_file, command.bos, command.eos};
  } else {
    source = source_of_model(command.model, command.offline);
    if (!source) return forward_error(source);
  }
  auto parsed = Template::parse(source->text, TemplateSettings::chat(command.now), source->name);
  if (!parsed) return forward_error(parsed);
  auto lines = read_lines(command.input);
  if (!lines) return forward_error(lines);

  OrderedLines output;
  for (size_t i = 0; i < lines->size(); ++i) {
    InputLine& line = (*lines)[i];
    if (!line.object) {
      output.put_error(i, line.id, line.object.error());
      continue;
    }
    Json variables = *line.object;
    variables.erase("id");
    // A line's own tokens win, as arguments do in transformers.
    if (!variables.contains("bos_token")) variables["bos_token"] = source->bos;
    if (!variables.contains("eos_token")) variables["eos_token"] = source->eos;
    auto text = parsed->render(variables);
    if (!text) {
      output.put_error(i, line.id, text.error());
      continue;
    }
    Json answer;
    answer["id"] = line.id;
    answer["text"] = *text;
    output.put(i, answer);
  }
  return output.status();
}

}  // namespace

std::function<Outcome()> add_render(CLI::App& app) {
  auto command = std::make_shared<RenderCommand>();
  command->now = utc_now();
  app.add_option("model", command->model, "Model reference");
  app.add_option("--template", command->template_file, "A Jinja file instead of a model's template");
  app.add_option("--bos", command->bos, "bos_token for --template");
  app.add_option("--eos", command->eos, "eos_token for --template");
  app.add_option("--now", command->now, "What the template sees as the current time, ISO-8601");
  app.add_option("--input", command->input,
                 "JSON lines {\"messages\", \"tools\", \"add_generation_prompt\", ...}; - is standard input");
  add_offline(app, command->offline);
  return [command] { return render(*command); };
}

}  // namespace sizeup::cli
