// Prompts exactly as lm-evaluation-harness lays them out: description, examples with their answers, question.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tasks/documents.h"
#include "tasks/expression.h"
#include "tasks/text/python_random.h"

namespace sizeup {

// The task's expressions over its documents.
struct DocumentText {
  std::optional<Expression> description;
  std::optional<Expression> text;
  std::optional<Expression> target;
  std::optional<Expression> choice;
  std::optional<Expression> gen_prefix;
  std::optional<Expression> answer_prefix;

  static Result<DocumentText> parse(const Definition& definition, const std::vector<std::string>& columns);
};

// Where few-shot examples come from.
struct FewshotPool {
  const Documents* documents = nullptr;
  bool holds_eval_documents = false;  // a document is never its own example
};

// Renders the prompts of all documents in their order: the random draw of examples goes on from document to
// document. Use one for one pass.
class PromptBuilder {
 public:
  PromptBuilder(const Definition& definition, const DocumentText& expressions, FewshotPool pool);

  Result<PromptText> prompt(const Json& document, const std::string& place);

 private:
  Result<std::vector<size_t>> draw(const Json& document);
  Result<std::string> example(size_t row);
  Result<std::string> prefix_of(const Json& document, const std::string& place) const;

  const Definition& definition_;
  const DocumentText& expressions_;
  FewshotPool pool_;
  PythonRandom random_;
  std::vector<std::optional<std::string>> rendered_;  // examples are shown many times
};

}  // namespace sizeup
