#include "datasets/hub/rows_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>

#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr int64_t kMaxRows = 10'000'000;  // 100,000 requests: such a data set is downloaded as files
constexpr const char* kTakeFiles =
    "download the data set's files, and name them in dataset_kwargs.data_files";

const Json* member(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found == object.end() ? nullptr : &*found;
}

std::string text_member(const Json& object, const char* key) {
  const Json* value = member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::optional<int64_t> count_member(const Json& object, const char* key) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_number_unsigned()) return std::nullopt;
  const auto count = value->get<uint64_t>();
  if (count > static_cast<uint64_t>(kMaxRows)) return kMaxRows + 1;
  return static_cast<int64_t>(count);
}

tl::unexpected<Error> no_rows_service(const std::string& place) {
  return unavailable(place, "the answer is not the rows service's",
                     "HF_ENDPOINT or SIZEUP_ROWS_ENDPOINT must be the address of one");
}

// The row as a line, if it is row `index` with all its cells.
Result<std::string> line_of(const Json& entry, int64_t index, const std::string& place) {
  const Json* row = member(entry, "row");
  if (row == nullptr || !row->is_object()) return no_rows_service(place);
  if (count_member(entry, "row_idx") != index) {
    return unavailable(place, fmt::format("the service sends another row where row {} was asked for", index));
  }
  const Json* cut = member(entry, "truncated_cells");
  if (cut != nullptr && !cut->empty()) {
    return bad_input(place, fmt::format("the service cuts cells of row {}", index), "whole rows", kTakeFiles);
  }
  return to_line(*row) + "\n";
}

}  // namespace

Result<RowsPage> parse_rows_page(std::string_view json, int64_t offset, const std::string& place) {
  const Result<Json> parsed = parse_json(json, place);
  if (!parsed) return no_rows_service(place);
  const Json* rows = member(*parsed, "rows");
  const std::optional<int64_t> total = count_member(*parsed, "num_rows_total");
  if (rows == nullptr || !rows->is_array() || !total) return no_rows_service(place);
  const Json* partial = member(*parsed, "partial");
  if (partial != nullptr && *partial == true) {
    return bad_input(place, "the service knows a part of the data set only", "all of its rows", kTakeFiles);
  }
  if (*total > kMaxRows) {
    return bad_input(place, fmt::format("the split has more than {} rows", kMaxRows), {}, kTakeFiles);
  }
  RowsPage page;
  page.total = *total;
  page.count = static_cast<int64_t>(rows->size());
  const int64_t expected = std::clamp<int64_t>(page.total - offset, 0, kRowsPerPage);
  if (page.count != expected) {
    return unavailable(
        place,
        fmt::format("the service sends {} rows from row {} on, and says that there are {} in all", page.count,
                    offset, page.total),
        "try again later; what has arrived is kept");
  }
  for (int64_t i = 0; i < page.count; ++i) {
    Result<std::string> line = line_of((*rows)[static_cast<size_t>(i)], offset + i, place);
    if (!line) return forward_error(line);
    page.lines += *line;
  }
  return page;
}

Result<std::string> find_config(std::string_view json, const HubRows& rows, const std::string& place) {
  const Result<Json> parsed = parse_json(json, place);
  const Json* listed = parsed ? member(*parsed, "splits") : nullptr;
  if (listed == nullptr || !listed->is_array()) return no_rows_service(place);
  std::map<std::string, std::vector<std::string>> splits;  // by config
  for (const Json& entry : *listed)
    splits[text_member(entry, "config")].push_back(text_member(entry, "split"));
  const auto config = splits.size() == 1 && rows.config.empty()
                          ? splits.begin()
                          : splits.find(rows.config.empty() ? "default" : rows.config);
  if (config == splits.end()) {
    std::vector<std::string> names;
    for (const auto& [name, unused] : splits) names.push_back(name);
    return bad_input(rows.text(),
                     rows.config.empty() ? "the data set has several configs, and none is named"
                                         : fmt::format("the data set has no config '{}'", rows.config),
                     fmt::format("one of {}", fmt::join(names, ", ")), "dataset_name names it");
  }
  const std::vector<std::string>& there = config->second;
  if (std::find(there.begin(), there.end(), rows.split) == there.end()) {
    return bad_input(rows.text(), fmt::format("the data set has no split '{}'", rows.split),
                     fmt::format("one of {}", fmt::join(there, ", ")));
  }
  return config->first;
}

}  // namespace sizeup
