// Splits a template into text and tokens as jinja2.lexer does, white space control included.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/jinja/template.h"

namespace sizeup::jinja {

enum class TokenKind {
  data,            // text between tags, after white space control
  variable_begin,  // {{
  variable_end,    // }}
  block_begin,     // {%
  block_end,       // %}
  name,
  string,
  integer,
  real,
  symbol,  // an operator or a bracket
  end,
};

struct Token {
  TokenKind kind;
  std::string text;  // data, name, symbol, or the string's value
  int line;
  int64_t integer = 0;
  double real = 0;
};

// Throws TemplateError for what Jinja2 refuses too. The last token is `end`.
std::vector<Token> tokenize(std::string_view source, const TemplateSettings& settings);

// How errors call a token: its text, "end of template", ...
std::string describe(const Token& token);

}  // namespace sizeup::jinja
