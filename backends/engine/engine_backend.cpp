#include "backends/engine/engine_backend.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <new>
#include <set>
#include <utility>

#include "backends/engine/adapted_weights.h"
#include "backends/engine/architectures/table.h"
#include "backends/engine/engine_run.h"
#include "backends/engine/formats/checkpoint.h"
#include "backends/engine/work.h"
#include "core/timing/utc_time.h"

namespace sizeup {
namespace {

constexpr std::array<std::string_view, 6> kOptions = {"adapter", "cpu_tier", "device",
                                                      "dtype",   "now",      "quant"};

Result<void> check_options(const ModelReference& reference) {
  for (const auto& [key, value] : reference.options) {
    if (std::find(kOptions.begin(), kOptions.end(), key) == kOptions.end()) {
      return usage_error(fmt::format("model '{}': unknown option '{}'", reference.text, key),
                         fmt::format("known: {}", fmt::join(kOptions, ", ")));
    }
  }
  return {};
}

Result<DeviceOptions> device_options(const ModelReference& reference) {
  DeviceOptions options;
  const auto dtype = reference.options.find("dtype");
  if (dtype != reference.options.end()) {
    for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
      if (dtype->second == precision_name(precision)) options.precision = precision;
    }
    if (!options.precision) {
      return usage_error(fmt::format("model '{}': unknown dtype '{}'", reference.text, dtype->second),
                         "known: float32, bfloat16");
    }
  }
  const auto tier = reference.options.find("cpu_tier");
  if (tier != reference.options.end()) options.tier = tier->second;
  return options;
}

Result<std::optional<TensorType>> quant_option(const ModelReference& reference) {
  const auto quant = reference.options.find("quant");
  if (quant == reference.options.end()) return std::nullopt;
  auto type = parse_quant(quant->second, reference.text);
  if (!type) return forward_error(type);
  return *type;
}

Result<std::vector<AdapterChoice>> adapter_option(const ModelReference& reference) {
  const auto adapters = reference.options.find("adapter");
  if (adapters == reference.options.end()) return std::vector<AdapterChoice>();
  return parse_adapters(adapters->second, reference.text);
}

class EngineBackend final : public Backend {
 public:
  EngineBackend(ModelCard card, const DecoderModel& model, TextModel text, std::unique_ptr<Device> device)
      : card_(std::move(card)), text_(std::move(text)), decoder_(model, std::move(device)) {
    DeviceTraits traits = decoder_.device().traits();
    card_.device = std::move(traits.name);
    card_.tier = std::move(traits.tier);
    card_.pci_bus_id = std::move(traits.pci_bus_id);
    card_.precision = precision_name(traits.precision);
    card_.packed_bytes = traits.weight_bytes;
    card_.notes.insert(card_.notes.end(), traits.notes.begin(), traits.notes.end());
    card_.has_chat_template = text_.has_chat_template();
    if (text_.tokenizer().vocabulary() > model.spec.vocabulary) {
      card_.notes.push_back(fmt::format("the tokenizer has {} tokens, the model embeds {}",
                                        text_.tokenizer().vocabulary(), model.spec.vocabulary));
    }
  }

  const ModelCard& card() const override { return card_; }

  Result<std::string> render(const Prompt& prompt) const override {
    auto rendered = text_.render(prompt);
    if (!rendered) return forward_error(rendered);
    return std::move(rendered->text);
  }

  const Tokenizer* tokenizer() const override { return &text_.tokenizer(); }

  Result<RunCounts> run(RequestSource& source, ResponseSink& sink, const RunOptions& options,
                        std::stop_token stop) override {
    return EngineRun(decoder_, text_, sink, options, std::move(stop)).answer(source);
  }

