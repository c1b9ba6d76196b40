#include "core/jinja/expression_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace sizeup::jinja {
namespace {

constexpr std::string_view kComparisons[] = {"==", "!=", "<", "<=", ">", ">="};

// Makes the node at least one deeper than this child.
void grow(Expression& node, const Expression* child) {
  if (child == nullptr) return;
  node.depth = std::max(node.depth, child->depth + 1);
  if (node.depth > kMaxTreeDepth) fail("an expression is nested too deeply", node.line);
}
void grow(Expression& node, const CallArguments& arguments) {
  for (const auto& argument : arguments.positional) grow(node, argument.get());
  for (const auto& argument : arguments.keyword) grow(node, argument.second.get());
  grow(node, arguments.all_positional.get());
  grow(node, arguments.all_keyword.get());
}

// The node, once the depth of these children is counted.
template <class Node, class... Children>
ExpressionPtr finish(std::unique_ptr<Node>& node, const Children&... children) {
  (grow(*node, children.get()), ...);
  return std::move(node);
}

}  // namespace

ExpressionPtr ExpressionParser::parse_tuple(bool with_conditional, bool in_parentheses) {
  auto tuple = std::make_unique<SequenceLiteral>(line());
  tuple->kind = SequenceKind::tuple;
  bool is_tuple = false;
  while (true) {
    if (at_tuple_end()) break;
    tuple->items.push_back(with_conditional ? parse_expression() : parse_or());
    grow(*tuple, tuple->items.back().get());
    if (!skip_symbol(",")) break;
    is_tuple = true;
  }
  if (is_tuple || (tuple->items.empty() && in_parentheses)) return tuple;
  if (tuple->items.empty())
    fail(fmt::format("Expected an expression, got '{}'", describe(current())), line());
  ExpressionPtr only = std::move(tuple->items.front());
  return only;
}

bool ExpressionParser::at_tuple_end() const {
  return current().kind == TokenKind::variable_end || current().kind == TokenKind::block_end ||
         at_symbol(")");
}

ExpressionPtr ExpressionParser::parse_expression() {
  const Nested nested(*this);
  ExpressionPtr expression = parse_or();
  while (at_name("if")) {
    auto node = std::make_unique<Conditional>(line());
    skip();
    node->then = std::move(expression);
    node->condition = parse_or();
    if (skip_name("else")) node->otherwise = parse_expression();
    expression = finish(node, node->then, node->condition, node->otherwise);
  }
  return expression;
}

ExpressionPtr ExpressionParser::parse_left_associative(std::initializer_list<std::string_view> symbols,
                                                       bool are_names,
                                                       ExpressionPtr (ExpressionParser::*next)()) {
  ExpressionPtr left = (this->*next)();
  while (true) {
    const auto* symbol = std::find_if(symbols.begin(), symbols.end(), [&](std::string_view candidate) {
      return are_names ? at_name(candidate) : at_symbol(candidate);
    });
    if (symbol == symbols.end()) return left;
    auto node = std::make_unique<Binary>(line());
    skip();
    node->symbol = *symbol;
    node->left = std::move(left);
    node->right = (this->*next)();
    left = finish(node, node->left, node->right);
  }
}

ExpressionPtr ExpressionParser::parse_or() {
  return parse_left_associative({"or"}, true, &ExpressionParser::parse_and);
}

ExpressionPtr ExpressionParser::parse_and() {
  return parse_left_associative({"and"}, true, &ExpressionParser::parse_not);
}

ExpressionPtr ExpressionParser::parse_not() {
  if (!at_name("not")) return parse_comparison();
  const Nested nested(*this);
  auto node = std::make_unique<Unary>(line());
  skip();
  node->symbol = "not";
  node->operand = parse_not();
  return finish(node, node->operand);
}

