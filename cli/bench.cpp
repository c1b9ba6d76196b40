// sizeup bench MODEL: how fast the built-in engine is with this model, beside what the machine can do at
// most; with --scenario or --sweep how fast any model answers under stated load.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdlib.h>

#include <memory>
#include <new>

#include "backends/engine/engine_backend.h"
#include "cli/bench_report.h"
#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/load.h"
#include "cli/model_files.h"
#include "core/json/json.h"
#include "core/threads/thread_pool.h"
#include "core/timing/utc_time.h"
#include "harness/run/machine.h"

namespace sizeup::cli {
namespace {

struct BenchCommand {
  std::string model;
  std::string cpu_tier;  // empty: the best one
  int threads = 0;
  std::vector<int> step_tokens;
  int prompt = 0;
  std::vector<int> streams;
  int questions = 0;
  bool quick = false;
  bool offline = false;
  bool json = false;
  LoadCommand load;
};

// The settings of the command line; what it leaves open fits the model's context.
Result<SpeedSettings> settings_of(const BenchCommand& command, int context_length) {
  SpeedSettings settings = command.quick ? SpeedSettings::quick() : SpeedSettings();
  if (!command.step_tokens.empty()) settings.step_rows = command.step_tokens;
  if (!command.streams.empty()) settings.streams = command.streams;
  if (command.questions > 0) settings.shared.questions = command.questions;
  if (command.prompt > context_length) {
    return usage_error(fmt::format("prompts of {} tokens do not fit the model's context of {}",
                                   command.prompt, context_length));
  }
  if (command.prompt > 0) settings.prompt = command.prompt;
  settings.fit(context_length);
  if (settings.positions() > context_length) {
    return usage_error(fmt::format("the model's context of {} is too short to measure {} positions",
                                   context_length, settings.positions()),
                       "fewer --streams, larger --step-tokens or --quick");
  }
  return settings;
}

// Of the last minute; negative where the system does not say.
double load_average() {
  double load = -1.0;
  return getloadavg(&load, 1) == 1 ? load : -1.0;
}

Result<BenchConditions> conditions_of(const ModelReference& reference, const OpenedModel& opened) {
  BenchConditions conditions;
  conditions.model = reference.name;
  conditions.architecture = opened.model.architecture;
  const WeightsSize size = weights_size(opened);
  conditions.weight_format = describe_weights(size);
  conditions.parameters = size.parameters;
  auto machine = parse_json(describe_machine(), "machine");
  if (!machine) return forward_error(machine);
  conditions.cpu = (*machine)["cpu"].get<std::string>();
  conditions.date = utc_now();
  conditions.load_average = load_average();
  return conditions;
}

void show_progress(const std::string& text) {
  fmt::print(stderr, "measuring: {}\n", text);
}

// Runs once the model's weights are known; the checkpoint is closed when they are packed.
Outcome measure(const BenchCommand& command, const EngineModel& model) {
  auto opened = open_weights(model.reference);
  if (!opened) return forward_error(opened);
  auto settings = settings_of(command, opened->model.spec.context_length);
  if (!settings) return forward_error(settings);
  auto conditions = conditions_of(model.reference, *opened);
  if (!conditions) return forward_error(conditions);
  conditions->threads = command.threads > 0 ? command.threads : ThreadPool::available_processors();

  show_progress("the machine's limits");
  const std::array thread_counts = {conditions->threads};
  const MachineLimits limits = model.measure_limits(thread_counts);
  show_progress("packing the weights");
  auto device = model.make_device(opened->model, opened->options);
  if (!device) return forward_error(device);
  Decoder decoder(opened->model, std::move(*device));
  opened->checkpoint.reset();
  decoder.device().set_threads(conditions->threads);
  conditions->device = decoder.device().traits();
  std::vector<std::string>& notes = conditions->device.notes;
  notes.insert(notes.begin(), opened->notes.begin(), opened->notes.end());

  const DecoderSpeed speed = measure_speed(decoder, *settings, show_progress);
  const Json report = bench_to_json(*conditions, limits, decoder.spec(), *settings, speed);
  fmt::print("{}", command.json ? to_line(report) + "\n" : bench_to_text(report));
  return 0;
}

Outcome bench(const BenchCommand& command) {
  if (command.load.wanted()) {
    auto model = with_cpu_tier(command.model, command.cpu_tier);
    if (!model) return forward_error(model);
    return bench_load(command.load, *model, command.prompt, command.threads, command.offline, command.json);
  }
  auto model = engine_model(command.model, command.cpu_tier, command.offline, "can be measured");
  if (!model) return forward_error(model);
  try {
    return measure(command, *model);
  } catch (const std::bad_alloc&) {
    return unavailable(model->reference.target, "not enough memory for the model and what is measured",
                       "smaller --step-tokens and --streams need less");
  }
}

}  // namespace

std::function<Outcome()> add_bench(CLI::App& app) {
  auto command = std::make_shared<BenchCommand>();
  app.add_option("model", command->model, "Model reference; no tokenizer is needed")->required();
  app.add_option("--threads", command->threads, "Threads (default: all processors)")
      ->check(CLI::Range(1, 4096));
  app.add_option("--step-tokens", command->step_tokens, "Tokens computed in one step, several sizes")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 16));
  app.add_option("--prompt", command->prompt, "Length of prompts in tokens")->check(CLI::Range(1, 1 << 20));
  app.add_option("--streams", command->streams, "Answers generated at once, several counts")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  app.add_option("--questions", command->questions, "Multiple-choice questions that share a prefix")
      ->check(CLI::Range(1, 1 << 20));
  add_load_options(app, command->load);
  add_cpu_tier(app, command->cpu_tier);
  add_offline(app, command->offline);
  app.add_flag("--quick", command->quick, "Small sizes, each measured once");
  app.add_flag("--json", command->json, "JSON instead of tables");
  return [command] { return bench(*command); };
}

}  // namespace sizeup::cli
