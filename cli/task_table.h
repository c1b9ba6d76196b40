// The built-in tasks, for `sizeup list tasks` and `sizeup tasks list`.
#pragma once

#include "cli/table.h"
#include "core/errors/result.h"

namespace sizeup::cli {

// `all`: the members of groups too.
Result<Table> task_table(bool all);

}  // namespace sizeup::cli
