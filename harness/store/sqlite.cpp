#include "harness/store/sqlite.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "harness/store/lock_holders.h"

namespace sizeup::sqlite {
namespace {

Error explain(int code, const std::string& file, std::string_view doing, const char* reason) {
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return {ErrorKind::bad_input, file, "is not an SQLite database", "a file that `sizeup run` made", ""};
    case SQLITE_CORRUPT:
      return {ErrorKind::bad_input, file, fmt::format("is a damaged SQLite database, found while {}", doing),
              "", "`sqlite3 FILE .recover` may save its rows"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED: {
      const std::string holders = lock_holders(file);
      return {ErrorKind::unavailable, file,
              fmt::format("is locked by {}, while {}", holders.empty() ? "another program" : holders, doing),
              "", "close the program that writes to it, then try again"};
    }
    case SQLITE_READONLY:
      return {ErrorKind::unavailable, file, fmt::format("cannot be written, while {}", doing), "",
              "check the permissions of the file and its folder"};
    case SQLITE_FULL:
      return {ErrorKind::unavailable, file, fmt::format("the disk is full, while {}", doing), "",
              "free some space, then continue with --resume"};
    case SQLITE_IOERR:  // a quota or a limit on the size of files is no full disk to SQLite
      return {ErrorKind::unavailable, file,
              fmt::format("the system refused to read or write, while {}", doing), "",
              "look at disk, quota and limits, then continue with --resume"};
    case SQLITE_CANTOPEN:
      return {ErrorKind::unavailable, file, "cannot be opened", "",
              "check that its folder exists and can be written: reading needs a small file beside it"};
    default:
      return {ErrorKind::unavailable, file, fmt::format("SQLite failed while {}: {}", doing, reason), "", ""};
  }
}

// They cost a lock that all connections share at every allocation, and nobody asks for them. Where a program
// has used SQLite before its first store, they stay.
void leave_out_memory_statistics() {
  [[maybe_unused]] static const int code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

}  // namespace

Database::Database(const std::filesystem::path& file, Access access, std::chrono::milliseconds patience)
    : file_(file.empty() ? "a temporary database" : file.string()), patience_(patience) {
  // Without SQLite's own mutex: one thread at a time is what the Store's lock says, and reading a cell takes
  // no longer than locking for it.
  const int flags =
      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | (access == Access::write ? SQLITE_OPEN_CREATE : 0);
  leave_out_memory_statistics();
  sqlite3* handle = nullptr;
  // A write-protected file is opened for reading only, by SQLite itself.
  const int code = sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(code, "opening it");
  sqlite3_busy_timeout(handle_.get(), static_cast<int>(patience.count()));
  sqlite3_extended_result_codes(handle_.get(), 1);
}

void Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code, fmt::format("running '{:.60}'", sql));
}

int64_t Database::integer(std::string_view sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(handle_.get());
}

int64_t Database::changes() const {
  return sqlite3_changes64(handle_.get());
}

void Database::fail(int code, std::string_view doing) const {
  const char* reason = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  if ((code & 0xff) == SQLITE_MISUSE || (code & 0xff) == SQLITE_RANGE) {
    throw InternalError(fmt::format("wrong use of SQLite while {}: {}", doing, reason));
  }
  throw Failure(explain(code, file_, doing, reason));
}

Statement::Statement(Database& database, std::string_view sql) : database_(&database) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  statement_.reset(statement);
  if (code != SQLITE_OK) database.fail(code, fmt::format("preparing '{:.200}'", sql));
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  database_->fail(code, fmt::format("running '{:.60}'", sqlite3_sql(statement_.get())));
}

void Statement::reset() {
  sqlite3_reset(statement_.get());  // repeats the last step's error, which was reported then
}

void Statement::check(int code) {
  if (code != SQLITE_OK) database_->fail(code, "binding a value");
}

void Statement::bind_text(int index, std::string_view value) {
  // A view with a null pointer would bind NULL instead of the empty text.
  const char* data = value.data() ? value.data() : "";
  check(sqlite3_bind_text64(statement_.get(), index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::bind_integer(int index, int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), index, value));
}

void Statement::bind_real(int index, double value) {
  check(std::isnan(value) ? sqlite3_bind_null(statement_.get(), index)
                          : sqlite3_bind_double(statement_.get(), index, value));
}

void Statement::bind_null(int index) {
  check(sqlite3_bind_null(statement_.get(), index));
}

int Statement::columns() const {
  return sqlite3_column_count(statement_.get());
}

int Statement::type(int column) const {
  return sqlite3_column_type(statement_.get(), column);
}

bool Statement::is_null(int column) const {
  return type(column) == SQLITE_NULL;
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  return is_null(column) ? std::numeric_limits<double>::quiet_NaN()
                         : sqlite3_column_double(statement_.get(), column);
}

std::string Statement::text(int column) const {
  return std::string(view(column));
}

std::string_view Statement::view(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::optional<std::string> Statement::optional_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

std::optional<double> Statement::optional_real(int column) const {
  if (is_null(column)) return std::nullopt;
  return sqlite3_column_double(statement_.get(), column);
}

std::optional<int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

Transaction::Transaction(Database& database) : database_(&database) {
  database.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_->execute("COMMIT");
  open_ = false;
}

}  // namespace sizeup::sqlite
