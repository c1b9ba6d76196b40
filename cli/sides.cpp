#include "cli/sides.h"

#include <utility>

#include "harness/decide/baseline_file.h"

namespace sizeup::cli {

Result<LoadedSide> load_side(const std::string& side, const std::string& db) {
  if (side.ends_with(".json")) {
    Result<Evidence> evidence = read_baseline(side);
    if (!evidence) return forward_error(evidence);
    return LoadedSide{std::move(*evidence), std::nullopt};
  }
  Result<Store> store = Store::open(db, StoreAccess::read);
  if (!store) return forward_error(store);
  Result<Evidence> evidence = load_evidence(*store, side);
  if (!evidence) return forward_error(evidence);
  return LoadedSide{std::move(*evidence), std::move(*store)};
}

}  // namespace sizeup::cli
