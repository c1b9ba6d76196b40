// Recorded answers by task and document. They lie in a temporary database that goes to disk as it grows, so
// that a file of millions takes no more memory than a small one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup {

struct RecordedAnswer {
  std::string text;
  std::optional<std::string> error;  // the row says that its request failed, or holds no answer
  // Milliseconds; nothing where the row does not say. The first token of an answer that came as a whole is
  // the answer.
  std::optional<double> total_ms;
  std::optional<double> ttft_ms;
  std::optional<int> prompt_tokens;
  std::optional<int> completion_tokens;
  std::optional<double> cost;
};

// One thread at a time. Errors are those of a disk that is full or cannot be written.
class AnswerTable {
 public:
  static Result<AnswerTable> create();
  AnswerTable(AnswerTable&&) noexcept;
  AnswerTable& operator=(AnswerTable&&) noexcept;
  ~AnswerTable();

  // All answers are added before the first is looked for. Several to one document are its repeats.
  Result<void> add(std::string_view task, std::string_view document, const RecordedAnswer& answer);
  Result<void> close();

  // The answer that was added as number `index`, from 0, to this document; nothing if it has fewer.
  Result<std::optional<RecordedAnswer>> find(std::string_view task, std::string_view document, int64_t index);
  Result<int64_t> count(std::string_view task, std::string_view document);
  Result<std::optional<std::string>> first_document();  // that was added, of any task

 private:
  struct Connection;
  explicit AnswerTable(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace sizeup
