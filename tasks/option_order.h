// The options of a question in another order, and the right answer where it then stands.
#pragma once

#include <string>
#include <vector>

#include "core/errors/result.h"
#include "core/json/json.h"
#include "tasks/text/changed_text.h"

namespace sizeup {

struct OptionOrder {
  enum class Order { reversed, rotated, shuffled };

  Order order = Order::shuffled;
  std::vector<std::string> choices;  // one field with a list of texts, or several with a text each
  std::string answer;                // the field with the right one: its index, its letter or its text

  // Gives the row's options a new order, which is never the one that they have; where `answer` names a place,
  // it names the new one. bad_input for a row without them.
  Result<void> apply(Json& row, const std::string& place, const TextDraws& draws) const;
};

}  // namespace sizeup
