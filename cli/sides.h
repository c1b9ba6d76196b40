// The sides of a comparison as the command line names them.
#pragma once

#include <optional>
#include <string>

#include "core/errors/result.h"
#include "harness/decide/evidence.h"
#include "harness/store/store.h"

namespace sizeup::cli {

// What a side may be; for the help of commands.
inline constexpr const char* kSideHelp =
    "MODEL (in its latest run), RUN:MODEL, RUN, or a file of `sizeup baseline save`";

// Evidence, and the store that it came from while there is one (for texts).
struct LoadedSide {
  Evidence evidence;
  std::optional<Store> store;
};

// A file that ends in .json, or else a name in the store.
Result<LoadedSide> load_side(const std::string& side, const std::string& db);

}  // namespace sizeup::cli
