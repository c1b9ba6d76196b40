// Runs a parsed template: scopes, output, attribute and item access, calls.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/jinja/ast.h"
#include "core/jinja/limits.h"
#include "core/jinja/template.h"
#include "core/jinja/value.h"

namespace sizeup::jinja {

// Names set by one loop iteration, macro call or block; the outermost one is the template's own.
struct Scope {
  std::unordered_map<std::string, Value> variables;
  std::shared_ptr<Scope> parent;
};

// One rendering.
class Evaluator {
 public:
  Evaluator(const TemplateSettings& settings, const Dict& variables);
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  std::string render(const Block& block);
  int line() const { return line_; }  // being evaluated: for errors

  const TemplateSettings& settings() const { return settings_; }
  Limits& limits() { return limits_; }
  bool is_strict() const { return !settings_.chat_globals; }
  Value undefined(std::string message) const { return make_undefined(std::move(message), is_strict()); }

  Value evaluate(const Expression& expression);
  Flow execute(const Block& block);
  Arguments evaluate(const CallArguments& arguments);

  void write(std::string_view text) { output_->append(text); }
  // The text that `write_body` writes, in a scope of its own.
  std::string capture(const std::function<void()>& write_body);
  // A chain of filters whose innermost input is `text`.
  Value filter_block(const Expression& filters, const Value& text);

  Value lookup(const std::string& name);
  void set(const std::string& name, Value value);
  void assign(const Target& target, Value value);

  Value attribute(const Value& object, const std::string& name);  // object.name
  // object.name without the fallback to object["name"].
  Value attribute_only(const Value& object, const std::string& name);
  Value item(const Value& object, const Value& key);  // object[key]
  Value call(const Value& function, Arguments& arguments);
  Value apply_filter(const std::string& name, const Value& input, Arguments& arguments);
  bool apply_test(const std::string& name, const Value& input, Arguments& arguments);

  // Sets `scope` (or a new one inside the current one) while in being.
  class Scoped {
   public:
    explicit Scoped(Evaluator& evaluator);
    Scoped(Evaluator& evaluator, std::shared_ptr<Scope> scope);
    ~Scoped() { evaluator_.scope_ = std::move(outer_); }
    Scoped(const Scoped&) = delete;
    Scoped& operator=(const Scoped&) = delete;

   private:
    Evaluator& evaluator_;
    std::shared_ptr<Scope> outer_;
  };
  const std::shared_ptr<Scope>& scope() const { return scope_; }

  // A function that runs a macro's body in the current scope. `macro` must outlive the rendering.
  Value make_macro(const MacroBody& macro);
  Value make_namespace(Dict attributes);

 private:
  // Counts nested evaluation while in being.
  class Nested;
  Value call_macro(const MacroBody& macro, const std::shared_ptr<Scope>& definition, Arguments& arguments);

  const TemplateSettings& settings_;
  const Dict& variables_;
  Limits limits_;
  std::shared_ptr<Scope> scope_;
  BoundedText* output_ = nullptr;
  int depth_ = 0;
  int line_ = 0;
  // Owners of possible reference cycles, emptied at the end.
  std::vector<std::shared_ptr<Scope>> captured_scopes_;
  std::vector<std::shared_ptr<Namespace>> namespaces_;
};

}  // namespace sizeup::jinja
