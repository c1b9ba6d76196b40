// GPTQ as AutoGPTQ and GPTQModel write it: codes packed along the inputs, groups of inputs in any order
// (g_idx). https://github.com/ModelCloud/GPTQModel
#include <algorithm>

#include "backends/engine/formats/quantised/grouped.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

// GPTQModel's overrides for single modules; those that only leave modules out need no reading.
bool changes_modules(const Json& dynamic) {
  if (dynamic.is_null()) return false;
  if (!dynamic.is_object()) return true;
  return std::any_of(dynamic.items().begin(), dynamic.items().end(),
                     [](const auto& item) { return !std::string_view(item.key()).starts_with("-:"); });
}

Result<GroupedForm> gptq_form(const Json& settings, const StoredTensors& tensors) {
  GroupedForm form;
  const Json bits = setting(settings, "bits", Json());
  if (bits != 4 && bits != 8) return tensors.wrong_setting("bits", bits, "4 or 8");
  form.bits = bits.get<int>();
  form.name = form.bits == 4 ? "GPTQ 4-bit" : "GPTQ 8-bit";
  const Json size = setting(settings, "group_size", Json(-1));
  if (!size.is_number_integer() || (size != -1 && size < 1) || size > 1 << 28)
    return tensors.wrong_setting("group_size", size, "inputs of a group, or -1");
  form.group_size = size.get<int64_t>();
  // The first version stores zero points less one: from 1 to 2^bits, as its kernels read them.
  const Json version = setting(settings, "checkpoint_format", setting(settings, "format", Json("gptq")));
  if (version != "gptq" && version != "gptq_v2")
    return tensors.wrong_setting("checkpoint_format", version, "\"gptq\" or \"gptq_v2\"");
  form.zero_offset = version == "gptq" ? 1 : 0;
  if (const Json type = setting(settings, "pack_dtype", Json("int32")); type != "int32")
    return tensors.wrong_setting("pack_dtype", type, "\"int32\"");
  if (const Json dynamic = setting(settings, "dynamic", Json()); changes_modules(dynamic))
    return tensors.wrong_setting("dynamic", dynamic, "the same form for all modules");
  return form;
}

}  // namespace

Result<void> read_gptq(const Json& settings, StoredTensors& tensors) {
  const auto form = gptq_form(settings, tensors);
  if (!form) return tl::unexpected<Error>(form.error());
  for (const std::string& module : grouped_modules(tensors)) {
    if (auto read = read_grouped(module, *form, tensors); !read) return read;
  }
  return {};
}

}  // namespace sizeup
