#include "core/jinja/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <span>

#include "core/jinja/lexer.h"
#include "core/jinja/limits.h"

namespace sizeup::jinja {
namespace {

constexpr std::string_view kComparisons[] = {"==", "!=", "<", "<=", ">", ">="};

// Statements of Jinja2 that need several templates or an escaping mode.
constexpr std::string_view kMissingStatements[] = {"autoescape", "block",   "extends", "from",
                                                   "import",     "include", "trans"};

class Parser {
 public:
  Parser(std::vector<Token> tokens, bool chat) : tokens_(std::move(tokens)), chat_(chat) {}

  Block parse() { return parse_block({}); }

 private:
  using StatementParser = StatementPtr (Parser::*)();
  struct StatementRow {
    std::string_view keyword;
    StatementParser parse;
    bool chat_only = false;
  };
  static std::span<const StatementRow> statements();

  // Counts nesting while in scope.
  class Nested {
   public:
    explicit Nested(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxTreeDepth) fail("the template is nested too deeply", parser_.line());
    }
    ~Nested() { --parser_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Parser& parser_;
  };

  // -- tokens

  const Token& current() const { return tokens_[at_]; }
  const Token& following() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  int line() const { return current().line; }
  void skip() {
    if (at_ + 1 < tokens_.size()) ++at_;
  }
  bool at_symbol(std::string_view symbol) const {
    return current().kind == TokenKind::symbol && current().text == symbol;
  }
  bool at_name(std::string_view name) const {
    return current().kind == TokenKind::name && current().text == name;
  }
  bool skip_symbol(std::string_view symbol) {
    if (!at_symbol(symbol)) return false;
    skip();
    return true;
  }
  bool skip_name(std::string_view name) {
    if (!at_name(name)) return false;
    skip();
    return true;
  }
  [[noreturn]] void fail_expecting(std::string_view expected) const {
    fail(fmt::format("expected token '{}', got '{}'", expected, describe(current())), line());
  }
  void expect_symbol(std::string_view symbol) {
    if (!skip_symbol(symbol)) fail_expecting(symbol);
  }
  void expect_name(std::string_view name) {
    if (!skip_name(name)) fail_expecting(name);
  }
  void expect(TokenKind kind, std::string_view description) {
    if (current().kind != kind) fail_expecting(description);
    skip();
  }
  std::string expect_any_name() {
    if (current().kind != TokenKind::name) fail_expecting("name");
    std::string name = current().text;
    skip();
    return name;
  }

  // -- nodes

  // The node, once the depth of these children is counted.
  template <class Node, class... Children>
  static ExpressionPtr finish(std::unique_ptr<Node>& node, const Children&... children) {
    (grow(*node, children.get()), ...);
    return std::move(node);
  }
  static void grow(Expression& node, const Expression* child) {
    if (child == nullptr) return;
    node.depth = std::max(node.depth, child->depth + 1);
    if (node.depth > kMaxTreeDepth) fail("an expression is nested too deeply", node.line);
  }
  static void grow(Expression& node, const CallArguments& arguments) {
    for (const auto& argument : arguments.positional) grow(node, argument.get());
    for (const auto& argument : arguments.keyword) grow(node, argument.second.get());
    grow(node, arguments.all_positional.get());
    grow(node, arguments.all_keyword.get());
  }

  // -- statements

  // Statements and text up to a tag whose first name is one of `ends`; that name becomes current.
  Block parse_block(std::initializer_list<std::string_view> ends) {
    const Nested nested(*this);
    Block block;
    while (current().kind != TokenKind::end) {
      const int at_line = line();
      if (current().kind == TokenKind::data) {
        block.push_back(std::make_unique<TextOutput>(at_line, current().text));
        skip();
      } else if (current().kind == TokenKind::variable_begin) {
        skip();
        auto output = std::make_unique<ExpressionOutput>(at_line);
        output->expression = parse_tuple();
        block.push_back(std::move(output));
        expect(TokenKind::variable_end, "end of print statement");
      } else {
        expect(TokenKind::block_begin, "begin of statement block");
        if (std::any_of(ends.begin(), ends.end(), [this](std::string_view end) { return at_name(end); }))
          return block;
        if (StatementPtr statement = parse_statement()) block.push_back(std::move(statement));
        expect(TokenKind::block_end, "end of statement block");
      }
    }
    if (ends.size() > 0) {
      fail(fmt::format("unexpected end of template, expected '{}'", fmt::join(ends, "' or '")), line());
    }
    return block;
  }

