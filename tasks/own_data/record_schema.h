// The JSON Schema of given records: types, required fields, and how each value is compared.
#pragma once

#include <vector>

#include "core/errors/result.h"
#include "core/json/json.h"

namespace sizeup {

// Required is what every record has. Texts that are all dates, amounts with a currency or numbers get that
// x-type. Values are objects, or texts that are JSON objects.
Json schema_of_records(const std::vector<Json>& records);

}  // namespace sizeup
