#include "tests/metal/shim/kernel_table.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace sizeup::metal_shim {
namespace {

struct Attribute {
  std::string_view name;
  ParameterKind kind;
};
constexpr std::array kAttributes{
    Attribute{"threadgroup_position_in_grid", ParameterKind::threadgroup_position_in_grid},
    Attribute{"thread_position_in_grid", ParameterKind::thread_position_in_grid},
    Attribute{"thread_index_in_threadgroup", ParameterKind::thread_index_in_threadgroup},
    Attribute{"simdgroup_index_in_threadgroup", ParameterKind::simdgroup_index_in_threadgroup},
    Attribute{"thread_index_in_simdgroup", ParameterKind::thread_index_in_simdgroup}};

constexpr uint32_t kLanes = 32;

Parameter read_parameter(std::string_view text, const std::string& kernel) {
  const size_t begin = text.find("[[");
  const size_t end = text.find("]]");
  if (begin == std::string_view::npos || end == std::string_view::npos)
    throw KernelError("kernel " + kernel + " has a parameter without an attribute: " + std::string(text));
  const std::string_view attribute = text.substr(begin + 2, end - begin - 2);
  constexpr std::string_view kBuffer = "buffer(";
  if (attribute.starts_with(kBuffer)) {
    Parameter parameter;
    const char* const last = attribute.data() + attribute.size() - 1;  // the parenthesis
    const auto [stop, error] = std::from_chars(attribute.data() + kBuffer.size(), last, parameter.index);
    if (error == std::errc() && stop == last) return parameter;
  }
  for (const Attribute& known : kAttributes) {
    if (known.name == attribute) return {.kind = known.kind};
  }
  throw KernelError("kernel " + kernel +
                    " has an attribute that is not known here: " + std::string(attribute));
}

}  // namespace

std::map<std::string, std::vector<Parameter>> read_kernels(std::string_view text) {
  constexpr std::string_view kKernel = "kernel void ";
  std::map<std::string, std::vector<Parameter>> kernels;
  for (size_t at = text.find(kKernel); at != std::string_view::npos; at = text.find(kKernel, at + 1)) {
    const size_t name = at + kKernel.size();
    const size_t open = text.find('(', name);
    const size_t body = text.find('{', open);
    if (body == std::string_view::npos) throw KernelError("a kernel without a body");
    const std::string kernel(text.substr(name, open - name));
    std::vector<Parameter>& parameters = kernels[kernel];
    std::string_view rest = text.substr(open + 1, text.rfind(')', body) - open - 1);
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      parameters.push_back(read_parameter(rest.substr(0, comma), kernel));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return kernels;
}

uint32_t along(const Parameter& parameter, const Place& place, int axis) {
  switch (parameter.kind) {
    case ParameterKind::threadgroup_position_in_grid:
      return place.group[axis];
    case ParameterKind::thread_position_in_grid:
      return axis == 0 ? place.group[0] * place.threads + place.thread : place.group[axis];
    case ParameterKind::thread_index_in_threadgroup:
      return place.thread;
    case ParameterKind::simdgroup_index_in_threadgroup:
      return place.thread / kLanes;
    case ParameterKind::thread_index_in_simdgroup:
      return place.thread % kLanes;
    case ParameterKind::buffer:
      break;
  }
  throw KernelError("a buffer is no number");
}

KernelTable::KernelTable(std::string_view text, std::vector<NamedCall> calls,
                         std::vector<NamedConstant> constants)
    : constants_(std::move(constants)) {
  auto read = read_kernels(text);
  for (NamedCall& call : calls) {
    const std::string name(call.name);
    Kernel& kernel = kernels_[name];
    kernel.name = name;
    kernel.parameters = std::move(read[name]);
    kernel.call = std::move(call.call);
    std::vector<size_t> indices;
    for (const Parameter& parameter : kernel.parameters) {
      if (parameter.kind == ParameterKind::buffer) indices.push_back(parameter.index);
    }
    std::ranges::sort(indices);
    for (size_t i = 0; i < indices.size(); ++i) {
      if (indices[i] != i) throw KernelError("kernel " + name + " has no buffer " + std::to_string(i));
    }
    kernel.buffers = indices.size();
  }
  if (read.size() != kernels_.size()) throw KernelError("not all kernels of the text are in the table");
}

const Kernel& KernelTable::find(std::string_view name) const {
  const auto found = kernels_.find(name);
  if (found == kernels_.end()) throw KernelError("there is no kernel " + std::string(name));
  return found->second;
}

}  // namespace sizeup::metal_shim
