// sizeup quant-loss A B --text FILE: how far a quantised model's next-token probabilities are from its
// base's.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <new>

#include "backends/engine/decoder.h"
#include "backends/engine/engine_backend.h"
#include "backends/engine/text_windows.h"
#include "backends/engine/tokenizer/tokenizer.h"
#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/model_files.h"
#include "cli/quant_loss_report.h"
#include "cli/table.h"
#include "core/io/file.h"
#include "core/json/json.h"
#include "core/threads/thread_pool.h"

namespace sizeup::cli {
namespace {

constexpr int kDefaultContext = 512;  // llama.cpp's, so that figures can be compared

// Distributions that a step brings from each model: enough rows to keep products busy, whatever the
// vocabulary.
constexpr int64_t kDistributionBytes = int64_t{64} << 20;

struct QuantLossCommand {
  std::string base;
  std::string variant;
  std::string text;
  std::string cpu_tier;  // empty: the best one
  int threads = 0;
  int context = 0;  // 0: the default, or the models' own where that is shorter
  int limit = 0;    // windows; 0: all
  bool json = false;
  bool offline = false;
};

// A model before a device packs it.
struct Side {
  ModelReference reference;
  DeviceFactory make_device = nullptr;
  OpenedModel opened;
  std::unique_ptr<Tokenizer> tokenizer;
};

Result<Side> open_side(const QuantLossCommand& command, const std::string& text) {
  auto model = engine_model(text, command.cpu_tier, command.offline, "gives whole distributions");
  if (!model) return forward_error(model);
  auto opened = open_weights(model->reference);
  if (!opened) return forward_error(opened);
  auto tokenizer = load_tokenizer(*opened->checkpoint);
  if (!tokenizer) return forward_error(tokenizer);
  return Side{std::move(model->reference), model->make_device, std::move(*opened), std::move(*tokenizer)};
}

std::string token_text(const Side& side, const std::vector<Token>& tokens, size_t index) {
  if (index >= tokens.size()) return "none";
  return fmt::format("{} '{}'", tokens[index], side.tokenizer->piece(tokens[index]));
}

// The text's tokens, which both models must agree on: otherwise their distributions are about different
// things.
Result<std::vector<Token>> common_tokens(const Side& base, const Side& variant, const std::string& text) {
  const EncodeOptions options;  // with BOS where the model wants it; special tokens in a text are text
  std::vector<Token> tokens = base.tokenizer->encode(text, options);
  const std::vector<Token> other = variant.tokenizer->encode(text, options);
  const auto [mine, theirs] = std::mismatch(tokens.begin(), tokens.end(), other.begin(), other.end());
  if (mine != tokens.end() || theirs != other.end()) {
    const auto first = static_cast<size_t>(mine - tokens.begin());
    return bad_input(variant.reference.target,
                     fmt::format("tokenises the text differently: token {} is {}", first,
                                 token_text(variant, other, first)),
                     fmt::format("{} as in {}", token_text(base, tokens, first), base.reference.target),
                     "both models must have the same tokenizer");
  }
  const int vocabulary = base.opened.model.spec.vocabulary;
  if (variant.opened.model.spec.vocabulary != vocabulary) {
    return bad_input(variant.reference.target,
                     fmt::format("predicts {} tokens", variant.opened.model.spec.vocabulary),
                     fmt::format("{} as in {}", vocabulary, base.reference.target));
  }
  const auto unknown =
      std::find_if(tokens.begin(), tokens.end(), [&](Token t) { return t < 0 || t >= vocabulary; });
  if (unknown != tokens.end()) {
    return bad_input(base.reference.target,
                     fmt::format("token {} of the text has no embedding", unknown - tokens.begin()),
                     fmt::format("token ids below {}", vocabulary));
  }
  return tokens;
}

Result<TextWindows> windows_of(const QuantLossCommand& command, const Side& base, const Side& variant,
                               std::vector<Token> tokens) {
  const int longest =
      std::min(base.opened.model.spec.context_length, variant.opened.model.spec.context_length);
  if (command.context > longest) {
    return usage_error(
        fmt::format("windows of {} tokens do not fit the models' context of {}", command.context, longest));
  }
  const int length = command.context > 0 ? command.context : std::min(kDefaultContext, longest);
  const SpecialTokens& special = base.tokenizer->special();
  const size_t count = tokens.size();
  TextWindows windows(std::move(tokens), length, special.add_bos ? special.bos : std::nullopt);
  if (windows.count() == 0) {
    return bad_input(command.text, fmt::format("has {} tokens", count),
                     fmt::format("at least one window of {}", length),
                     "a longer text, or a smaller --context");
  }
  return windows;
}

LossModel describe_side(const Side& side) {
  LossModel model;
  model.name = side.reference.name;
  model.reference = side.reference.text;
  model.architecture = side.opened.model.architecture;
  const WeightsSize size = weights_size(side.opened);
  model.weight_format = describe_weights(size);
  model.parameters = size.parameters;
  model.bytes = size.bytes;
  return model;
}

// Packs the weights, tells of the device and closes the file.
Result<Decoder> pack(Side& side, int threads, LossModel& about) {
  fmt::print(stderr, "packing the weights of {}\n", side.reference.name);
  auto device = side.make_device(side.opened.model, side.opened.options);
  if (!device) return forward_error(device);
  Decoder decoder(side.opened.model, std::move(*device));
  side.opened.checkpoint.reset();
  decoder.device().set_threads(threads);
  about.device = decoder.device().traits();
  about.device.notes.insert(about.device.notes.begin(), side.opened.notes.begin(), side.opened.notes.end());
  return decoder;
}

// Two models read the same windows, step by step, so that only a step's distributions are held.
class Comparison {
 public:
  Comparison(Decoder& base, Decoder& variant, int threads)
      : base_(base),
        variant_(variant),
        pool_(threads),
        vocabulary_(static_cast<size_t>(base.spec().vocabulary)) {
    limits_.rows = std::min(base.device().traits().preferred_rows, variant.device().traits().preferred_rows);
    limits_.earlier_tokens = std::max(base.spec().earlier_tokens, variant.spec().earlier_tokens);
    limits_.wanted = static_cast<int>(std::max<int64_t>(
        1, kDistributionBytes / (static_cast<int64_t>(sizeof(float)) * base.spec().vocabulary)));
  }

