#include "harness/answers/answer_table.h"

#include <utility>

#include "harness/store/sqlite.h"

namespace sizeup {
namespace {

// Nobody else reads the file and a broken run throws it away, so nothing of it has to survive.
constexpr const char* kSchema = R"(
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32768;
CREATE TABLE answer (task TEXT, document TEXT, text TEXT, error TEXT, total_ms REAL, ttft_ms REAL,
                     prompt_tokens INTEGER, completion_tokens INTEGER, cost REAL);
BEGIN;
)";

// Sorting once is several times faster than keeping an index in order, which documents arrive in any order.
constexpr const char* kClose = "COMMIT; CREATE INDEX by_document ON answer (task, document);";

std::optional<int> small_integer(std::optional<int64_t> value) {
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

}  // namespace

struct AnswerTable::Connection {
  // Without a name, SQLite makes the file, deletes it at the end and writes it only when the cache is full.
  Connection() : database("", sqlite::Access::write) {
    database.execute(kSchema);
    insert.emplace(database, "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  }

  sqlite::Database database;
  std::optional<sqlite::Statement> insert;
  std::optional<sqlite::Statement> select;
  std::optional<sqlite::Statement> count;
};

AnswerTable::AnswerTable(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
AnswerTable::AnswerTable(AnswerTable&&) noexcept = default;
AnswerTable& AnswerTable::operator=(AnswerTable&&) noexcept = default;
AnswerTable::~AnswerTable() = default;

Result<AnswerTable> AnswerTable::create() {
  return sqlite::guarded([] { return AnswerTable(std::make_unique<Connection>()); });
}

Result<void> AnswerTable::add(std::string_view task, std::string_view document,
                              const RecordedAnswer& answer) {
  return sqlite::guarded([&] {
    connection_->insert
        ->bind(task, document, answer.text, answer.error, answer.total_ms, answer.ttft_ms,
               answer.prompt_tokens, answer.completion_tokens, answer.cost)
        .run();
  });
}

Result<void> AnswerTable::close() {
  return sqlite::guarded([&] {
    sqlite::Database& database = connection_->database;
    database.execute(kClose);
    connection_->select.emplace(
        database,
        "SELECT text, error, total_ms, ttft_ms, prompt_tokens, completion_tokens, cost FROM answer "
        "WHERE task = ? AND document = ? ORDER BY rowid LIMIT 1 OFFSET ?");
    connection_->count.emplace(database, "SELECT count(*) FROM answer WHERE task = ? AND document = ?");
  });
}

Result<std::optional<RecordedAnswer>> AnswerTable::find(std::string_view task, std::string_view document,
                                                        int64_t index) {
  return sqlite::guarded([&]() -> std::optional<RecordedAnswer> {
    sqlite::Statement& row = connection_->select->bind(task, document, index);
    if (!row.step()) return std::nullopt;
    return RecordedAnswer{row.text(0),
                          row.optional_text(1),
                          row.optional_real(2),
                          row.optional_real(3),
                          small_integer(row.optional_integer(4)),
                          small_integer(row.optional_integer(5)),
                          row.optional_real(6)};
  });
}

Result<int64_t> AnswerTable::count(std::string_view task, std::string_view document) {
  return sqlite::guarded([&] {
    sqlite::Statement& row = connection_->count->bind(task, document);
    return row.step() ? row.integer(0) : int64_t{0};
  });
}

Result<std::optional<std::string>> AnswerTable::first_document() {
  return sqlite::guarded([&]() -> std::optional<std::string> {
    sqlite::Statement row(connection_->database, "SELECT document FROM answer ORDER BY rowid LIMIT 1");
    if (!row.step()) return std::nullopt;
    return row.text(0);
  });
}

}  // namespace sizeup
