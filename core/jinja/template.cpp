#include "core/jinja/template.h"

#include <fmt/format.h>

#include "core/jinja/evaluator.h"
#include "core/jinja/parser.h"
#include "core/json/json.h"
#include "core/text/utf8.h"

namespace sizeup {

struct Template::Body {
  TemplateSettings settings;
  std::string name;
  jinja::Block block;
};

TemplateSettings TemplateSettings::chat(std::string now_iso8601) {
  TemplateSettings settings;
  settings.trim_blocks = true;
  settings.lstrip_blocks = true;
  settings.keep_trailing_newline = false;
  settings.chat_globals = true;
  settings.now = std::move(now_iso8601);
  return settings;
}

TemplateSettings TemplateSettings::prompt() {
  return {};
}

Result<Template> Template::parse(std::string_view source, const TemplateSettings& settings,
                                 std::string name) {
  if (source.size() > jinja::kMaxSourceBytes) {
    return bad_input(name, fmt::format("the template has {} bytes", source.size()),
                     fmt::format("at most {} bytes", jinja::kMaxSourceBytes));
  }
  if (!is_valid_utf8(source)) return bad_input(name, "the template is not valid UTF-8");
  try {
    auto body = std::make_unique<Body>(Body{settings, name, jinja::parse_template(source, settings)});
    return Template(std::move(body));
  } catch (const jinja::TemplateError& error) {
    return bad_input(fmt::format("{}:{}", name, error.line), error.what(), "a Jinja template");
  }
}

Result<std::string> Template::render(const Json& variables) const {
  if (!variables.is_object()) return bad_input(body_->name, "the template's variables are not a JSON object");
  int line = 0;
  try {
    const jinja::Value converted = jinja::from_json(variables);
    jinja::Evaluator evaluator(body_->settings, *converted.dict());
    try {
      return evaluator.render(body_->block);
    } catch (const jinja::TemplateError& error) {
      line = error.line > 0 ? error.line : evaluator.line();
      throw;
    }
  } catch (const jinja::TemplateError& error) {
    return bad_input(fmt::format("{}:{}", body_->name, line), error.what());
  }
}

Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;
Template::Template(std::unique_ptr<Body> body) : body_(std::move(body)) {}

}  // namespace sizeup
