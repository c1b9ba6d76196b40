// Kernels as the shim calls them. C++ forgets Metal's attributes, so what the arguments are comes from the
// kernels' text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/metal/shim/threads.h"

namespace sizeup::metal_shim {

enum class ParameterKind : uint8_t {
  buffer,
  threadgroup_position_in_grid,
  thread_position_in_grid,
  thread_index_in_threadgroup,
  simdgroup_index_in_threadgroup,
  thread_index_in_simdgroup,
};

struct Parameter {
  ParameterKind kind = ParameterKind::buffer;
  size_t index = 0;  // of a buffer
};

// The parameters of every `kernel void name(...)` in a text. Throws KernelError on an attribute that the shim
// does not know, or on a parameter without one.
std::map<std::string, std::vector<Parameter>> read_kernels(std::string_view text);

struct Place {
  uint32_t group[3] = {};
  uint32_t threads = 0;  // of a group, side by side along x
  uint32_t thread = 0;
};

// What is bound to a kernel's buffers; the last are the parameters.
struct Bound {
  std::byte* data = nullptr;
  size_t bytes = 0;
};

// One thread's call.
using Call = std::function<void(std::span<const Parameter>, std::span<const Bound>, const Place&)>;

// A position along one axis, or along all of them.
uint32_t along(const Parameter& parameter, const Place& place, int axis);

template <class T>
decltype(auto) argument(const Parameter& parameter, std::span<const Bound> bound, const Place& place) {
  using Value = std::remove_cvref_t<T>;
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<T>(bound[parameter.index].data);
  } else if constexpr (std::is_reference_v<T>) {
    if (bound[parameter.index].bytes != sizeof(Value)) throw KernelError("parameters of another kernel");
    return *reinterpret_cast<Value*>(bound[parameter.index].data);
  } else if constexpr (std::is_same_v<T, uint32_t>) {
    return along(parameter, place, 0);
  } else {
    return Value{along(parameter, place, 0), along(parameter, place, 1), along(parameter, place, 2)};
  }
}

template <class... Types, size_t... kIndex>
Call call_of(void (*function)(Types...), std::index_sequence<kIndex...>) {
  return [function](std::span<const Parameter> parameters, std::span<const Bound> bound, const Place& place) {
    if (parameters.size() != sizeof...(Types)) throw KernelError("a kernel's text is not what was compiled");
    function(argument<Types>(parameters[kIndex], bound, place)...);
  };
}
template <class... Types>
Call call_of(void (*function)(Types...)) {
  return call_of(function, std::index_sequence_for<Types...>());
}

struct Kernel {
  std::string name;
  std::vector<Parameter> parameters;
  size_t buffers = 0;
  Call call;
};

struct NamedCall {
  std::string_view name;
  Call call;
};
struct NamedConstant {
  std::string_view name;
  int* value = nullptr;
};

// A library of kernels: its text, what was compiled of it, and its function constants.
class KernelTable {
 public:
  KernelTable(std::string_view text, std::vector<NamedCall> calls, std::vector<NamedConstant> constants);

  const Kernel& find(std::string_view name) const;
  const std::vector<NamedConstant>& constants() const { return constants_; }

 private:
  std::map<std::string, Kernel, std::less<>> kernels_;
  std::vector<NamedConstant> constants_;
};

}  // namespace sizeup::metal_shim
