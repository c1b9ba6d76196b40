#include "datasets/readers/reader.h"

#include <optional>

#include "core/json/json.h"
#include "datasets/readers/row_reader.h"

namespace sizeup {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 30;  // rows are held in memory, several times the file's size

}  // namespace

Result<Dataset> read_dataset(const std::filesystem::path& file,
                             const std::vector<std::string>& column_names) {
  BadRows none;
  RowReader reader({file}, {column_names, TextRows::lines, kMaxBytes}, none);
  Dataset dataset;
  while (true) {
    Result<std::optional<Json>> row = reader.next();
    if (!row) return forward_error(row);
    if (!*row) break;
    dataset.rows.push_back(std::move(**row));
  }
  dataset.hash = reader.hash();
  return dataset;
}

}  // namespace sizeup
