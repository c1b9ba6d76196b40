// Built without Apache Arrow.
#include "datasets/readers/parquet_rows.h"

namespace sizeup {

std::string parquet_support() {
  return {};
}

Result<std::unique_ptr<RowStream>> parquet_rows(const std::filesystem::path& file) {
  return bad_input(
      file.string(), "is a Parquet file, and this sizeup was built without Apache Arrow", "JSON lines or CSV",
      "convert it (duckdb -c \"copy 'test.parquet' to 'test.jsonl'\"), or build with libarrow and "
      "libparquet");
}

}  // namespace sizeup
