// Any bytes as a data file, whose format the first one chooses.
#include <array>
#include <cstdint>
#include <string_view>

#include "core/json/json.h"
#include "datasets/readers/reader.h"
#include "tests/support/files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const sizeup::TemporaryFolder folder;
  constexpr std::array kNames = {"rows.jsonl", "rows.json", "rows.csv", "rows.tsv", "rows.jsonl.gz"};
  if (size == 0) return 0;
  const std::string_view content(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto dataset = sizeup::read_dataset(folder.write(kNames[data[0] % kNames.size()], content));
  if (!dataset) return 0;
  for (const sizeup::Json& row : dataset->rows) {
    if (!row.is_object()) __builtin_trap();
  }
  return 0;
}
