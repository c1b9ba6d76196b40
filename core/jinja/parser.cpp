#include "core/jinja/parser.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <span>

#include "core/jinja/expression_parser.h"
#include "core/jinja/lexer.h"
#include "core/jinja/limits.h"

namespace sizeup::jinja {
namespace {

// Statements of Jinja2 that need several templates or an escaping mode.
constexpr std::string_view kMissingStatements[] = {"autoescape", "block",   "extends", "from",
                                                   "import",     "include", "trans"};

class Parser : private ExpressionParser {
 public:
  Parser(std::vector<Token> tokens, bool chat) : ExpressionParser(std::move(tokens)), chat_(chat) {}

  Block parse() { return parse_block({}); }

 private:
  using StatementParser = StatementPtr (Parser::*)();
  struct StatementRow {
    std::string_view keyword;
    StatementParser parse;
    bool chat_only = false;
  };
  static std::span<const StatementRow> statements();

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
      const std::span names(ends.begin(), ends.size());
      fail(fmt::format("unexpected end of template, expected '{}'", fmt::join(names, "' or '")), line());
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
    statement->target = parse_target(/*with_namespace=*/false);
    expect_name("in");
    statement->iterable = parse_tuple(/*with_conditional=*/false);
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
    Target target = parse_target(/*with_namespace=*/true);
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
      Target target = parse_target(/*with_namespace=*/false);
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

  Target parse_target(bool with_namespace) {
    Target whole;
    while (true) {
      if (at_tuple_end()) break;
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
      Target inner = parse_target(with_namespace);
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

  bool chat_;
  int loops_ = 0;  // around the current statement, within its scope
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
