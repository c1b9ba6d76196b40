#include "core/jinja/evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/jinja/builtins.h"
#include "core/jinja/filters.h"
#include "core/jinja/globals.h"
#include "core/jinja/loop.h"
#include "core/jinja/methods.h"
#include "core/jinja/operators.h"
#include "core/jinja/tests.h"

namespace sizeup::jinja {
namespace {

constexpr int64_t kOwnerSteps =
    16;  // a namespace or macro lives until the end: its memory costs more than a step

// Jinja2's name for an object in messages about it.
std::string object_name(const Value& value) {
  return value.is_none() ? "None" : type_name(value) + " object";
}

}  // namespace

class Evaluator::Nested {
 public:
  explicit Nested(Evaluator& evaluator) : evaluator_(evaluator) {
    if (++evaluator_.depth_ > kMaxCallDepth) {
      --evaluator_.depth_;
      fail("maximum recursion depth exceeded");
    }
  }
  ~Nested() { --evaluator_.depth_; }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  Evaluator& evaluator_;
};

Evaluator::Scoped::Scoped(Evaluator& evaluator) : Scoped(evaluator, std::make_shared<Scope>()) {
  evaluator_.scope_->parent = outer_;
}

Evaluator::Scoped::Scoped(Evaluator& evaluator, std::shared_ptr<Scope> scope)
    : evaluator_(evaluator), outer_(std::exchange(evaluator.scope_, std::move(scope))) {}

Evaluator::Evaluator(const TemplateSettings& settings, const Dict& variables)
    : settings_(settings),
      variables_(variables),
      limits_(settings.max_steps, settings.max_output_bytes),
      scope_(std::make_shared<Scope>()) {}

Evaluator::~Evaluator() {
  for (const auto& space : namespaces_) space->attributes = {};
  for (const auto& scope : captured_scopes_) scope->variables.clear();
}

std::string Evaluator::render(const Block& block) {
  BoundedText text(limits_);
  output_ = &text;
  execute(block);
  return text.take();
}

Value Evaluator::evaluate(const Expression& expression) {
  const Nested nested(*this);
  limits_.charge(1);
  line_ = expression.line;
  return expression.evaluate(*this);
}

Flow Evaluator::execute(const Block& block) {
  const Nested nested(*this);
  for (const StatementPtr& statement : block) {
    limits_.charge(1);
    line_ = statement->line;
    const Flow flow = statement->execute(*this);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Arguments Evaluator::evaluate(const CallArguments& arguments) {
  Arguments out;
  for (const auto& argument : arguments.positional) out.positional.push_back(evaluate(*argument));
  for (const auto& [name, argument] : arguments.keyword) out.keyword.emplace_back(name, evaluate(*argument));
  if (arguments.all_positional) {
    for (Value& value : take_items(evaluate(*arguments.all_positional), limits_)) {
      out.positional.push_back(std::move(value));
    }
  }
  if (arguments.all_keyword) {
    const Value more = evaluate(*arguments.all_keyword);
    if (more.dict() == nullptr) fail("the argument after ** must be a mapping");
    for (const auto& [key, value] : more.dict()->entries) {
      if (!key.is_string()) fail("keywords must be strings");
      out.keyword.emplace_back(key.text(), value);
    }
  }
  return out;
}

std::string Evaluator::capture(const std::function<void()>& write_body) {
  const Scoped scoped(*this);
  BoundedText text(limits_);
  BoundedText* outer = std::exchange(output_, &text);
  write_body();  // if it throws, the whole rendering ends
  output_ = outer;
  return text.take();
}

Value Evaluator::filter_block(const Expression& filters, const Value& text) {
  const auto& filter = dynamic_cast<const Filter&>(filters);
  const Value input = filter.input ? filter_block(*filter.input, text) : text;
  Arguments values = evaluate(filter.arguments);
  return apply_filter(filter.name, input, values);
}

Value Evaluator::lookup(const std::string& name) {
  for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
    const auto found = scope->variables.find(name);
    if (found != scope->variables.end()) return found->second;
  }
  if (const Value* variable = variables_.find(std::string_view(name))) return *variable;
  if (std::optional<Value> global = find_global(name, settings_)) return *global;
  return undefined(fmt::format("'{}' is undefined", name));
}

void Evaluator::set(const std::string& name, Value value) {
  scope_->variables[name] = std::move(value);
}

void Evaluator::assign(const Target& target, Value value) {
  if (target.is_tuple) {
    std::vector<Value> items = take_items(value, limits_);
    if (items.size() != target.parts.size()) {
      fail(fmt::format("{} values to unpack (expected {}, got {})",
                       items.size() < target.parts.size() ? "not enough" : "too many", target.parts.size(),
                       items.size()));
    }
    for (size_t i = 0; i < items.size(); ++i) assign(target.parts[i], std::move(items[i]));
  } else if (target.attribute.empty()) {
    set(target.name, std::move(value));
  } else {
    const Value space = lookup(target.name);
    if (space.name_space() == nullptr) fail("cannot assign attribute on non-namespace object");
    check_namespace_attribute(target.attribute, settings_);
    space.name_space()->attributes.set(Value(target.attribute), std::move(value));
  }
}

Value Evaluator::attribute(const Value& object, const std::string& name) {
  if (object.is_undefined()) fail_undefined(object);
  if (std::optional<Value> found = find_attribute(*this, object, name)) return *found;
  if (const Dict* dict = object.dict()) {
    if (const Value* value = dict->find(std::string_view(name))) return *value;
  }
  return undefined(fmt::format("'{}' has no attribute '{}'", object_name(object), name));
}

Value Evaluator::attribute_only(const Value& object, const std::string& name) {
  if (object.is_undefined()) fail_undefined(object);
  if (std::optional<Value> found = find_attribute(*this, object, name)) return *found;
  return undefined(fmt::format("'{}' has no attribute '{}'", object_name(object), name));
}

Value Evaluator::item(const Value& object, const Value& key) {
  if (object.is_undefined()) fail_undefined(object);
  if (std::optional<Value> found = find_item(object, key, limits_)) return *found;
  if (!key.is_string()) {
    if (key.is_undefined()) return undefined(fmt::format("{} has no element Undefined", object_name(object)));
    return undefined(fmt::format("{} has no element {}", object_name(object), to_repr(key, limits_)));
  }
  if (std::optional<Value> found = find_attribute(*this, object, key.text())) return *found;
  return undefined(fmt::format("'{}' has no attribute {}", object_name(object), to_repr(key, limits_)));
}

Value Evaluator::call(const Value& function, Arguments& arguments) {
  if (function.is_undefined()) fail_undefined(function);
  if (Function* callee = function.function()) {
    const Nested nested(*this);
    return callee->call(*this, arguments);
  }
  if (Loop* loop = function.loop()) {
    if (!loop->recurse) fail("The loop must have the 'recursive' marker to be called recursively.");
    if (arguments.positional.size() != 1 || !arguments.keyword.empty()) fail("loop() takes one iterable");
    return loop->recurse(arguments.positional[0]);
  }
  fail(fmt::format("'{}' object is not callable", type_name(function)));
}

Value Evaluator::apply_filter(const std::string& name, const Value& input, Arguments& arguments) {
  return invoke(require_filter(name), *this, input, arguments);
}

bool Evaluator::apply_test(const std::string& name, const Value& input, Arguments& arguments) {
  return truth(invoke(require_test(name), *this, input, arguments));
}

Value Evaluator::make_macro(const MacroBody& macro) {
  limits_.charge(kOwnerSteps);
  auto function = std::make_shared<Function>();
  function->name = macro.name;
  function->call = [&macro, definition = scope_](Evaluator& evaluator, Arguments& arguments) {
    return evaluator.call_macro(macro, definition, arguments);
  };
  if (captured_scopes_.empty() || captured_scopes_.back() != scope_) captured_scopes_.push_back(scope_);
  return function;
}

// Arguments become variables as jinja2.runtime.Macro.__call__ does it.
Value Evaluator::call_macro(const MacroBody& macro, const std::shared_ptr<Scope>& definition,
                            Arguments& arguments) {
  auto scope = std::make_shared<Scope>();
  scope->parent = definition;
  const Scoped scoped(*this, scope);
  const size_t count = macro.parameters.size();
  bool caller_is_parameter = false;
  for (size_t i = 0; i < count; ++i) {
    const Parameter& parameter = macro.parameters[i];
    caller_is_parameter = caller_is_parameter || parameter.name == "caller";
    if (i < arguments.positional.size()) {
      set(parameter.name, arguments.positional[i]);
      continue;
    }
    const auto given = std::find_if(arguments.keyword.begin(), arguments.keyword.end(),
                                    [&](const auto& keyword) { return keyword.first == parameter.name; });
    if (given != arguments.keyword.end()) {
      set(parameter.name, std::move(given->second));
      arguments.keyword.erase(given);
    } else if (parameter.default_value) {
      set(parameter.name, evaluate(*parameter.default_value));
    } else {
      set(parameter.name, undefined(fmt::format("parameter '{}' was not provided", parameter.name)));
    }
  }
  if (macro.uses_caller && !caller_is_parameter) {
    const auto given = std::find_if(arguments.keyword.begin(), arguments.keyword.end(),
                                    [](const auto& keyword) { return keyword.first == "caller"; });
    if (given != arguments.keyword.end()) {
      set("caller", std::move(given->second));
      arguments.keyword.erase(given);
    } else {
      set("caller", undefined("No caller defined"));
    }
  }
  if (macro.uses_kwargs) {
    std::vector<std::pair<Value, Value>> entries;
    for (auto& [name, value] : arguments.keyword) entries.emplace_back(Value(name), std::move(value));
    set("kwargs", make_dict(std::move(entries)));
  } else if (!arguments.keyword.empty()) {
    fail(fmt::format("macro '{}' takes no keyword argument '{}'", macro.name,
                     arguments.keyword.front().first));
  }
  if (macro.uses_varargs) {
    std::vector<Value> rest;
    for (size_t i = count; i < arguments.positional.size(); ++i) rest.push_back(arguments.positional[i]);
    set("varargs", make_tuple(std::move(rest)));
  } else if (arguments.positional.size() > count) {
    fail(fmt::format("macro '{}' takes not more than {} argument(s)", macro.name, count));
  }
  return capture([&] { execute(macro.body); });
}

Value Evaluator::make_namespace(Dict attributes) {
  limits_.charge(kOwnerSteps);
  namespaces_.push_back(std::make_shared<Namespace>(Namespace{std::move(attributes)}));
  return namespaces_.back();
}

// -- expressions

Value Name::evaluate(Evaluator& evaluator) const {
  return evaluator.lookup(name);
}

Value SequenceLiteral::evaluate(Evaluator& evaluator) const {
  std::vector<Value> values;
  values.reserve(items.size());
  for (const ExpressionPtr& item : items) values.push_back(evaluator.evaluate(*item));
  return make_sequence(kind, std::move(values));
}

Value DictLiteral::evaluate(Evaluator& evaluator) const {
  auto dict = std::make_shared<Dict>();
  for (const auto& [key, value] : entries) {
    Value evaluated_key = evaluator.evaluate(*key);
    dict->set(std::move(evaluated_key), evaluator.evaluate(*value));
  }
  return dict;
}

Value Attribute::evaluate(Evaluator& evaluator) const {
  return evaluator.attribute(evaluator.evaluate(*object), name);
}

Value Item::evaluate(Evaluator& evaluator) const {
  const Value container = evaluator.evaluate(*object);
  return evaluator.item(container, evaluator.evaluate(*key));
}

Value Slice::evaluate(Evaluator& evaluator) const {
  const auto part = [&](const ExpressionPtr& bound) { return bound ? evaluator.evaluate(*bound) : Value(); };
  const Value container = evaluator.evaluate(*object);
  const Value from = part(start);
  const Value to = part(stop);
  return slice_of(container, from, to, part(step), evaluator.limits());
}

Value Call::evaluate(Evaluator& evaluator) const {
  const Value callee = evaluator.evaluate(*function);
  Arguments values = evaluator.evaluate(arguments);
  return evaluator.call(callee, values);
}

Value Filter::evaluate(Evaluator& evaluator) const {
  require(input != nullptr, "a filter over a block is applied by its statement");
  const Value value = evaluator.evaluate(*input);
  Arguments values = evaluator.evaluate(arguments);
  return evaluator.apply_filter(name, value, values);
}

Value Test::evaluate(Evaluator& evaluator) const {
  const Value value = evaluator.evaluate(*input);
  Arguments values = evaluator.evaluate(arguments);
  return evaluator.apply_test(name, value, values);
}

Value Unary::evaluate(Evaluator& evaluator) const {
  const Value value = evaluator.evaluate(*operand);
  if (symbol == "not") return !truth(value);
  return unary_operator(symbol, value);
}

Value Binary::evaluate(Evaluator& evaluator) const {
  Value first = evaluator.evaluate(*left);
  if (symbol == "and") return truth(first) ? evaluator.evaluate(*right) : first;
  if (symbol == "or") return truth(first) ? first : evaluator.evaluate(*right);
  return binary_operator(symbol, first, evaluator.evaluate(*right), evaluator);
}

Value Concatenation::evaluate(Evaluator& evaluator) const {
  std::vector<Value> values;
  for (const ExpressionPtr& part : parts) values.push_back(evaluator.evaluate(*part));
  BoundedText text(evaluator.limits());
  for (const Value& value : values) text.append(to_text(value, evaluator.limits()));
  return text.take();
}

Value Comparison::evaluate(Evaluator& evaluator) const {
  Value left = evaluator.evaluate(*first);
  for (const auto& [symbol, operand] : rest) {
    Value right = evaluator.evaluate(*operand);
    if (!comparison_holds(symbol, left, right, evaluator.limits())) return false;
    left = std::move(right);
  }
  return true;
}

Value Conditional::evaluate(Evaluator& evaluator) const {
  if (truth(evaluator.evaluate(*condition))) return evaluator.evaluate(*then);
  if (otherwise) return evaluator.evaluate(*otherwise);
  return evaluator.undefined(fmt::format(
      "the inline if-expression on line {} evaluated to false and no else section was defined.", line));
}

// -- statements

Flow TextOutput::execute(Evaluator& evaluator) const {
  evaluator.write(text);
  return Flow::next;
}

Flow ExpressionOutput::execute(Evaluator& evaluator) const {
  evaluator.write(to_text(evaluator.evaluate(*expression), evaluator.limits()));
  return Flow::next;
}

Flow If::execute(Evaluator& evaluator) const {
  for (const auto& [condition, body] : branches) {
    if (truth(evaluator.evaluate(*condition))) return evaluator.execute(body);
  }
  return evaluator.execute(otherwise);
}

namespace {

// Makes and ends the "loop" object; what it captured would otherwise keep its scope alive for ever.
class LoopOwner {
 public:
  LoopOwner() : loop(std::make_shared<Loop>()) {}
  ~LoopOwner() {
    loop->accept = nullptr;
    loop->recurse = nullptr;
  }
  LoopOwner(const LoopOwner&) = delete;
  LoopOwner& operator=(const LoopOwner&) = delete;
  const std::shared_ptr<Loop> loop;
};

Flow run_loop(const For& statement, Evaluator& evaluator, const Value& iterable, int64_t depth0) {
  const LoopOwner owner;
  Loop& loop = *owner.loop;
  loop.depth0 = depth0;
  loop.source = take_items(iterable, evaluator.limits());
  const std::shared_ptr<Scope> outer = evaluator.scope();
  if (statement.condition) {
    loop.accept = [&statement, &evaluator, outer](const Value& item) {
      auto scope = std::make_shared<Scope>();
      scope->parent = outer;
      const Evaluator::Scoped scoped(evaluator, scope);
      evaluator.assign(statement.target, item);
      return truth(evaluator.evaluate(*statement.condition));
    };
  }
  if (statement.recursive) {
    loop.recurse = [&statement, &evaluator, outer, depth0](const Value& items) -> Value {
      const Evaluator::Scoped scoped(evaluator, outer);
      return evaluator.capture([&] { run_loop(statement, evaluator, items, depth0 + 1); });
    };
  }
  while (std::optional<Value> item = loop.advance()) {
    const Evaluator::Scoped scoped(evaluator);
    evaluator.set("loop", owner.loop);
    evaluator.assign(statement.target, std::move(*item));
    if (evaluator.execute(statement.body) == Flow::break_loop) break;
  }
  if (loop.index0 < 0) {
    const Evaluator::Scoped scoped(evaluator);
    return evaluator.execute(statement.otherwise);
  }
  return Flow::next;
}

}  // namespace

Flow For::execute(Evaluator& evaluator) const {
  return run_loop(*this, evaluator, evaluator.evaluate(*iterable), 0);
}

Flow Assignment::execute(Evaluator& evaluator) const {
  evaluator.assign(target, evaluator.evaluate(*value));
  return Flow::next;
}

Flow BlockAssignment::execute(Evaluator& evaluator) const {
  const Value text = evaluator.capture([this, &evaluator] { evaluator.execute(body); });
  evaluator.assign(target, filter ? evaluator.filter_block(*filter, text) : text);
  return Flow::next;
}

Flow With::execute(Evaluator& evaluator) const {
  std::vector<Value> values;
  for (const auto& [variable, expression] : variables) values.push_back(evaluator.evaluate(*expression));
  const Evaluator::Scoped scoped(evaluator);
  for (size_t i = 0; i < values.size(); ++i) evaluator.assign(variables[i].first, std::move(values[i]));
  return evaluator.execute(body);
}

Flow FilterBlock::execute(Evaluator& evaluator) const {
  const Value text = evaluator.capture([this, &evaluator] { evaluator.execute(body); });
  evaluator.write(to_text(evaluator.filter_block(*filter, text), evaluator.limits()));
  return Flow::next;
}

Flow MacroDefinition::execute(Evaluator& evaluator) const {
  evaluator.set(macro.name, evaluator.make_macro(macro));
  return Flow::next;
}

Flow CallBlock::execute(Evaluator& evaluator) const {
  const Value callee = evaluator.evaluate(*call->function);
  Arguments arguments = evaluator.evaluate(call->arguments);
  arguments.keyword.emplace_back("caller", evaluator.make_macro(caller));
  evaluator.write(to_text(evaluator.call(callee, arguments), evaluator.limits()));
  return Flow::next;
}

Flow Generation::execute(Evaluator& evaluator) const {
  const Evaluator::Scoped scoped(evaluator);
  return evaluator.execute(body);
}

}  // namespace sizeup::jinja
