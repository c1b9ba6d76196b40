// Any bytes as a data file, whose format the first one chooses: read as it is, and with its bad rows left
// out.
#include <array>
#include <cstdint>
#include <string_view>

#include "core/json/json.h"
#include "datasets/readers/reader.h"
#include "datasets/readers/row_reader.h"
#include "tests/support/files.h"

namespace {

constexpr int64_t kAnyNumber = 1'000'000'000;
constexpr size_t kMaxBytes = size_t{1} << 30;  // as read_dataset has it

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const sizeup::TemporaryFolder folder;
  constexpr std::array kNames = {"rows.jsonl",    "rows.json", "rows.csv",      "rows.tsv",
                                 "rows.jsonl.gz", "rows.txt",  "rows.jsonl.zst"};
  if (size == 0) return 0;
  const std::string_view content(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto file = folder.write(kNames[data[0] % kNames.size()], content);
  const auto dataset = sizeup::read_dataset(file);
  sizeup::BadRows bad(kAnyNumber);
  sizeup::RowReader reader({file}, {.max_bytes = kMaxBytes}, bad);
  size_t rows = 0;
  auto row = reader.next();
  for (; row && *row; row = reader.next()) {
    if (!(*row)->is_object()) __builtin_trap();
    ++rows;
  }
  const bool same = row && bad.count() == 0 && rows == dataset->rows.size() && reader.hash() == dataset->hash;
  if (dataset && !same) __builtin_trap();
  return 0;
}
