// The name of our JSON type without the cost of its definition.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace sizeup {
using Json = nlohmann::ordered_json;
}
