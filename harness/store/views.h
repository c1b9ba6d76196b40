// The store's views as other programs see them: rows of cells under the columns' names.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/store.h"

namespace sizeup {

using ViewCell = std::variant<std::monostate, int64_t, double, std::string>;  // monostate: NULL

Result<std::vector<std::string>> view_names(const Store& store);
Result<std::vector<std::string>> view_columns(const Store& store, const std::string& view);

// Each row of a view in its order; where `equals` names columns, the rows with these values. The first error
// of on_row ends the reading. on_row must not call the store.
Result<void> read_view(const Store& store, const std::string& view,
                       const std::map<std::string, std::string>& equals,
                       const std::function<Result<void>(std::span<const ViewCell>)>& on_row);

}  // namespace sizeup
