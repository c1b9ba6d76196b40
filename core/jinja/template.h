// Jinja templates as chat templates and task prompts use them, with Jinja2's semantics (3.1) under the
// settings of Hugging Face transformers. A template is hostile input: depth, size and steps are limited.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/errors/result.h"
#include "core/json/json_fwd.h"

namespace sizeup {

struct TemplateSettings {
  bool trim_blocks = false;           // chat templates: true
  bool lstrip_blocks = false;         // chat templates: true
  bool keep_trailing_newline = true;  // chat templates: false, task prompts: true
  bool chat_globals = false;          // raise_exception, strftime_now and transformers' tojson
  std::string now;                    // ISO-8601 time that strftime_now sees
  int64_t max_steps = 10'000'000;     // evaluation steps before the template is refused
  size_t max_output_bytes = 64u << 20;

  static TemplateSettings chat(std::string now_iso8601);
  static TemplateSettings prompt();
};

// A parsed template; render() is const and may be called from several threads.
class Template {
 public:
  // Errors: "file:LINE: message"; what this implementation lacks says "not supported yet".
  static Result<Template> parse(std::string_view source, const TemplateSettings& settings, std::string name);

  // variables: an object. Undefined names are errors (StrictUndefined) except under tests, default() and `is
  // defined` — as Jinja2 with StrictUndefined for prompts, and with plain Undefined for chat templates.
  Result<std::string> render(const Json& variables) const;

  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

 private:
  struct Body;
  explicit Template(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace sizeup
