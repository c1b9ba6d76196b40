// The store's one connection, shared by the files of this folder.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "core/json/json_fwd.h"
#include "harness/store/records.h"
#include "harness/store/sqlite.h"
#include "harness/store/store.h"
#include "harness/store/texts.h"

namespace sizeup {

struct Store::Connection {
  Connection(std::filesystem::path path, sqlite::Access access, std::chrono::milliseconds patience)
      : file(std::move(path)), database(file, access, patience) {}

  std::filesystem::path file;
  sqlite::Database database;
  TextRule texts;
  std::mutex mutex;  // held for a whole function of the store, or a whole group commit
};

// body(database) under the store's lock, failures as Results.
template <class Body>
auto with_database(const Store& store, Body&& body) {
  const std::lock_guard lock(store.connection().mutex);
  return sqlite::guarded([&] { return body(store.connection().database); });
}

// What has to hold before a file is opened for reading.
Result<void> store_exists(const std::filesystem::path& file);
// Throws sqlite::Failure for a database of another program or of a newer sizeup.
void check_version(sqlite::Database& database, const std::string& file);
// Makes the tables of an empty file, or those that an older one lacks.
void bring_up_to_date(sqlite::Database& database);

// The JSON columns. The readers throw sqlite::Failure for a cell that is not what the store writes.
std::string to_json(const std::map<std::string, std::string>& object);
std::string to_json(const std::vector<MetricRow>& metrics);
std::string to_json(const std::vector<std::string>& texts);
std::string to_json(const std::vector<int32_t>& numbers);
std::string to_json(const std::vector<float>& numbers);
std::string to_json(const std::vector<std::pair<std::string, double>>& weighed);
std::map<std::string, std::string> text_map(const std::string& json);
std::vector<MetricRow> metric_rows(const std::string& json);
std::vector<std::string> text_list(const std::string& json);
std::vector<int32_t> integer_list(const std::string& json);
std::vector<float> float_list(const std::string& json);
std::vector<std::pair<std::string, double>> weighed_list(const std::string& json);

// The columns of `response` and its prompt, in the order that read_response expects.
extern const char* const kResponseColumns;
ResponseRow read_response(const sqlite::Statement& statement, int first_column);

}  // namespace sizeup
