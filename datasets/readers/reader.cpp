#include "datasets/readers/reader.h"

#include <optional>

#include "core/json/json.h"
#include "datasets/readers/row_reader.h"

namespace sizeup {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 30;  // rows are held in memory, several times the file's size

}  // namespace

Result<Dataset> read_dataset(const std::filesystem::path& file) {
  BadRows none;
  RowReader reader({file}, {.max_bytes = kMaxBytes}, none);
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