std::string ExpressionParser::skip_comparison() {
  if (current().kind == TokenKind::symbol &&
      std::find(std::begin(kComparisons), std::end(kComparisons), current().text) != std::end(kComparisons)) {
    std::string symbol = current().text;
    skip();
    return symbol;
  }
  if (skip_name("in")) return "in";
  if (at_name("not") && following().kind == TokenKind::name && following().text == "in") {
    skip();
    skip();
    return "not in";
  }
  return "";
}

ExpressionPtr ExpressionParser::parse_comparison() {
  auto node = std::make_unique<Comparison>(line());
  node->first = parse_sum();
  for (std::string symbol = skip_comparison(); !symbol.empty(); symbol = skip_comparison()) {
    node->rest.emplace_back(symbol, parse_sum());
    grow(*node, node->rest.back().second.get());
  }
  if (node->rest.empty()) return std::move(node->first);
  return finish(node, node->first);
}

ExpressionPtr ExpressionParser::parse_sum() {
  return parse_left_associative({"+", "-"}, false, &ExpressionParser::parse_concatenation);
}

ExpressionPtr ExpressionParser::parse_concatenation() {
  ExpressionPtr first = parse_product();
  if (!at_symbol("~")) return first;
  auto node = std::make_unique<Concatenation>(line());
  grow(*node, first.get());
  node->parts.push_back(std::move(first));
  while (skip_symbol("~")) {
    node->parts.push_back(parse_product());
    grow(*node, node->parts.back().get());
  }
  return node;
}

ExpressionPtr ExpressionParser::parse_product() {
  return parse_left_associative({"*", "/", "//", "%"}, false, &ExpressionParser::parse_power);
}

ExpressionPtr ExpressionParser::parse_power() {
  return parse_left_associative({"**"}, false, &ExpressionParser::parse_filtered_unary);
}

ExpressionPtr ExpressionParser::parse_filtered_unary() {
  return parse_unary(true);
}

ExpressionPtr ExpressionParser::parse_unary(bool with_filter) {
  const Nested nested(*this);
  ExpressionPtr expression;
  if (at_symbol("-") || at_symbol("+")) {
    auto node = std::make_unique<Unary>(line());
    node->symbol = current().text;
    skip();
    node->operand = parse_unary(false);
    expression = finish(node, node->operand);
  } else {
    expression = parse_primary();
  }
  expression = parse_postfix(std::move(expression));
  return with_filter ? parse_filters_and_tests(std::move(expression)) : std::move(expression);
}

ExpressionPtr ExpressionParser::parse_primary() {
  const Token& token = current();
  switch (token.kind) {
    case TokenKind::name:
      return parse_name();
    case TokenKind::string:
      return parse_string();
    case TokenKind::integer:
      skip();
      return std::make_unique<Constant>(token.line, Value(token.integer));
    case TokenKind::real:
      skip();
      return std::make_unique<Constant>(token.line, Value(token.real));
    default:
      break;
  }
  if (skip_symbol("(")) {
    ExpressionPtr inner = parse_tuple(true, /*in_parentheses=*/true);
    expect_symbol(")");
    return inner;
  }
  if (at_symbol("[")) return parse_list();
  if (at_symbol("{")) return parse_dict();
  fail(fmt::format("unexpected '{}'", describe(token)), token.line);
}

ExpressionPtr ExpressionParser::parse_name() {
  const Token& token = current();
  skip();
  const std::string& name = token.text;
  if (name == "true" || name == "True") return std::make_unique<Constant>(token.line, Value(true));
  if (name == "false" || name == "False") return std::make_unique<Constant>(token.line, Value(false));
  if (name == "none" || name == "None") return std::make_unique<Constant>(token.line, Value());
  for (MacroBody* macro : macros_) {
    macro->uses_varargs = macro->uses_varargs || name == "varargs";
    macro->uses_kwargs = macro->uses_kwargs || name == "kwargs";
    macro->uses_caller = macro->uses_caller || name == "caller";
  }
  auto node = std::make_unique<Name>(token.line);
  node->name = name;
  return node;
}

