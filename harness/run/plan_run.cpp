#include "harness/run/plan_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "core/json/json.h"
#include "core/random/counter_random.h"

namespace sizeup {
namespace {

// What benchmarks have is read from its files once; of larger data so many documents take some ten megabytes.
constexpr int64_t kHeldDocuments = 10'000;

std::string card_json(const ModelCard& card) {
  Json json = {{"name", card.name},
               {"reference", card.reference},
               {"fingerprint", card.fingerprint},
               {"architecture", card.architecture},
               {"parameters", card.parameters},
               {"active_parameters", card.active_parameters},
               {"bytes", card.bytes},
               {"packed_bytes", card.packed_bytes},
               {"context_length", card.context_length},
               {"vocabulary", card.vocabulary},
               {"weight_format", card.weight_format},
               {"backend", card.backend},
               {"device", card.device},
               {"tier", card.tier},
               {"precision", card.precision},
               {"can_score", card.can_score},
               {"can_generate", card.can_generate},
               {"has_chat_template", card.has_chat_template},
               {"recorded", card.recorded},
               {"has_latencies", card.has_latencies},
               {"currency", card.currency},
               {"notes", card.notes}};
  if (!card.policy.empty()) json["policy"] = card.policy;
  return to_line(json);
}

Result<std::vector<ModelReference>> parse_models(const RunSettings& settings) {
  if (settings.models.empty()) return usage_error("no model is given", "name one with --model");
  std::vector<ModelReference> references;
  std::set<std::string> names;
  for (const std::string& text : settings.models) {
    Result<ModelReference> reference = ModelReference::parse(text);
    if (!reference) return forward_error(reference);
    if (!names.insert(reference->name).second) {
      return usage_error(fmt::format("two models are named '{}'", reference->name),
                         "give them names: --model small=REF --model large=REF");
    }
    references.push_back(std::move(*reference));
  }
  for (const auto& [name, prices] : settings.prices) {
    if (!names.contains(name)) {
      return usage_error(fmt::format("prices name the model '{}', which the run does not have", name),
                         fmt::format("its models: {}", fmt::join(names, ", ")));
    }
  }
  return references;
}

// A local model's template sees the run's time; an endpoint renders its templates itself.
Result<LoadedModel> load_model(ModelReference reference, const std::string& now,
                               const RunEnvironment& environment) {
  if (reference.scheme != "openai") reference.options["now"] = now;
  Result<std::unique_ptr<Backend>> backend = environment.open_model(reference);
  if (!backend) return forward_error(backend);
  LoadedModel model;
  model.backend = std::move(*backend);
  const ModelCard& card = model.backend->card();
  model.row.name = reference.name;
  model.row.reference = card.reference;
  model.row.fingerprint = card.fingerprint;
  model.row.card = card_json(card);
  return model;
}

SampleRow row_of(const Sample& sample) {
  SampleRow row;
  row.document_id = sample.id;
  row.document_hash = sample.document_hash;
  row.row = sample.index;
  row.prompt = shown_prompt(sample);
  row.target = sample.target;
  row.source = sample.source;
  row.slices = sample.slices;
  return row;
}

// In their order, some at a time. `samples` must outlive the list.
SampleList rows_of(TaskSamples& samples) {
  return {samples.size(), [&samples](size_t place) -> Result<SampleRow> {
            constexpr size_t kTogether = 1000;
            if (place % kTogether == 0) {
              std::vector<size_t> places(std::min(kTogether, samples.size() - place));
              std::iota(places.begin(), places.end(), place);
              if (Result<void> held = samples.hold(places); !held) return forward_error(held);
            }
            return row_of(samples[place]);
          }};
}

TaskRow row_of(const Task& task) {
  TaskRow row;
  row.name = task.name();
  row.version = task.version();
  row.definition_hash = task.definition_hash();
  row.data_hash = task.data_hash();
  row.output_type = name_of(task.output_type());
  row.description = task.description();
  for (const MetricInfo& metric : task.metrics()) {
    row.metrics.push_back({metric.name, metric.description, metric.higher_is_better, metric.is_mean});
  }
  row.slice_fields = task.slice_fields();
  return row;
}

// `room`: how many of its samples may be kept.
Result<LoadedTask> load(const SelectedTask& selected, const RunSettings& settings,
                        const RunEnvironment& environment, size_t room) {
  LoadedTask loaded;
  loaded.bad_rows = std::make_unique<BadRows>(settings.max_bad_rows);
  TaskOptions options;
  options.num_fewshot = settings.num_fewshot;
  options.data_dir = settings.data_dir;
  options.overrides = selected.overrides;
  options.system_instruction = settings.system_instruction;
  options.gen_prefix = settings.gen_prefix;
  options.fewshot_as_multiturn = settings.fewshot_as_multiturn;
  options.rows = settings.samples;
  options.held_documents = kHeldDocuments;
  options.bad_rows = loaded.bad_rows.get();
  Result<std::unique_ptr<Task>> task = environment.open_task(selected.file, options);
  if (!task) return forward_error(task);
  loaded.task = std::move(*task);
  Result<TaskSamples> samples = TaskSamples::read(*loaded.task, settings.limit, *loaded.bad_rows, room);
  if (!samples) return forward_error(samples);
  if (samples->size() == 0) return bad_input(selected.file, "the task has no documents", "at least one");
  loaded.samples = std::move(*samples);
  loaded.row = row_of(*loaded.task);
  return loaded;
}

Result<SelectedTask> guessed_task(const RunSettings& settings, const RunEnvironment& environment) {
  Result<TaskGuess> guess = environment.guess_task(*settings.data, settings.max_bad_rows);
  if (!guess) return forward_error(guess);
  return task_of(*guess, settings.data->file);
}

Result<void> load_tasks(RunPlan& plan, const RunEnvironment& environment) {
  if (plan.settings.tasks.empty() && !plan.settings.data)
    return usage_error("no task is given", "name one with --task, or a data file with --data");
  Result<TaskSelection> selection = environment.select_tasks(plan.settings.tasks);
  if (!selection) return forward_error(selection);
  if (plan.settings.data) {
    Result<SelectedTask> own = guessed_task(plan.settings, environment);
    if (!own) return forward_error(own);
    selection->tasks.push_back(std::move(*own));
  }
  plan.groups = std::move(selection->groups);
  std::set<std::string> names;
  size_t room = environment.portion_samples;
  for (const SelectedTask& selected : selection->tasks) {
    Result<LoadedTask> task = load(selected, plan.settings, environment, room);
    if (!task) return forward_error(task);
    if (task->samples->kept()) room -= task->samples->size();
    if (!names.insert(task->row.name).second) {
      return usage_error(fmt::format("two tasks are named '{}'", task->row.name), "leave one of them out");
    }
    plan.tasks.push_back(std::move(*task));
  }
  for (const auto& [name, rows] : plan.settings.samples) {
    if (names.contains(name)) continue;
    return usage_error(
        fmt::format("documents are chosen for the task '{}', which the run does not have", name),
        fmt::format("its tasks: {}", fmt::join(names, ", ")));
  }
  return {};
}

Result<void> settle_protocol(RunPlan& plan) {
  std::vector<const ModelCard*> cards;
  for (const LoadedModel& model : plan.models) cards.push_back(&model.backend->card());
  std::vector<TaskKind> kinds;
  for (const LoadedTask& task : plan.tasks) kinds.push_back({task.row.name, task.task->output_type()});
  Result<Protocol> protocol = choose_protocol(plan.settings.protocol, cards, kinds);
  if (!protocol) return forward_error(protocol);
  plan.protocol = *protocol;

  const auto without = std::find_if(cards.begin(), cards.end(),
                                    [](const ModelCard* card) { return !card->has_chat_template; });
  plan.asking.seed = plan.settings.seed;
  const auto texts_only = std::find_if(cards.begin(), cards.end(), [&](const ModelCard* card) {
    return plan.protocol == Protocol::likelihood && card->can_score && !card->scores_conversations;
  });
  const bool scores = std::any_of(kinds.begin(), kinds.end(), [](const TaskKind& kind) {
    return kind.output_type == OutputType::multiple_choice || kind.output_type == OutputType::loglikelihood;
  });
  const bool plain = scores && texts_only != cards.end();
  plan.asking.chat_template = plan.settings.apply_chat_template.value_or(without == cards.end() && !plain);
  if (plan.asking.chat_template && without != cards.end()) {
    return unavailable((*without)->name, "has no chat template", "run without --apply-chat-template");
  }
  if (plan.asking.chat_template && plain) {
    return unavailable((*texts_only)->name, "scores plain texts only, no conversations",
                       "run without --apply-chat-template, or with --protocol generative");
  }
  const auto conversation = std::find_if(plan.tasks.begin(), plan.tasks.end(), [](const LoadedTask& task) {
    return task.samples->has_conversations();
  });
  if (!plan.asking.chat_template && conversation != plan.tasks.end()) {
    return usage_error(
        fmt::format("task '{}' holds conversations, which need a chat template", conversation->row.name),
        "take models that have one, or leave the task out");
  }
  if (plan.settings.fewshot_as_multiturn && !plan.asking.chat_template) {
    return usage_error("examples can be turns of a conversation only with a chat template",
                       "run without --fewshot-as-multiturn, or with --apply-chat-template");
  }
  return {};
}

PlannedEvaluation evaluation_of(const RunPlan& plan, size_t model, size_t task, const std::string& scenario,
                                std::vector<size_t> samples) {
  PlannedEvaluation evaluation;
  evaluation.model = model;
  evaluation.task = task;
  evaluation.samples = std::move(samples);
  EvaluationRow& row = evaluation.row;
  row.model = plan.models[model].row;
  row.task = plan.tasks[task].row;
  row.scenario = scenario;
  const OutputType type = plan.tasks[task].task->output_type();
  row.protocol = name_of(protocol_of(type, plan.protocol));
  row.chat_template = plan.asking.chat_template && type != OutputType::loglikelihood_rolling;
  row.num_fewshot = plan.settings.num_fewshot;
  row.samples = static_cast<int64_t>(evaluation.samples.size());
  return evaluation;
}

std::vector<size_t> all_of(size_t count) {
  std::vector<size_t> indices(count);
  std::iota(indices.begin(), indices.end(), size_t{0});
  return indices;
}

void plan_evaluations(RunPlan& plan) {
  for (size_t m = 0; m < plan.models.size(); ++m) {
    for (size_t t = 0; t < plan.tasks.size(); ++t) {
      plan.evaluations.push_back(evaluation_of(plan, m, t, "offline", all_of(plan.tasks[t].samples->size())));
    }
  }
  if (!plan.settings.measures_latency()) return;
  for (size_t m = 0; m < plan.models.size(); ++m) {
    const ModelCard& card = plan.models[m].backend->card();
    if (!card.has_latencies) continue;
    for (size_t t = 0; t < plan.tasks.size(); ++t) {
      const size_t all = plan.tasks[t].samples->size();
      plan.evaluations.push_back(evaluation_of(
          plan, m, t, name_of(latency_scenario(plan, m)),
          card.recorded ? all_of(all)  // the times are there already
                        : latency_sample(all, plan.settings.latency_samples, plan.settings.seed)));
    }
  }
}

// Under load a request arrives by itself: the choices of one sample would be several users.
Result<void> check_scenario(const RunPlan& plan) {
  const Scenario& scenario = plan.settings.scenario;
  const bool alone = scenario.kind == Scenario::Kind::single || !plan.settings.measures_latency();
  if (alone) return {};
  for (const LoadedTask& task : plan.tasks) {
    const OutputType type = task.task->output_type();
    if (type != OutputType::multiple_choice || protocol_of(type, plan.protocol) == Protocol::generative)
      continue;
    return usage_error(
        fmt::format("scenario {} sends one request a sample, and task '{}' scores several choices of each",
                    name_of(scenario), task.row.name),
        "run with --protocol generative, or with --scenario single");
  }
  return {};
}

}  // namespace

Scenario latency_scenario(const RunPlan& plan, size_t model) {
  if (plan.models[model].backend->card().recorded) return {.kind = Scenario::Kind::single};
  return plan.settings.scenario;
}

std::vector<size_t> latency_sample(size_t samples, int count, uint64_t seed) {
  std::vector<size_t> order = all_of(samples);
  constexpr uint64_t kStream = 0x6c6174656e6379;  // "latency": apart from the streams of sampling
  std::vector<double> draw(samples);
  for (size_t i = 0; i < samples; ++i) draw[i] = uniform(seed, kStream, i);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return draw[a] < draw[b]; });
  order.resize(std::min(samples, static_cast<size_t>(count)));
  return order;
}

