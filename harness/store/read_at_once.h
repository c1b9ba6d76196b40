// Several reads of one store at the same time.
#pragma once

#include <functional>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/store.h"

namespace sizeup {

using StoreRead = std::function<Result<void>(const Store&)>;

// Does every read, as many at once as there are processors, each thread by a connection of its own: a reading
// SQLite connection keeps one processor busy. The reads begin in their order, so the longest belong first;
// they may not touch the same data. The error is the first one's in the order of the list.
Result<void> read_at_once(const Store& store, const std::vector<StoreRead>& reads);

}  // namespace sizeup
