// sizeup doctor: what this machine offers, what is missing, and what that means.
#include <fmt/format.h>

#include <memory>
#include <set>

#include "backends/cpu/tier.h"
#include "backends/hub/hub.h"
#include "backends/registry.h"
#include "cli/command.h"
#include "cli/installation.h"
#include "cli/machine_limits.h"
#include "cli/table.h"
#include "cli/version.h"
#include "core/json/json.h"
#include "core/memory/available_memory.h"
#include "core/threads/processors.h"
#include "core/threads/thread_pool.h"
#include "datasets/readers/parquet_rows.h"
#include "harness/cost/nvml.h"
#include "harness/cost/powercap.h"
#include "harness/run/machine.h"
#include "tasks/sandbox/sandbox.h"

namespace sizeup::cli {
namespace {

// Whether generated code can be run, and what keeps the walls from being higher.
Json examine_sandbox() {
  const auto pool = SandboxPool::open({});
  if (!pool) return {{"level", describe(SandboxLevel::none)}, {"note", describe(pool.error())}};
  return {{"level", describe((*pool)->level())}, {"note", (*pool)->why_not_higher()}};
}

// Each tier of the CPU device, with the reason where this machine lacks it.
Json examine_cpu_tiers() {
  Json tiers = Json::array();
  for (const CpuTierEntry& entry : cpu_tiers()) {
    const auto reason = why_unsupported(entry.tier);
    tiers.push_back({{"tier", entry.name},
                     {"available", !reason.has_value()},
                     {"note", reason.value_or(std::string(entry.description))}});
  }
  return tiers;
}

// Where models by name come from and lie; whether there is a token, never which.
Json examine_hub() {
  const HubSettings settings = HubSettings::from_environment();
  return {{"endpoint", settings.endpoint},
          {"cache", settings.cache.string()},
          {"token", !settings.token.empty()},
          {"offline", settings.offline}};
}

Json examine_gpu_energy() {
  const auto cards = list_gpu_energy();
  if (!cards) return {{"cards", Json::array()}, {"note", describe(cards.error())}};
  Json list = Json::array();
  for (const GpuEnergy& card : *cards)
    list.push_back({{"name", card.name}, {"available", card.available}, {"note", card.note}});
  return {{"cards", list}, {"note", ""}};
}

// Whether runs can say what energy they took, and why not.
Json examine_energy() {
  Json energy = {{"available", false}, {"note", ""}};
  if (const auto domains = energy_domains()) {
    std::string names;
    for (const EnergyDomain& domain : *domains) names += (names.empty() ? "" : ", ") + domain.name;
    energy = {{"available", true}, {"note", names}};
  } else {
    energy["note"] = describe(domains.error());
  }
  energy["gpus"] = examine_gpu_energy();
  return energy;
}

// What is left for this process of the machine's processors and memory.
void examine_resources(Json& machine) {
  machine["processors"] = ThreadPool::available_processors();
  if (const auto quota = processor_quota()) {
    machine["processor_quota"] = *quota;
    machine["processors_allowed"] = allowed_processors();
  }
  const auto memory = available_memory();
  machine["memory_available_bytes"] = memory ? Json(*memory) : Json(nullptr);
  const HugePages pages = huge_pages();
  machine["huge_pages"] = pages.available;
  machine["huge_pages_note"] = pages.note;
}

Json examine_backends() {
  Json backends = Json::array();
  bool has_metal = false;
  for (const BackendEntry& entry : backend_table()) {
    const auto reason = entry.why_unavailable();
    backends.push_back({{"scheme", entry.scheme},
                        {"device", entry.device},
                        {"available", !reason.has_value()},
                        {"note", reason.value_or(std::string(entry.description))}});
    has_metal = has_metal || entry.device == "metal";
  }
  if (!has_metal) {
    backends.push_back(
        {{"scheme", "file"},
         {"device", "metal"},
         {"available", false},
         {"note", "this build has no Metal device: that takes macOS, and metal-cpp at build time"}});
  }
  return backends;
}

Json examine() {
  Json report;
  report["version"] = kVersion;
  const auto machine = parse_json(describe_machine(), "machine");
  require(machine.has_value(), "describe_machine writes JSON");
  report["machine"] = *machine;
  examine_resources(report["machine"]);
  report["backends"] = examine_backends();
  report["cpu_tiers"] = examine_cpu_tiers();
  const auto installation = installation_folder();
  report["installation"] = installation ? Json(installation->string()) : Json(nullptr);
  report["sandbox"] = examine_sandbox();
  report["hub"] = examine_hub();
  report["energy"] = examine_energy();
  const std::string parquet = parquet_support();
  report["parquet"] = parquet.empty() ? Json(nullptr) : Json(parquet);
  report["problems"] = Json::array();
  if (!installation) report["problems"].push_back(describe(installation.error()));
  return report;
}

void print_energy(const Json& energy) {
  const auto line = [](const std::string& what, bool available, const Json& note) {
    fmt::print("{}: {}{}\n", what, available ? "" : "not readable: ", note.get<std::string>());
  };
  line("energy counters", energy["available"].get<bool>(), energy["note"]);
  const Json& gpus = energy["gpus"];
  if (gpus["cards"].empty()) line("energy of GPUs", false, gpus["note"]);
  for (const Json& card : gpus["cards"])
    line("energy of " + card["name"].get<std::string>(), card["available"].get<bool>(), card["note"]);
}

void print_report(const Json& report) {
  fmt::print("sizeup {}\n\n", report["version"].get<std::string>());
  Table machine({"machine", ""});
  for (const auto& [key, value] : report["machine"].items()) {
    machine.add({key, value.is_string() ? value.get<std::string>() : to_line(value)});
  }
  fmt::print("{}\n", machine.to_text());
  Table backends({"device", "available", "note"});
  for (const Json& backend : report["backends"]) {
    const auto device = backend["device"].get<std::string>();  // an endpoint has none
    backends.add({device.empty() ? backend["scheme"].get<std::string>() : device,
                  backend["available"].get<bool>() ? "yes" : "no", backend["note"].get<std::string>()});
  }
  fmt::print("{}\n", backends.to_text());
  Table tiers({"CPU tier", "available", "note"});
  for (const Json& tier : report["cpu_tiers"]) {
    tiers.add({tier["tier"].get<std::string>(), tier["available"].get<bool>() ? "yes" : "no",
               tier["note"].get<std::string>()});
  }
  fmt::print("{}\n", tiers.to_text());
  fmt::print("sandbox for generated code: {}\n", report["sandbox"]["level"].get<std::string>());
  const auto note = report["sandbox"]["note"].get<std::string>();
  if (!note.empty()) fmt::print("  {}\n", note);
  const Json& hub = report["hub"];
  fmt::print("models by name: {} ({}, token: {})\n", hub["cache"].get<std::string>(),
             hub["offline"].get<bool>() ? "offline" : "from " + hub["endpoint"].get<std::string>(),
             hub["token"].get<bool>() ? "yes" : "no");
  print_energy(report["energy"]);
  fmt::print("Parquet files: {}\n", report["parquet"].is_null() ? "not read (built without Apache Arrow)"
                                                                : report["parquet"].get<std::string>());
  if (report.contains("limits")) fmt::print("\n{}\n", limits_to_text(report["limits"]));
  if (report["problems"].empty()) {
    fmt::print("task definitions, test sets and models: {}\n", report["installation"].get<std::string>());
  }
  for (const Json& problem : report["problems"]) fmt::print("problem: {}\n", problem.get<std::string>());
}

// Of every device that can be used here; those with the same limits are measured once.
MachineLimits measure_all_limits() {
  const std::vector<int> threads = usual_thread_counts();
  MachineLimits all;
  std::set<MeasureLimits> measured;
  for (const BackendEntry& entry : backend_table()) {
    if (entry.measure_limits == nullptr || entry.why_unavailable()) continue;
    if (!measured.insert(entry.measure_limits).second) continue;
    const MachineLimits limits = entry.measure_limits(threads);
    all.arithmetic.insert(all.arithmetic.end(), limits.arithmetic.begin(), limits.arithmetic.end());
    all.reads.insert(all.reads.end(), limits.reads.begin(), limits.reads.end());
  }
  return all;
}

struct DoctorCommand {
  bool json = false;
  bool measure = false;
};

Outcome doctor(const DoctorCommand& command) {
  Json report = examine();
  if (command.measure) report["limits"] = limits_to_json(measure_all_limits());
  if (command.json) {
    fmt::print("{}\n", to_line(report));
  } else {
    print_report(report);
  }
  return report["problems"].empty() ? 0 : exit_code(ErrorKind::unavailable);
}

}  // namespace

std::function<Outcome()> add_doctor(CLI::App& app) {
  auto command = std::make_shared<DoctorCommand>();
  app.add_flag("--measure", command->measure,
               "Measure what this machine can do at most: arithmetic and reading memory (a few seconds)");
  app.add_flag("--json", command->json, "JSON instead of text");
  return [command] { return doctor(*command); };
}

}  // namespace sizeup::cli
