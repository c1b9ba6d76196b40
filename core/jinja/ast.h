// A parsed template. Nodes are data with one operation each; what they do is in evaluator.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/jinja/value.h"

namespace sizeup::jinja {

class Evaluator;

struct Expression {
  explicit Expression(int at_line) : line(at_line) {}
  virtual ~Expression() = default;
  virtual Value evaluate(Evaluator& evaluator) const = 0;
  int line;
  int depth = 1;  // of this tree, at most kMaxTreeDepth
};
using ExpressionPtr = std::unique_ptr<Expression>;

// What the loop around a statement has to do after it.
enum class Flow { next, break_loop, continue_loop };

struct Statement {
  explicit Statement(int at_line) : line(at_line) {}
  virtual ~Statement() = default;
  virtual Flow execute(Evaluator& evaluator) const = 0;
  int line;
};
using StatementPtr = std::unique_ptr<Statement>;
using Block = std::vector<StatementPtr>;

// -- expressions

struct Constant : Expression {
  Constant(int at_line, Value constant) : Expression(at_line), value(std::move(constant)) {}
  Value evaluate(Evaluator&) const override { return value; }
  Value value;
};

struct Name : Expression {
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  std::string name;
};

struct SequenceLiteral : Expression {  // [a, b] and (a, b)
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  SequenceKind kind = SequenceKind::list;
  std::vector<ExpressionPtr> items;
};

struct DictLiteral : Expression {
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};

struct Attribute : Expression {  // object.name
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  ExpressionPtr object;
  std::string name;
};

struct Item : Expression {  // object[key]
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  ExpressionPtr object;
  ExpressionPtr key;
};

struct Slice : Expression {  // object[start:stop:step]
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  ExpressionPtr object;
  ExpressionPtr start, stop, step;  // null if left out
};

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> keyword;
  ExpressionPtr all_positional;  // *expression
  ExpressionPtr all_keyword;     // **expression
};

struct Call : Expression {
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  ExpressionPtr function;
  CallArguments arguments;
};

struct Filter : Expression {  // input | name(arguments)
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  ExpressionPtr input;  // null: the text of a block
  std::string name;
  CallArguments arguments;
};

struct Test : Expression {  // input is name(arguments)
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  ExpressionPtr input;
  std::string name;
  CallArguments arguments;
};

struct Unary : Expression {  // "-", "+", "not"
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  std::string symbol;
  ExpressionPtr operand;
};

struct Binary : Expression {  // arithmetic, "and", "or"
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  std::string symbol;
  ExpressionPtr left, right;
};

struct Concatenation : Expression {  // a ~ b ~ c
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  std::vector<ExpressionPtr> parts;
};

struct Comparison : Expression {  // a < b <= c: every neighbour pair must hold
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  ExpressionPtr first;
  std::vector<std::pair<std::string, ExpressionPtr>> rest;  // "==", ..., "in", "not in"
};

struct Conditional : Expression {  // a if condition else b
  using Expression::Expression;
  Value evaluate(Evaluator& evaluator) const override;
  ExpressionPtr condition, then, otherwise;  // otherwise may be null
};

// -- statements

// Where an assignment goes: a name, an attribute of a namespace, or several targets to unpack into.
struct Target {
  std::string name;
  std::string attribute;      // of the namespace `name`; empty for a plain name
  std::vector<Target> parts;  // if is_tuple
  bool is_tuple = false;
};

struct Parameter {
  std::string name;
  ExpressionPtr default_value;  // null if there is none
};

// What a macro and a call block share.
struct MacroBody {
  std::string name;
  std::vector<Parameter> parameters;
  Block body;
  // Names that Jinja defines only for macros which mention them.
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};

struct TextOutput : Statement {
  TextOutput(int at_line, std::string output) : Statement(at_line), text(std::move(output)) {}
  Flow execute(Evaluator& evaluator) const override;
  std::string text;
};

struct ExpressionOutput : Statement {
  using Statement::Statement;
  Flow execute(Evaluator& evaluator) const override;
  ExpressionPtr expression;
};

struct If : Statement {
  using Statement::Statement;
  Flow execute(Evaluator& evaluator) const override;
  std::vector<std::pair<ExpressionPtr, Block>> branches;
  Block otherwise;
};

struct For : Statement {
  using Statement::Statement;
  Flow execute(Evaluator& evaluator) const override;
  Target target;
  ExpressionPtr iterable;
  ExpressionPtr condition;  // null if there is none
  bool recursive = false;
  Block body, otherwise;
};

struct LoopControl : Statement {  // break, continue
  LoopControl(int at_line, Flow what) : Statement(at_line), flow(what) {}
  Flow execute(Evaluator&) const override { return flow; }
  Flow flow;
};

struct Assignment : Statement {
  using Statement::Statement;
  Flow execute(Evaluator& evaluator) const override;
  Target target;
  ExpressionPtr value;
};

struct BlockAssignment : Statement {  // {% set x | filter %}...{% endset %}
  using Statement::Statement;
  Flow execute(Evaluator& evaluator) const override;
  Target target;
  ExpressionPtr filter;  // null, or filters over the block's text
  Block body;
};

struct With : Statement {
  using Statement::Statement;
  Flow execute(Evaluator& evaluator) const override;
  std::vector<std::pair<Target, ExpressionPtr>> variables;
  Block body;
};

struct FilterBlock : Statement {
  using Statement::Statement;
  Flow execute(Evaluator& evaluator) const override;
  ExpressionPtr filter;
  Block body;
};

struct MacroDefinition : Statement {
  using Statement::Statement;
  Flow execute(Evaluator& evaluator) const override;
  MacroBody macro;
};

struct CallBlock : Statement {  // {% call(parameters) macro(arguments) %}
  using Statement::Statement;
  Flow execute(Evaluator& evaluator) const override;
  MacroBody caller;
  std::unique_ptr<Call> call;
};

struct Generation : Statement {  // transformers' {% generation %}: its text, in a scope of its own
  using Statement::Statement;
  Flow execute(Evaluator& evaluator) const override;
  Block body;
};

}  // namespace sizeup::jinja