  void read(const std::vector<Token>& window, int first_scored, std::vector<PositionLoss>& losses) {
    for (const Step& step : window_steps(window, first_scored, limits_)) {
      base_.run(step, base_result_);
      variant_.run(step, variant_result_);
      const size_t done = losses.size();
      losses.resize(done + step.wanted.size());
      pool_.parallel_for(step.wanted.size(), [&](size_t w) {
        const auto row = static_cast<size_t>(step.wanted[w].row);
        const Token next = window[static_cast<size_t>(step.positions[row]) + 1];
        losses[done + w] =
            position_loss(row_of(base_result_, w), row_of(variant_result_, w), static_cast<size_t>(next));
      });
    }
  }

 private:
  std::span<const float> row_of(const StepResult& result, size_t index) const {
    return std::span(result.distributions).subspan(index * vocabulary_, vocabulary_);
  }

  Decoder& base_;
  Decoder& variant_;
  ThreadPool pool_;
  size_t vocabulary_;
  StepLimits limits_;
  StepResult base_result_;
  StepResult variant_result_;
};

// On standard error, now and then.
class WindowProgress {
 public:
  void show(int done, int count) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::seconds(5)) return;
    last_ = now;
    fmt::print(stderr, "window {} of {}\n", done, count);
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// Both models' keys, values and states of one window.
Result<void> check_memory(const Decoder& base, const Decoder& variant, int context) {
  const DeviceTraits ours = base.device().traits();
  const DeviceTraits theirs = variant.device().traits();
  const int64_t needed = int64_t{pages_for(context)} * (ours.page_bytes + theirs.page_bytes) +
                         ours.state_bytes + theirs.state_bytes;
  // What was left after the second model's weights were packed; 0: not known.
  if (theirs.page_memory == 0 || needed <= theirs.page_memory) return {};
  return unavailable(theirs.name,
                     fmt::format("keys and values of both models need {} for windows of {} tokens",
                                 bytes_in_words(needed), context),
                     "free memory, or a smaller --context");
}

Result<QuantisationLoss> compare(Decoder& base, Decoder& variant, const TextWindows& text, int count,
                                 int threads) {
  Comparison comparison(base, variant, threads);
  WindowProgress progress;
  std::vector<PositionLoss> losses;
  std::vector<int64_t> windows;
  for (int i = 0; i < count; ++i) {
    comparison.read(text.window(i), text.first_scored(), losses);
    windows.resize(losses.size(), i);
    progress.show(i + 1, count);
  }
  for (const PositionLoss& loss : losses) {
    if (!std::isnan(loss.divergence) && !std::isnan(loss.base_logprob - loss.variant_logprob)) continue;
    return bad_input("", "a model's log-probability is not a number", "", "its weights may be damaged");
  }
  return quantisation_loss(losses, windows);
}

Outcome measure(const QuantLossCommand& command) {
  auto text = read_file(command.text);
  if (!text) return forward_error(text);
  auto base = open_side(command, command.base);
  if (!base) return forward_error(base);
  auto variant = open_side(command, command.variant);
  if (!variant) return forward_error(variant);
  auto tokens = common_tokens(*base, *variant, *text);
  if (!tokens) return forward_error(tokens);
  LossConditions conditions;
  conditions.base = describe_side(*base);
  conditions.variant = describe_side(*variant);
  conditions.text = std::filesystem::path(command.text).filename().string();
  conditions.tokens = static_cast<int64_t>(tokens->size());
  conditions.threads = command.threads > 0 ? command.threads : ThreadPool::available_processors();
  auto windows = windows_of(command, *base, *variant, std::move(*tokens));
  if (!windows) return forward_error(windows);
  const int count = command.limit > 0 ? std::min(command.limit, windows->count()) : windows->count();
  conditions.windows = count;
  conditions.context = static_cast<int>(windows->window(0).size());

  auto base_decoder = pack(*base, conditions.threads, conditions.base);
  if (!base_decoder) return forward_error(base_decoder);
  auto variant_decoder = pack(*variant, conditions.threads, conditions.variant);
  if (!variant_decoder) return forward_error(variant_decoder);
  if (auto fits = check_memory(*base_decoder, *variant_decoder, conditions.context); !fits) {
    return forward_error(fits);
  }
  const auto loss = compare(*base_decoder, *variant_decoder, *windows, count, conditions.threads);
  if (!loss) return tl::unexpected<Error>(loss.error());
  const Json report = loss_to_json(conditions, *loss);
  fmt::print("{}", command.json ? to_line(report) + "\n" : loss_to_text(report));
  return 0;
}

Outcome quant_loss(const QuantLossCommand& command) {
  try {
    return measure(command);
  } catch (const std::bad_alloc&) {
    return unavailable(command.variant, "not enough memory for both models and their distributions",
                       "both are in memory at once: free some, or compare smaller files");
  }
}

}  // namespace

std::function<Outcome()> add_quant_loss(CLI::App& app) {
  auto command = std::make_shared<QuantLossCommand>();
  app.footer(
      "The text is tokenised once and cut into windows that each begin with an empty context (and BOS, where "
      "the model wants it).\nOnly the second half of a window is scored, as llama.cpp's perplexity program "
      "does, so that each scored token has at least\nhalf a window before it. Both models are in memory at "
      "once.");
  app.add_option("base", command->base, "Model reference: what is compared with")->required();
  app.add_option("variant", command->variant, "Model reference with the same tokenizer, quantised further")
      ->required();
  app.add_option("--text", command->text, "A text file")->required();
  app.add_option("--context", command->context,
                 "Tokens of a window (default: 512, or the models' context if shorter)")
      ->check(CLI::Range(4, 1 << 20));
  app.add_option("--limit", command->limit, "Read so many windows only")->check(CLI::Range(1, 1 << 30));
  app.add_option("--threads", command->threads, "Threads (default: all processors)")
      ->check(CLI::Range(1, 4096));
  add_cpu_tier(app, command->cpu_tier);
  add_offline(app, command->offline);
  app.add_flag("--json", command->json, "JSON instead of tables");
  return [command] { return quant_loss(*command); };
}

}  // namespace sizeup::cli
