// The "loop" variable: where a for loop is in its items. Items are filtered as they are needed, as in Jinja2,
// because a filter's condition may read what the body sets.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/jinja/value.h"

namespace sizeup::jinja {

struct Loop {
  std::vector<Value> source;                   // every item, before the loop's condition
  size_t next = 0;                             // the first item of `source` not looked at
  std::function<bool(const Value&)> accept;    // the loop's condition; empty if there is none
  std::function<Value(const Value&)> recurse;  // renders the body over other items; empty unless "recursive"
  int64_t index0 = -1;
  int64_t depth0 = 0;
  std::optional<Value> before, current, after;  // `after` is set once somebody looked ahead
  std::optional<std::vector<Value>> last_changed;

  // Steps to the next item; nullopt at the end.
  std::optional<Value> advance();
  // The item after the current one, without stepping.
  const std::optional<Value>& peek();
  // All items; looks at the rest of them.
  int64_t length();

 private:
  std::optional<Value> pull();
};

// An attribute of "loop": index, first, cycle, ...; nullopt for an unknown name.
std::optional<Value> loop_attribute(const std::shared_ptr<Loop>& loop, std::string_view name,
                                    bool strict_undefined);

}  // namespace sizeup::jinja
