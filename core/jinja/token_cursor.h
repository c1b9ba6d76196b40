// A place in a list of tokens, and what a parser asks there.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/jinja/lexer.h"
#include "core/jinja/limits.h"

namespace sizeup::jinja {

class TokenCursor {
 protected:
  explicit TokenCursor(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // Counts nesting while in scope.
  class Nested {
   public:
    explicit Nested(TokenCursor& cursor) : cursor_(cursor) {
      if (++cursor_.depth_ > kMaxTreeDepth) fail("the template is nested too deeply", cursor_.line());
    }
    ~Nested() { --cursor_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    TokenCursor& cursor_;
  };

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

 private:
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace sizeup::jinja
