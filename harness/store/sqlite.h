// RAII over SQLite's C API, for .cpp files of the harness that keep rows: no header of another folder
// includes this. Failures are thrown here and become Results at public functions (guarded).
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/errors/result.h"

namespace sizeup::sqlite {

class Failure : public std::exception {
 public:
  explicit Failure(Error error) : error_(std::move(error)) {}
  const Error& error() const { return error_; }
  const char* what() const noexcept override { return error_.message.c_str(); }

 private:
  Error error_;
};

enum class Access { read, write };

// How long to wait for another process. A group commit takes milliseconds, a merge or a prune seconds.
constexpr std::chrono::milliseconds kPatience{10'000};

// One connection. Not for several threads at once: the Store guards it.
class Database {
 public:
  // Access::write creates the file; without a name it is a temporary one that goes with the connection.
  Database(const std::filesystem::path& file, Access access, std::chrono::milliseconds patience = kPatience);

  void execute(const std::string& sql);
  int64_t integer(std::string_view sql);  // of the first row, first column; 0 if there is none
  int64_t last_insert_id() const;
  int64_t changes() const;
  sqlite3* handle() const { return handle_.get(); }
  std::chrono::milliseconds patience() const { return patience_; }
  [[noreturn]] void fail(int code, std::string_view doing) const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::string file_;
  std::chrono::milliseconds patience_;
  std::unique_ptr<sqlite3, Close> handle_;
};

// A prepared statement: bind(...) the parameters, then step() until it returns false.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);

  // Resets the statement and binds its parameters in order. Texts must outlive the steps.
  template <class... Values>
  Statement& bind(const Values&... values) {
    reset();
    int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }
  bool step();  // true: a row is there
  void run() {  // for statements without rows
    while (step()) {
    }
    reset();
  }

  // One parameter, from 1, where their number is known at run time only; bind(...) is for all others.
  void bind_text(int index, std::string_view value);

  int columns() const;
  int type(int column) const;  // of the row's value: SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, ...
  bool is_null(int column) const;
  int64_t integer(int column) const;
  double real(int column) const;  // NULL reads as NaN
  std::string text(int column) const;
  std::string_view view(int column) const;  // of the row's text: until the next step
  std::optional<std::string> optional_text(int column) const;
  std::optional<double> optional_real(int column) const;
  std::optional<int64_t> optional_integer(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  void reset();
  void check(int code);
  void bind_integer(int index, int64_t value);
  void bind_real(int index, double value);  // NaN binds as NULL
  void bind_null(int index);

  template <class Value>
  void bind_one(int index, const Value& value) {
    if constexpr (std::is_integral_v<Value>) {
      bind_integer(index, static_cast<int64_t>(value));
    } else if constexpr (std::is_floating_point_v<Value>) {
      bind_real(index, value);
    } else {
      bind_text(index, value);
    }
  }
  template <class Value>
  void bind_one(int index, const std::optional<Value>& value) {
    if (value) return bind_one(index, *value);
    bind_null(index);
  }

  Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// BEGIN IMMEDIATE ... COMMIT; rolls back when it is left without commit().
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database* database_;
  bool open_ = true;
};

// Runs body and turns a Failure into the Result's error.
template <class Body>
auto guarded(Body&& body) -> Result<std::invoke_result_t<Body>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Body>>) {
      body();
      return {};
    } else {
      return body();
    }
  } catch (const Failure& failure) {
    return tl::unexpected<Error>(failure.error());
  }
}

}  // namespace sizeup::sqlite
