#include "harness/store/views.h"

#include <fmt/format.h>

#include "harness/store/connection.h"

namespace sizeup {
namespace {

using sqlite::Database;
using sqlite::Statement;

Result<std::vector<std::string>> names(const Store& store, const char* sql, const std::string& parameter) {
  return with_database(store, [&](Database& database) {
    Statement statement(database, sql);
    statement.bind(parameter);
    std::vector<std::string> found;
    while (statement.step()) found.push_back(statement.text(0));
    return found;
  });
}

ViewCell cell(const Statement& statement, int column) {
  switch (statement.type(column)) {
    case SQLITE_NULL:
      return {};
    case SQLITE_INTEGER:
      return statement.integer(column);
    case SQLITE_FLOAT:
      return statement.real(column);
    default:
      return statement.text(column);
  }
}

}  // namespace

Result<std::vector<std::string>> view_names(const Store& store) {
  return names(store, "SELECT name FROM sqlite_schema WHERE type = ? ORDER BY name", "view");
}

Result<std::vector<std::string>> view_columns(const Store& store, const std::string& view) {
  return names(store, "SELECT name FROM pragma_table_info(?) ORDER BY cid", view);
}

Result<void> read_view(const Store& store, const std::string& view,
                       const std::map<std::string, std::string>& equals,
                       const std::function<Result<void>(std::span<const ViewCell>)>& on_row) {
  std::string sql = fmt::format("SELECT * FROM \"{}\"", view);
  const char* joint = " WHERE ";
  int parameter = 0;
  for (const auto& [column, value] : equals) {
    sql += fmt::format("{}\"{}\" = ?{}", joint, column, ++parameter);
    joint = " AND ";
  }
  Result<void> handled;
  Result<void> read = with_database(store, [&](Database& database) {
    Statement statement(database, sql);
    int index = 0;
    for (const auto& [column, value] : equals) statement.bind_text(++index, value);
    std::vector<ViewCell> row;
    while (handled && statement.step()) {
      row.clear();
      for (int column = 0; column < statement.columns(); ++column) row.push_back(cell(statement, column));
      handled = on_row(row);
    }
  });
  return read ? handled : read;
}

}  // namespace sizeup
