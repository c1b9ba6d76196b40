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
  // Of the examples, where fewshot_config says something else.
  std::optional<Expression> example_text, example_target, example_choice, example_prefix;
  // doc_to_text gives the index of the right choice: the choices are what the prompt ends with, and the
  // target is the continuation that all of them are asked for.
  bool choices_end_prompt = false;

  static Result<DocumentText> parse(const Definition& definition, const std::vector<std::string>& columns);

  // The keys of fewshot_config, over the fields of the examples.
  Result<void> parse_examples(const Definition& definition, const std::vector<std::string>& columns);
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
  // An example laid out as lm-evaluation-harness's pair of messages.
  struct Example {
    std::string question;
    std::string delimiter;  // between the two, in plain text
    std::string answer;
    std::string end;  // after the answer, in plain text
  };

  Result<std::string> question(const Json& document, const std::string& place) const;
  Result<const Example*> example(size_t row);
  Result<Example> render_example(const Json& document, const std::string& place) const;
  Result<std::string> example_question(const Json& document, const std::string& place) const;
  Result<std::string> example_answer(const Json& document, const std::string& place) const;

  const Definition& definition_;
  const DocumentText& expressions_;
  FewshotPool pool_;
  PythonRandom random_;
  std::vector<std::optional<Example>> rendered_;  // examples are shown many times
};

}  // namespace sizeup