 private:
  ModelCard card_;
  TextModel text_;
  Decoder decoder_;
};

Result<std::unique_ptr<Backend>> open_checked(const ModelReference& reference, DeviceFactory make_device) {
  auto opened = open_weights(reference);
  if (!opened) return forward_error(opened);
  const Checkpoint& checkpoint = *opened->checkpoint;
  const auto now = reference.options.find("now");
  auto text = TextModel::load(checkpoint, now == reference.options.end() ? utc_now() : now->second);
  if (!text) return forward_error(text);
  auto hash = fingerprint(checkpoint);
  if (!hash) return forward_error(hash);
  auto device = make_device(opened->model, opened->options);
  if (!device) return forward_error(device);
  return std::make_unique<EngineBackend>(describe_model(reference, *opened, std::move(*hash)), opened->model,
                                         std::move(*text), std::move(*device));
}

// What quant asks for, if anything.
Result<void> round_weights(OpenedModel& opened, Rounding rounding) {
  if (!opened.quant) return {};
  auto weights = quantise_weights(std::move(opened.checkpoint), opened.model, *opened.quant,
                                  opened.options.threads, rounding);
  if (!weights) return forward_error(weights);
  opened.checkpoint = std::move(weights->checkpoint);
  opened.notes.insert(opened.notes.end(), weights->notes.begin(), weights->notes.end());
  auto model = describe_decoder(*opened.checkpoint);  // its tensors are other ones now
  if (!model) return forward_error(model);
  opened.model = std::move(*model);
  return {};
}

}  // namespace

Result<OpenedModel> open_weights(const ModelReference& reference, Rounding rounding) {
  if (auto checked = check_options(reference); !checked) return forward_error(checked);
  auto options = device_options(reference);
  if (!options) return forward_error(options);
  auto quant = quant_option(reference);
  if (!quant) return forward_error(quant);
  auto adapters = adapter_option(reference);
  if (!adapters) return forward_error(adapters);
  auto checkpoint = open_checkpoint(reference.target);
  if (!checkpoint) return forward_error(checkpoint);
  if ((*checkpoint)->tensors().empty()) {
    return bad_input(reference.target, "the file has a vocabulary but no weights", "a model with tensors");
  }
  auto adapted = adapt_weights(std::move(*checkpoint), *adapters);
  if (!adapted) return forward_error(adapted);
  auto model = describe_decoder(*adapted->checkpoint);
  if (!model) return forward_error(model);
  OpenedModel opened{std::move(adapted->checkpoint), std::move(*model),        std::move(*options), *quant,
                     std::move(adapted->identity),   std::move(adapted->notes)};
  if (auto rounded = round_weights(opened, rounding); !rounded) return forward_error(rounded);
  return opened;
}

WeightsSize weights_size(const OpenedModel& opened) {
  std::set<const Tensor*> left_out;
  for (const UnusedTensor& unused : opened.model.unused) left_out.insert(unused.tensor);
  WeightsSize size;
  for (const Tensor& tensor : opened.checkpoint->tensors()) {
    if (left_out.contains(&tensor)) continue;
    const std::string format(stored_format(tensor));
    const int64_t bytes = stored_bytes(tensor);
    size.parameters += tensor.rows() * tensor.columns();
    size.bytes += bytes;
    size.bytes_by_format[format] += bytes;
    if (tensor.shape.size() >= 2) size.matrix_bytes[format] += bytes;
  }
  return size;
}

ModelCard describe_model(const ModelReference& reference, const OpenedModel& opened, std::string hash) {
  const DecoderModel& model = opened.model;
  const WeightsSize size = weights_size(opened);
  ModelCard card;
  card.name = reference.name;
  card.reference = reference.text;
  if (!opened.adapters.empty()) hash = adapted_fingerprint(hash, opened.adapters);
  card.fingerprint = opened.quant ? quantised_fingerprint(hash, *opened.quant) : std::move(hash);
  card.architecture = model.architecture;
  card.parameters = size.parameters;
  card.bytes = size.bytes;
  card.active_parameters = card.parameters - unused_weights(model.spec);
  card.context_length = model.spec.context_length;
  card.vocabulary = model.spec.vocabulary;
  card.weight_format = describe_weights(size);
  card.backend = "engine";
  card.can_score = true;
  card.can_generate = true;
  card.notes = opened.notes;
  return card;
}

std::string describe_weights(const WeightsSize& size) {
  std::vector<std::pair<int64_t, std::string_view>> formats;
  for (const auto& [name, bytes] : size.matrix_bytes) formats.emplace_back(bytes, name);
  std::sort(formats.rbegin(), formats.rend());
  std::vector<std::string_view> names;
  for (const auto& [bytes, name] : formats) names.push_back(name);
  return fmt::format("{}{}", names.size() > 1 ? "mixed " : "", fmt::join(names, "/"));
}

Result<std::unique_ptr<Backend>> open_engine(const ModelReference& reference, DeviceFactory make_device) {
  try {
    return open_checked(reference, make_device);
  } catch (const std::bad_alloc&) {
    return unavailable(reference.target, "not enough memory for the model's weights",
                       "a quantised file of the model needs less");
  }
}

}  // namespace sizeup