  StatementPtr parse_statement() {
    if (current().kind != TokenKind::name) fail("tag name expected", line());
    const std::string keyword = current().text;
    for (const StatementRow& row : statements()) {
      if (row.keyword == keyword && (chat_ || !row.chat_only)) return (this->*row.parse)();
    }
    if (std::find(std::begin(kMissingStatements), std::end(kMissingStatements), keyword) !=
        std::end(kMissingStatements)) {
      fail_not_supported(fmt::format("the statement '{}'", keyword), line());
    }
    fail(fmt::format("encountered unknown tag '{}'", keyword), line());
  }

  // The body of a statement: from the end of its tag to one of the names.
  Block parse_body(std::initializer_list<std::string_view> ends) {
    skip_symbol(":");
    expect(TokenKind::block_end, "end of statement block");
    return parse_block(ends);
  }
  Block parse_body_until(std::string_view end) {
    Block body = parse_body({end});
    skip();
    return body;
  }

  StatementPtr parse_if() {
    auto statement = std::make_unique<If>(line());
    skip();
    while (true) {
      ExpressionPtr condition = parse_tuple(/*with_conditional=*/false);
      Block body = parse_body({"elif", "else", "endif"});
      statement->branches.emplace_back(std::move(condition), std::move(body));
      if (skip_name("elif")) continue;
      if (skip_name("else")) {
        statement->otherwise = parse_body_until("endif");
      } else {
        skip();
      }
      return statement;
    }
  }

  StatementPtr parse_for() {
    auto statement = std::make_unique<For>(line());
    skip();
    statement->target = parse_target("in", /*with_namespace=*/false);
    expect_name("in");
    statement->iterable = parse_tuple(/*with_conditional=*/false, "recursive");
    if (skip_name("if")) statement->condition = parse_expression();
    statement->recursive = skip_name("recursive");
    ++loops_;
    statement->body = parse_body({"endfor", "else"});
    --loops_;
    if (skip_name("else")) {
      statement->otherwise = parse_body_until("endfor");
    } else {
      skip();
    }
    return statement;
  }

  StatementPtr parse_loop_control() {
    const Flow flow = at_name("break") ? Flow::break_loop : Flow::continue_loop;
    if (loops_ == 0) fail(fmt::format("'{}' outside a loop", current().text), line());
    auto statement = std::make_unique<LoopControl>(line(), flow);
    skip();
    return statement;
  }

  StatementPtr parse_set() {
    const int at_line = line();
    skip();
    Target target = parse_target("", /*with_namespace=*/true);
    if (skip_symbol("=")) {
      auto statement = std::make_unique<Assignment>(at_line);
      statement->target = std::move(target);
      statement->value = parse_tuple();
      return statement;
    }
    auto statement = std::make_unique<BlockAssignment>(at_line);
    statement->target = std::move(target);
    if (at_symbol("|")) statement->filter = parse_filters(nullptr);
    statement->body = parse_scoped_body("endset");
    return statement;
  }

  StatementPtr parse_with() {
    auto statement = std::make_unique<With>(line());
    skip();
    while (current().kind != TokenKind::block_end && !at_symbol(":")) {
      if (!statement->variables.empty()) expect_symbol(",");
      Target target = parse_target("", /*with_namespace=*/false);
      expect_symbol("=");
      statement->variables.emplace_back(std::move(target), parse_expression());
    }
    statement->body = parse_body_until("endwith");
    return statement;
  }

  StatementPtr parse_filter_block() {
    auto statement = std::make_unique<FilterBlock>(line());
    skip();
    statement->filter = parse_filters(parse_filter(nullptr));
    statement->body = parse_scoped_body("endfilter");
    return statement;
  }

  StatementPtr parse_macro() {
    auto statement = std::make_unique<MacroDefinition>(line());
    skip();
    statement->macro.name = expect_any_name();
    macros_.push_back(&statement->macro);
    parse_parameters(statement->macro);
    statement->macro.body = parse_scoped_body("endmacro");
    macros_.pop_back();
    return statement;
  }

  StatementPtr parse_call_block() {
    auto statement = std::make_unique<CallBlock>(line());
    skip();
    statement->caller.name = "caller";
    if (at_symbol("(")) parse_parameters(statement->caller);
    ExpressionPtr call = parse_expression();
    if (dynamic_cast<Call*>(call.get()) == nullptr) fail("expected call", statement->line);
    statement->call.reset(static_cast<Call*>(call.release()));
    macros_.push_back(&statement->caller);
    statement->caller.body = parse_scoped_body("endcall");
    macros_.pop_back();
    return statement;
  }

  StatementPtr parse_generation() {
    auto statement = std::make_unique<Generation>(line());
    skip();
    statement->body = parse_scoped_body("endgeneration");
    return statement;
  }

