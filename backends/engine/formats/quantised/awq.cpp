// AWQ as AutoAWQ writes it in its "gemm" version: codes packed along the outputs in an order of their own.
// https://github.com/casper-hansen/AutoAWQ

#include "backends/engine/formats/quantised/grouped.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

Result<GroupedForm> awq_form(const Json& settings, const StoredTensors& tensors) {
  GroupedForm form{.name = "AWQ 4-bit", .packing = CodePacking::outputs_shuffled};
  // Each key has two names: transformers' and AutoAWQ's own.
  const Json bits = setting(settings, "bits", setting(settings, "w_bit", Json(4)));
  if (bits != 4) return tensors.wrong_setting("bits", bits, "4");
  const Json size = setting(settings, "group_size", setting(settings, "q_group_size", Json(128)));
  if (!size.is_number_integer() || (size != -1 && size < 1) || size > 1 << 28)
    return tensors.wrong_setting("group_size", size, "inputs of a group, or -1");
  form.group_size = size.get<int64_t>();
  const Json version = setting(settings, "version", setting(settings, "format", Json("gemm")));
  if (version != "gemm" && version != "GEMM") return tensors.wrong_setting("version", version, "\"gemm\"");
  if (const Json zeros = setting(settings, "zero_point", Json(true)); zeros != true)
    return tensors.wrong_setting("zero_point", zeros, "true");
  return form;
}

}  // namespace

Result<void> read_awq(const Json& settings, StoredTensors& tensors) {
  const auto form = awq_form(settings, tensors);
  if (!form) return tl::unexpected<Error>(form.error());
  for (const std::string& module : grouped_modules(tensors)) {
    if (auto read = read_grouped(module, *form, tensors); !read) return read;
  }
  return {};
}

}  // namespace sizeup