ExpressionPtr ExpressionParser::parse_string() {
  const int at_line = line();
  std::string text;
  for (; current().kind == TokenKind::string; skip())
    text += current().text;  // neighbours join, as in Python
  return std::make_unique<Constant>(at_line, Value(std::move(text)));
}

ExpressionPtr ExpressionParser::parse_list() {
  auto node = std::make_unique<SequenceLiteral>(line());
  expect_symbol("[");
  while (!at_symbol("]")) {
    if (!node->items.empty()) expect_symbol(",");
    if (at_symbol("]")) break;
    node->items.push_back(parse_expression());
    grow(*node, node->items.back().get());
  }
  expect_symbol("]");
  return node;
}

ExpressionPtr ExpressionParser::parse_dict() {
  auto node = std::make_unique<DictLiteral>(line());
  expect_symbol("{");
  while (!at_symbol("}")) {
    if (!node->entries.empty()) expect_symbol(",");
    if (at_symbol("}")) break;
    ExpressionPtr key = parse_expression();
    expect_symbol(":");
    node->entries.emplace_back(std::move(key), parse_expression());
    grow(*node, node->entries.back().first.get());
    grow(*node, node->entries.back().second.get());
  }
  expect_symbol("}");
  return node;
}

ExpressionPtr ExpressionParser::parse_postfix(ExpressionPtr expression) {
  while (true) {
    if (at_symbol(".")) {
      expression = parse_attribute(std::move(expression));
    } else if (at_symbol("[")) {
      expression = parse_subscript(std::move(expression));
    } else if (at_symbol("(")) {
      expression = parse_call(std::move(expression));
    } else {
      return expression;
    }
  }
}

ExpressionPtr ExpressionParser::parse_filters_and_tests(ExpressionPtr expression) {
  while (true) {
    if (at_symbol("|")) {
      expression = parse_filters(std::move(expression));
    } else if (at_name("is")) {
      expression = parse_test(std::move(expression));
    } else if (at_symbol("(")) {
      expression = parse_call(std::move(expression));
    } else {
      return expression;
    }
  }
}

ExpressionPtr ExpressionParser::parse_attribute(ExpressionPtr object) {
  const int at_line = line();
  skip();
  if (current().kind == TokenKind::integer) {
    auto node = std::make_unique<Item>(at_line);
    node->key = std::make_unique<Constant>(at_line, Value(current().integer));
    skip();
    node->object = std::move(object);
    return finish(node, node->object);
  }
  if (current().kind != TokenKind::name) fail("expected name or number", line());
  auto node = std::make_unique<Attribute>(at_line);
  node->name = expect_any_name();
  node->object = std::move(object);
  return finish(node, node->object);
}

ExpressionPtr ExpressionParser::parse_subscript(ExpressionPtr object) {
  const int at_line = line();
  skip();
  ExpressionPtr parts[3];
  size_t colons = 0;
  auto keys = std::make_unique<SequenceLiteral>(at_line);  // of an item with several keys, which are a tuple
  keys->kind = SequenceKind::tuple;
  bool is_tuple = at_symbol("]");
  while (!at_symbol("]")) {
    if (skip_symbol(":")) {
      if (is_tuple) fail_not_supported("a slice among several keys", line());
      if (++colons > 2) fail_expecting("]");
    } else if (at_symbol(",")) {
      if (colons > 0) fail_not_supported("a slice among several keys", line());
      if (!parts[0]) fail_expecting("an expression");
      skip();
      is_tuple = true;
      keys->items.push_back(std::move(parts[0]));
    } else {
      if (parts[colons]) fail_expecting("]");
      parts[colons] = parse_expression();
    }
  }
  skip();
  if (colons > 0) return make_slice(std::move(object), parts, at_line);
  auto node = std::make_unique<Item>(at_line);
  node->object = std::move(object);
  if (is_tuple) {
    if (parts[0]) keys->items.push_back(std::move(parts[0]));
    for (const ExpressionPtr& key : keys->items) grow(*keys, key.get());
    node->key = std::move(keys);
  } else {
    node->key = std::move(parts[0]);
  }
  return finish(node, node->object, node->key);
}

