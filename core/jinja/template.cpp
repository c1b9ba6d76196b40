#include "core/jinja/template.h"

#include "core/json/json.h"

namespace sizeup {

struct Template::Body {
  std::string source;
  std::string name;
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

Result<Template> Template::parse(std::string_view source, const TemplateSettings&, std::string name) {
  auto body = std::make_unique<Body>();
  body->source = source;
  body->name = std::move(name);
  return Template(std::move(body));
}

Result<std::string> Template::render(const Json& variables) const {
  std::string out;
  std::string_view rest = body_->source;
  while (true) {
    const size_t open = rest.find("{{");
    out += rest.substr(0, open);
    if (open == std::string_view::npos) return out;
    const size_t close = rest.find("}}", open);
    std::string key(rest.substr(open + 2, close - open - 2));
    key.erase(0, key.find_first_not_of(' '));
    key.erase(key.find_last_not_of(' ') + 1);
    if (!variables.contains(key)) return bad_input(body_->name, "'" + key + "' is undefined");
    const Json& value = variables[key];
    out += value.is_string() ? value.get<std::string>() : to_line(value);
    rest.remove_prefix(close + 2);
  }
}

Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;
Template::Template(std::unique_ptr<Body> body) : body_(std::move(body)) {}

}  // namespace sizeup