  StatementPtr parse_print() {
    // {% print a, b %} is a tuple's parts in a row; one output each would need a list of statements.
    auto statement = std::make_unique<ExpressionOutput>(line());
    skip();
    auto parts = std::make_unique<Concatenation>(line());
    do {
      parts->parts.push_back(parse_expression());
      grow(*parts, parts->parts.back().get());
    } while (skip_symbol(","));
    statement->expression = std::move(parts);
    return statement;
  }

  // A body whose text is captured: a loop outside it cannot be left from inside.
  Block parse_scoped_body(std::string_view end) {
    const int outer = std::exchange(loops_, 0);
    Block body = parse_body_until(end);
    loops_ = outer;
    return body;
  }

  void parse_parameters(MacroBody& macro) {
    expect_symbol("(");
    while (!at_symbol(")")) {
      if (!macro.parameters.empty()) expect_symbol(",");
      Parameter parameter{expect_any_name(), nullptr};
      if (skip_symbol("=")) {
        parameter.default_value = parse_expression();
      } else if (!macro.parameters.empty() && macro.parameters.back().default_value) {
        fail("non-default argument follows default argument", line());
      }
      macro.parameters.push_back(std::move(parameter));
    }
    expect_symbol(")");
  }

  Target parse_target(std::string_view end, bool with_namespace) {
    Target whole;
    while (true) {
      if (current().kind == TokenKind::block_end || at_symbol(")") || (!end.empty() && at_name(end))) break;
      whole.parts.push_back(parse_single_target(with_namespace));
      if (!skip_symbol(",")) break;
      whole.is_tuple = true;
    }
    if (whole.is_tuple) return whole;
    if (whole.parts.empty())
      fail(fmt::format("Expected an expression, got '{}'", describe(current())), line());
    Target only = std::move(whole.parts.front());
    return only;
  }

  Target parse_single_target(bool with_namespace) {
    const Nested nested(*this);
    if (skip_symbol("(")) {
      Target inner = parse_target("", with_namespace);
      expect_symbol(")");
      return inner;
    }
    static constexpr std::string_view kConstants[] = {"true", "false", "none", "True", "False", "None"};
    if (current().kind != TokenKind::name ||
        std::find(std::begin(kConstants), std::end(kConstants), current().text) != std::end(kConstants)) {
      fail(fmt::format("can't assign to '{}'", describe(current())), line());
    }
    Target target;
    target.name = expect_any_name();
    if (with_namespace && skip_symbol(".")) target.attribute = expect_any_name();
    return target;
  }

  // -- expressions, loosest first