ExpressionPtr ExpressionParser::make_slice(ExpressionPtr object, std::span<ExpressionPtr, 3> parts,
                                           int at_line) {
  auto node = std::make_unique<Slice>(at_line);
  node->object = std::move(object);
  node->start = std::move(parts[0]);
  node->stop = std::move(parts[1]);
  node->step = std::move(parts[2]);
  return finish(node, node->object, node->start, node->stop, node->step);
}

ExpressionPtr ExpressionParser::parse_call(ExpressionPtr function) {
  auto node = std::make_unique<Call>(line());
  node->arguments = parse_arguments();
  node->function = std::move(function);
  grow(*node, node->arguments);
  return finish(node, node->function);
}

CallArguments ExpressionParser::parse_arguments() {
  CallArguments out;
  const int at_line = line();
  const auto ensure = [at_line](bool valid) {
    if (!valid) fail("invalid syntax for function call expression", at_line);
  };
  expect_symbol("(");
  bool first = true;
  while (!at_symbol(")")) {
    if (!std::exchange(first, false)) {
      expect_symbol(",");
      if (at_symbol(")")) break;
    }
    if (skip_symbol("*")) {
      ensure(!out.all_positional && !out.all_keyword);
      out.all_positional = parse_expression();
    } else if (skip_symbol("**")) {
      ensure(!out.all_keyword);
      out.all_keyword = parse_expression();
    } else if (current().kind == TokenKind::name && following().kind == TokenKind::symbol &&
               following().text == "=") {
      ensure(!out.all_keyword);
      std::string name = expect_any_name();
      skip();
      out.keyword.emplace_back(std::move(name), parse_expression());
    } else {
      ensure(!out.all_positional && !out.all_keyword && out.keyword.empty());
      out.positional.push_back(parse_expression());
    }
  }
  expect_symbol(")");
  return out;
}

std::string ExpressionParser::parse_dotted_name() {
  std::string name = expect_any_name();
  while (skip_symbol(".")) name += "." + expect_any_name();
  return name;
}

ExpressionPtr ExpressionParser::parse_filter(ExpressionPtr input) {
  auto node = std::make_unique<Filter>(line());
  node->name = parse_dotted_name();
  if (at_symbol("(")) node->arguments = parse_arguments();
  node->input = std::move(input);
  grow(*node, node->arguments);
  return finish(node, node->input);
}

ExpressionPtr ExpressionParser::parse_filters(ExpressionPtr expression) {
  while (skip_symbol("|")) expression = parse_filter(std::move(expression));
  return expression;
}

ExpressionPtr ExpressionParser::parse_test(ExpressionPtr input) {
  auto node = std::make_unique<Test>(line());
  skip();
  const bool negated = skip_name("not");
  node->name = parse_dotted_name();
  if (at_symbol("(")) {
    node->arguments = parse_arguments();
  } else if (at_test_argument()) {
    if (at_name("is")) fail("You cannot chain multiple tests with is", line());
    node->arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  node->input = std::move(input);
  grow(*node, node->arguments);
  const int at_line = node->line;
  ExpressionPtr test = finish(node, node->input);
  if (!negated) return test;
  auto negation = std::make_unique<Unary>(at_line);
  negation->symbol = "not";
  negation->operand = std::move(test);
  return finish(negation, negation->operand);
}

bool ExpressionParser::at_test_argument() const {
  switch (current().kind) {
    case TokenKind::name:
      return !at_name("else") && !at_name("or") && !at_name("and");
    case TokenKind::string:
    case TokenKind::integer:
    case TokenKind::real:
      return true;
    default:
      return at_symbol("[") || at_symbol("{");
  }
}

}  // namespace sizeup::jinja