Result<RunPlan> plan_run(const RunSettings& settings, const RunEnvironment& environment,
                         const std::optional<RunRow>& resumed) {
  RunPlan plan;
  plan.settings = settings;
  if (resumed) plan.run = *resumed;
  if (!resumed) {
    plan.run.name = settings.name;
    plan.run.created_at = stored_now();
    plan.run.now = settings.now.empty() ? plan.run.created_at : settings.now;
    plan.run.program = environment.program;
    plan.run.machine = environment.machine;
  }
  plan.settings.now = plan.run.now;
  plan.run.seed = static_cast<int64_t>(settings.seed);

  Result<std::vector<ModelReference>> references = parse_models(plan.settings);
  if (!references) return forward_error(references);
  if (Result<void> loaded = load_tasks(plan, environment); !loaded) return forward_error(loaded);
  for (const ModelReference& reference : *references) {
    Result<LoadedModel> model = load_model(reference, plan.run.now, environment);
    if (!model) return forward_error(model);
    plan.models.push_back(std::move(*model));
  }
  if (Result<void> settled = settle_protocol(plan); !settled) return forward_error(settled);
  if (Result<void> checked = check_scenario(plan); !checked) return forward_error(checked);
  plan.run.protocol = name_of(plan.protocol);
  for (const LoadedTask& task : plan.tasks) {
    if (std::string rule = task.task->judge_rule(); !rule.empty())
      plan.settings.judges[task.row.name] = std::move(rule);
  }
  if (!resumed) plan.run.settings = to_run_file(plan.settings);
  plan_evaluations(plan);
  return plan;
}

Result<void> place_in_store(RunPlan& plan, Store& store, bool resumed) {
  Store::Plan rows;
  rows.run = plan.run;
  for (const PlannedEvaluation& evaluation : plan.evaluations) {
    rows.evaluations.push_back(evaluation.row);
    rows.lists.push_back(evaluation.task);
  }
  for (LoadedTask& task : plan.tasks) rows.samples.push_back(rows_of(*task.samples));
  Result<Store::Planned> placed = resumed ? store.find_run_plan(rows) : store.create_run(rows);
  if (!placed) return forward_error(placed);
  plan.run = placed->run;
  for (size_t e = 0; e < plan.evaluations.size(); ++e) {
    plan.evaluations[e].row.id = placed->evaluation_ids[e];
    plan.evaluations[e].row.run_id = placed->run.id;
  }
  for (size_t t = 0; t < plan.tasks.size(); ++t) {
    plan.tasks[t].sample_ids = std::move(placed->sample_ids[t]);
    plan.tasks[t].samples->release();
  }
  return {};
}

}  // namespace sizeup
