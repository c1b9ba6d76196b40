// What the rows service answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "datasets/hub/rows.h"

namespace sizeup {

constexpr int64_t kRowsPerPage = 100;  // the most that the service gives

struct RowsPage {
  int64_t total = 0;  // rows of the split
  int64_t count = 0;  // of this page
  std::string lines;  // its rows, each a line of JSON
};

// The page that begins at row `offset`; `place` is the address it came from. unavailable if it has other rows
// than were asked for; bad_input if the service cuts cells, or knows a part of the split only.
Result<RowsPage> parse_rows_page(std::string_view json, int64_t offset, const std::string& place);

// The config that `rows` means, of those that the service lists. bad_input if it has no such config or split.
Result<std::string> find_config(std::string_view json, const HubRows& rows, const std::string& place);

}  // namespace sizeup