  ExpressionPtr parse_tuple(bool with_conditional = true, std::string_view end = {},
                            bool in_parentheses = false) {
    auto tuple = std::make_unique<SequenceLiteral>(line());
    tuple->kind = SequenceKind::tuple;
    bool is_tuple = false;
    while (true) {
      if (at_tuple_end() || (!end.empty() && at_name(end))) break;
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

  bool at_tuple_end() const {
    return current().kind == TokenKind::variable_end || current().kind == TokenKind::block_end ||
           at_symbol(")");
  }

  ExpressionPtr parse_expression() {
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

  template <class Next>
  ExpressionPtr parse_left_associative(std::initializer_list<std::string_view> symbols, bool are_names,
                                       Next next) {
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

  ExpressionPtr parse_or() { return parse_left_associative({"or"}, true, &Parser::parse_and); }
  ExpressionPtr parse_and() { return parse_left_associative({"and"}, true, &Parser::parse_not); }

  ExpressionPtr parse_not() {
    if (!at_name("not")) return parse_comparison();
    const Nested nested(*this);
    auto node = std::make_unique<Unary>(line());
    skip();
    node->symbol = "not";
    node->operand = parse_not();
    return finish(node, node->operand);
  }

  // "==", ..., "in" or "not in" if one is next, and skips it; else "".
  std::string skip_comparison() {
    if (current().kind == TokenKind::symbol && std::find(std::begin(kComparisons), std::end(kComparisons),
                                                         current().text) != std::end(kComparisons)) {
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

  ExpressionPtr parse_comparison() {
    auto node = std::make_unique<Comparison>(line());
    node->first = parse_sum();
    for (std::string symbol = skip_comparison(); !symbol.empty(); symbol = skip_comparison()) {
      node->rest.emplace_back(symbol, parse_sum());
      grow(*node, node->rest.back().second.get());
    }
    if (node->rest.empty()) return std::move(node->first);
    return finish(node, node->first);
  }

  ExpressionPtr parse_sum() {
    return parse_left_associative({"+", "-"}, false, &Parser::parse_concatenation);
  }

  ExpressionPtr parse_concatenation() {
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

  ExpressionPtr parse_product() {
    return parse_left_associative({"*", "/", "//", "%"}, false, &Parser::parse_power);
  }
  ExpressionPtr parse_power() { return parse_left_associative({"**"}, false, &Parser::parse_filtered_unary); }
  ExpressionPtr parse_filtered_unary() { return parse_unary(true); }

  ExpressionPtr parse_unary(bool with_filter) {
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

  ExpressionPtr parse_primary() {
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
      ExpressionPtr inner = parse_tuple(true, {}, /*in_parentheses=*/true);
      expect_symbol(")");
      return inner;
    }
    if (at_symbol("[")) return parse_list();
    if (at_symbol("{")) return parse_dict();
    fail(fmt::format("unexpected '{}'", describe(token)), token.line);
  }

  ExpressionPtr parse_name() {
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

  ExpressionPtr parse_string() {
    const int at_line = line();
    std::string text;
    for (; current().kind == TokenKind::string; skip())
      text += current().text;  // neighbours join, as in Python
    return std::make_unique<Constant>(at_line, Value(std::move(text)));
  }

  ExpressionPtr parse_list() {
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

  ExpressionPtr parse_dict() {
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

  ExpressionPtr parse_postfix(ExpressionPtr expression) {
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

  ExpressionPtr parse_filters_and_tests(ExpressionPtr expression) {
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

  ExpressionPtr parse_attribute(ExpressionPtr object) {
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

  ExpressionPtr parse_subscript(ExpressionPtr object) {
    const int at_line = line();
    skip();
    ExpressionPtr parts[3];
    size_t colons = 0;
    while (!at_symbol("]")) {
      if (skip_symbol(":")) {
        if (++colons > 2) fail_expecting("]");
      } else if (at_symbol(",")) {
        fail_not_supported("an item with several indices", line());
      } else {
        if (parts[colons]) fail_expecting("]");
        parts[colons] = parse_expression();
      }
    }
    skip();
    if (colons == 0) {
      if (!parts[0]) fail("expected subscript expression", at_line);
      auto node = std::make_unique<Item>(at_line);
      node->object = std::move(object);
      node->key = std::move(parts[0]);
      return finish(node, node->object, node->key);
    }
    auto node = std::make_unique<Slice>(at_line);
    node->object = std::move(object);
    node->start = std::move(parts[0]);
    node->stop = std::move(parts[1]);
    node->step = std::move(parts[2]);
    return finish(node, node->object, node->start, node->stop, node->step);
  }

  ExpressionPtr parse_call(ExpressionPtr function) {
    auto node = std::make_unique<Call>(line());
    node->arguments = parse_arguments();
    node->function = std::move(function);
    grow(*node, node->arguments);
    return finish(node, node->function);
  }

  CallArguments parse_arguments() {
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

  std::string parse_dotted_name() {
    std::string name = expect_any_name();
    while (skip_symbol(".")) name += "." + expect_any_name();
    return name;
  }

  // One filter; the current token is its name.
  ExpressionPtr parse_filter(ExpressionPtr input) {
    auto node = std::make_unique<Filter>(line());
    node->name = parse_dotted_name();
    if (at_symbol("(")) node->arguments = parse_arguments();
    node->input = std::move(input);
    grow(*node, node->arguments);
    return finish(node, node->input);
  }

  ExpressionPtr parse_filters(ExpressionPtr expression) {
    while (skip_symbol("|")) expression = parse_filter(std::move(expression));
    return expression;
  }

  ExpressionPtr parse_test(ExpressionPtr input) {
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

  bool at_test_argument() const {
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

  std::vector<Token> tokens_;
  bool chat_;
  size_t at_ = 0;
  int depth_ = 0;
  int loops_ = 0;                   // around the current statement, within its scope
  std::vector<MacroBody*> macros_;  // around the current statement
};

std::span<const Parser::StatementRow> Parser::statements() {
  static constexpr StatementRow kRows[] = {
      {"if", &Parser::parse_if},
      {"for", &Parser::parse_for},
      {"set", &Parser::parse_set},
      {"macro", &Parser::parse_macro},
      {"call", &Parser::parse_call_block},
      {"filter", &Parser::parse_filter_block},
      {"with", &Parser::parse_with},
      {"print", &Parser::parse_print},
      {"break", &Parser::parse_loop_control},
      {"continue", &Parser::parse_loop_control},
      {"generation", &Parser::parse_generation, true},
  };
  return kRows;
}

}  // namespace

Block parse_template(std::string_view source, const TemplateSettings& settings) {
  return Parser(tokenize(source, settings), settings.chat_globals).parse();
}

}  // namespace sizeup::jinja
