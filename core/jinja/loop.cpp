#include "core/jinja/loop.h"

#include <utility>

#include "core/jinja/evaluator.h"

namespace sizeup::jinja {
namespace {

Value cycle(const std::shared_ptr<Loop>& loop) {
  auto function = std::make_shared<Function>();
  function->name = "loop.cycle";
  function->call = [loop](Evaluator&, Arguments& arguments) -> Value {
    if (arguments.positional.empty()) fail("no items for cycling given");
    return arguments.positional[static_cast<size_t>(loop->index0) % arguments.positional.size()];
  };
  return function;
}

Value changed(const std::shared_ptr<Loop>& loop) {
  auto function = std::make_shared<Function>();
  function->name = "loop.changed";
  function->call = [loop](Evaluator& evaluator, Arguments& arguments) -> Value {
    const auto same = [&] {
      if (!loop->last_changed || loop->last_changed->size() != arguments.positional.size()) return false;
      for (size_t i = 0; i < arguments.positional.size(); ++i) {
        if (!equal((*loop->last_changed)[i], arguments.positional[i], evaluator.limits())) return false;
      }
      return true;
    };
    if (same()) return false;
    loop->last_changed = arguments.positional;
    return true;
  };
  return function;
}

}  // namespace

std::optional<Value> Loop::pull() {
  while (next < source.size()) {
    const Value& item = source[next++];
    if (!accept || accept(item)) return item;
  }
  return std::nullopt;
}

std::optional<Value> Loop::advance() {
  std::optional<Value> item = after ? std::exchange(after, std::nullopt) : pull();
  if (!item) return item;
  ++index0;
  before = std::exchange(current, item);
  return item;
}

const std::optional<Value>& Loop::peek() {
  if (!after) after = pull();
  return after;
}

int64_t Loop::length() {
  if (accept) {
    std::vector<Value> rest;
    while (std::optional<Value> item = pull()) rest.push_back(std::move(*item));
    source = std::move(rest);
    next = 0;
    accept = nullptr;
  }
  return index0 + 1 + (after ? 1 : 0) + static_cast<int64_t>(source.size() - next);
}

std::optional<Value> loop_attribute(const std::shared_ptr<Loop>& loop, std::string_view name,
                                    bool strict_undefined) {
  if (name == "index") return loop->index0 + 1;
  if (name == "index0") return loop->index0;
  if (name == "first") return loop->index0 == 0;
  if (name == "last") return !loop->peek().has_value();
  if (name == "length") return loop->length();
  if (name == "revindex") return loop->length() - loop->index0;
  if (name == "revindex0") return loop->length() - loop->index0 - 1;
  if (name == "depth") return loop->depth0 + 1;
  if (name == "depth0") return loop->depth0;
  if (name == "previtem") {
    return loop->before ? *loop->before : make_undefined("there is no previous item", strict_undefined);
  }
  if (name == "nextitem") {
    const auto& following = loop->peek();
    return following ? *following : make_undefined("there is no next item", strict_undefined);
  }
  if (name == "cycle") return cycle(loop);
  if (name == "changed") return changed(loop);
  return std::nullopt;
}

}  // namespace sizeup::jinja
