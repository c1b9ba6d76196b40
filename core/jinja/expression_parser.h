// Expressions of Jinja2's grammar (jinja2/parser.py): one function for each level, loosest first.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/jinja/ast.h"
#include "core/jinja/token_cursor.h"

namespace sizeup::jinja {

class ExpressionParser : public TokenCursor {
 protected:
  using TokenCursor::TokenCursor;

  ExpressionPtr parse_tuple(bool with_conditional = true, bool in_parentheses = false);
  bool at_tuple_end() const;
  ExpressionPtr parse_expression();
  // One filter; the current token is its name.
  ExpressionPtr parse_filter(ExpressionPtr input);
  ExpressionPtr parse_filters(ExpressionPtr expression);

  std::vector<MacroBody*> macros_;  // around the current place: they learn which special names they use

 private:
  // next (symbol next)*, for the symbols of one level.
  ExpressionPtr parse_left_associative(std::initializer_list<std::string_view> symbols, bool are_names,
                                       ExpressionPtr (ExpressionParser::*next)());
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_not();
  // "==", ..., "in" or "not in" if one is next, and skips it; else "".
  std::string skip_comparison();
  ExpressionPtr parse_comparison();
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concatenation();
  ExpressionPtr parse_product();
  ExpressionPtr parse_power();
  ExpressionPtr parse_filtered_unary();
  ExpressionPtr parse_unary(bool with_filter);
  ExpressionPtr parse_primary();
  ExpressionPtr parse_name();
  ExpressionPtr parse_string();
  ExpressionPtr parse_list();
  ExpressionPtr parse_dict();
  ExpressionPtr parse_postfix(ExpressionPtr expression);
  ExpressionPtr parse_filters_and_tests(ExpressionPtr expression);
  ExpressionPtr parse_attribute(ExpressionPtr object);
  ExpressionPtr parse_subscript(ExpressionPtr object);
  static ExpressionPtr make_slice(ExpressionPtr object, std::span<ExpressionPtr, 3> parts, int at_line);
  ExpressionPtr parse_call(ExpressionPtr function);
  CallArguments parse_arguments();
  std::string parse_dotted_name();
  ExpressionPtr parse_test(ExpressionPtr input);
  bool at_test_argument() const;
};

}  // namespace sizeup::jinja
