#include "datasets/readers/reader.h"

#include <fmt/format.h>

#include <iterator>

#include "core/io/file.h"
#include "core/io/sha256.h"
#include "core/json/json.h"
#include "datasets/readers/csv_rows.h"
#include "datasets/readers/gzip.h"
#include "datasets/readers/json_rows.h"
#include "datasets/readers/text_lines.h"

namespace sizeup {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 30;  // rows are held in memory, several times the file's size

using Names = std::vector<std::string>;
using Reader = Result<std::vector<Json>> (*)(std::string_view text, const std::string& file, const Names&);

struct Format {
  std::string_view ending;
  bool has_columns;
  Reader read;
};

constexpr Format kFormats[] = {
    {".jsonl", false,
     [](std::string_view text, const std::string& file, const Names&) {
       return read_json_lines(text, file);
     }},
    {".json", false,
     [](std::string_view text, const std::string& file, const Names&) { return read_json(text, file); }},
    {".csv", true,
     [](std::string_view text, const std::string& file, const Names& names) {
       return read_csv(text, ',', file, names);
     }},
    {".tsv", true,
     [](std::string_view text, const std::string& file, const Names& names) {
       return read_csv(text, '\t', file, names);
     }},
};

const Format* format_of(const std::string& ending) {
  for (const Format& format : kFormats) {
    if (format.ending == ending) return &format;
  }
  return nullptr;
}

}  // namespace

Result<Dataset> read_dataset(const std::filesystem::path& file,
                             const std::vector<std::string>& column_names) {
  const std::string place = file.string();
  const bool is_compressed = file.extension() == ".gz";
  const Format* format = format_of((is_compressed ? file.stem() : file).extension().string());
  if (format == nullptr) {
    return bad_input(place, "the file's ending names no known format",
                     ".jsonl, .json, .csv or .tsv, also with .gz");
  }
  if (!column_names.empty() && !format->has_columns) {
    return bad_input(place, "column names are given for a file whose rows name their fields",
                     "column_names with .csv and .tsv files only");
  }
  Result<std::string> bytes = read_file(file, kMaxBytes);
  if (!bytes) return forward_error(bytes);
  Dataset dataset;
  dataset.hash = sha256_hex(*bytes);
  if (is_compressed) {
    bytes = decompress_gzip(*bytes, kMaxBytes, place);
    if (!bytes) return forward_error(bytes);
  }
  Result<std::string_view> text = checked_utf8(*bytes, place);
  if (!text) return forward_error(text);
  Result<std::vector<Json>> rows = format->read(*text, place, column_names);
  if (!rows) return forward_error(rows);
  dataset.rows = std::move(*rows);
  return dataset;
}

}  // namespace sizeup
