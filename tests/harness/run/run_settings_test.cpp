#include "harness/run/run_settings.h"

#include <gmock/gmock.h>

#include "core/io/file.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kFile = R"(# a comparison
name: nightly
models:
  - small=./small.gguf?device=cpu
  - large=openai:gpt?base_url=http://127.0.0.1:8000/v1
tasks: [helpdesk, tasks/own.yaml]
data: {file: own.csv, target: queue, choices: [a, b], metrics: acc, schema: s.json, slices: [lang]}
limit: 50
num_fewshot: 2
data_dir: official
db: out/sizeup.db
protocol: generative
apply_chat_template: false
seed: 18
now: 2026-11-21T03:00:00
prices:
  small: {currency: EUR, per_hour: 0.2, utilisation: 0.5}
  large: {currency: USD, per_million_input: 1.5, per_million_cached_input: 0.5, per_million_output: 6}
latency_samples: 0
max_bad_rows: 7
threads: 4
durable: true
)";

Result<RunSettings> parse(const std::string& yaml) {
  return parse_run_settings(yaml, "run.yaml", "jobs");
}

Error error_of(const std::string& yaml) {
  Result<RunSettings> settings = parse(yaml);
  return settings ? Error{} : settings.error();
}

TEST(RunSettings, ReadsEveryKey) {
  const Result<RunSettings> read = parse(kFile);
  ASSERT_TRUE(read.has_value()) << describe(read.error());
  EXPECT_EQ(read->name, "nightly");
  EXPECT_THAT(read->models, ElementsAre("small=jobs/small.gguf?device=cpu",
                                        "large=openai:gpt?base_url=http://127.0.0.1:8000/v1"));
  EXPECT_THAT(read->tasks, ElementsAre("helpdesk", "jobs/tasks/own.yaml"));
  ASSERT_TRUE(read->data.has_value());
  EXPECT_EQ(read->data->file, "jobs/own.csv");
  EXPECT_EQ(read->data->target, "queue");
  EXPECT_THAT(read->data->choices, ElementsAre("a", "b"));
  EXPECT_THAT(read->data->metrics, ElementsAre("acc"));
  EXPECT_EQ(read->data->schema, "jobs/s.json");
  EXPECT_EQ(read->limit, 50);
  EXPECT_EQ(read->num_fewshot, 2);
  EXPECT_EQ(read->db, "jobs/out/sizeup.db");
  EXPECT_EQ(read->data_dir, "jobs/official");
  EXPECT_EQ(read->protocol, ProtocolChoice::generative);
  EXPECT_EQ(read->apply_chat_template, false);
  EXPECT_EQ(read->seed, 18U);
  EXPECT_EQ(read->now, "2026-11-21T03:00:00");
  EXPECT_EQ(read->latency_samples, 0);
  EXPECT_EQ(read->max_bad_rows, 7);
  EXPECT_EQ(read->threads, 4);
  EXPECT_TRUE(read->durable);
  EXPECT_EQ(read->prices.at("small").per_hour, 0.2);
  EXPECT_EQ(read->prices.at("small").utilisation, 0.5);
  EXPECT_EQ(read->prices.at("large").per_million_cached_input, 0.5);
  EXPECT_FALSE(read->resume.has_value());
}

TEST(RunSettings, DefaultsAreThoseOfTheStruct) {
  const RunSettings read = *parse("models: ./a.gguf\ntasks: helpdesk\n");
  EXPECT_THAT(read.models, ElementsAre("jobs/a.gguf"));  // one text where a list may stand
  EXPECT_EQ(read.latency_samples, RunSettings{}.latency_samples);
  EXPECT_EQ(read.protocol, ProtocolChoice::automatic);
  EXPECT_FALSE(read.apply_chat_template.has_value());
  EXPECT_EQ(read.db, "jobs/sizeup.db");
  EXPECT_FALSE(read.data.has_value());
  EXPECT_EQ(parse("data: own.jsonl\n")->data->file, "jobs/own.jsonl");
}

TEST(RunSettings, ScenarioAndLimits) {
  EXPECT_EQ(parse("tasks: t\n")->scenario.kind, Scenario::Kind::single);
  const RunSettings read =
      *parse("tasks: t\nscenario: server:2.5\nlimits: {ttft_ms: 300, tpot_ms: 0.5, total_ms: 2000}\n");
  EXPECT_EQ(name_of(read.scenario), "server:2.5");
  EXPECT_EQ(read.limits.ttft, 300.0);
  EXPECT_EQ(read.limits.tpot, 0.5);
  EXPECT_EQ(read.limits.total, 2000.0);
  const std::string stored = to_run_file(read);
  EXPECT_EQ(to_run_file(*parse_run_settings(stored, "store", "")), stored);
  EXPECT_EQ(parse_run_settings(stored, "store", "")->limits.tpot, 0.5);

  EXPECT_THAT(describe(parse("tasks: t\nscenario: server\n").error()), HasSubstr("server:PER_SECOND"));
  EXPECT_THAT(describe(parse("tasks: t\nscenario: server\n").error()), HasSubstr("run.yaml:2"));
  EXPECT_FALSE(parse("tasks: t\nlimits: {p95_ms: 3}\n").has_value());
  EXPECT_FALSE(parse("tasks: t\nlimits: {ttft_ms: -3}\n").has_value());
}

TEST(RunSettings, AbsolutePathsStay) {
  const RunSettings read = *parse("models: [/m/a.gguf]\ntasks: [/t/own.yaml]\ndb: /d/x.db\n");
  EXPECT_THAT(read.models, ElementsAre("/m/a.gguf"));
  EXPECT_THAT(read.tasks, ElementsAre("/t/own.yaml"));
  EXPECT_EQ(read.db, "/d/x.db");
}

TEST(RunSettings, WhatIsStoredReadsBackTheSame) {
  const RunSettings first = *parse_run_settings(kFile, "run.yaml", "");
  const std::string stored = to_run_file(first);
  const Result<RunSettings> second = parse_run_settings(stored, "store", "");
  ASSERT_TRUE(second.has_value()) << describe(second.error());
  EXPECT_EQ(to_run_file(*second), stored);
  EXPECT_EQ(second->models, first.models);
  EXPECT_EQ(second->tasks, first.tasks);
  EXPECT_EQ(second->data, first.data);
  EXPECT_EQ(second->data_dir, "official");
  EXPECT_EQ(second->seed, first.seed);
  EXPECT_EQ(second->prices.at("large").per_million_output, 6.0);
  EXPECT_EQ(second->apply_chat_template, false);
  EXPECT_EQ(second->now, first.now);
}

TEST(RunSettings, OddTextsSurviveTheStore) {
  RunSettings settings;
  settings.models = {"x"};
  settings.tasks = {"t"};
  settings.name = "yes: \"quoted\" \xC3\xA4 \n # - {}";
  settings.seed = 9223372036854775807U;
  const Result<RunSettings> read = parse_run_settings(to_run_file(settings), "store", "");
  ASSERT_TRUE(read.has_value()) << describe(read.error());
  EXPECT_EQ(read->name, settings.name);
  EXPECT_EQ(read->seed, settings.seed);
}

TEST(RunSettings, HowPromptsAreMadeSurvivesTheStore) {
  const Result<RunSettings> first = parse_run_settings(
      "models: m\ntasks: t\nsystem_instruction: \"Be brief.\\n\"\ngen_prefix: ''\nfewshot_as_multiturn: "
      "true\n"
      "samples: {t: [4, 0]}\nthink_end: </think>\n",
      "run.yaml", "");
  ASSERT_TRUE(first.has_value()) << describe(first.error());
  const Result<RunSettings> second = parse_run_settings(to_run_file(*first), "store", "");
  ASSERT_TRUE(second.has_value()) << describe(second.error());
  EXPECT_EQ(second->system_instruction, "Be brief.\n");
  EXPECT_EQ(second->gen_prefix, "");
  EXPECT_TRUE(second->fewshot_as_multiturn);
  EXPECT_EQ(second->samples.at("t"), (std::vector<int64_t>{4, 0}));
  EXPECT_EQ(second->think_end, "</think>");
  EXPECT_THAT(error_of("samples: {t: []}\n").message, HasSubstr("no documents"));
  EXPECT_THAT(error_of("samples: {t: [-1]}\n").message, HasSubstr("out of range"));
}

TEST(RunSettings, PatternsToRedactAreStoredAsAHash) {
  const RunSettings settings = *parse("no_text: true\nredact: [Miller, 'A\\d+']\n");
  EXPECT_TRUE(settings.no_text);
  EXPECT_THAT(settings.redact, ElementsAre("Miller", "A\\d+"));
  const std::string stored = to_run_file(settings);
  EXPECT_THAT(stored, testing::Not(HasSubstr("Miller")));
  const RunSettings again = *parse(stored);
  EXPECT_TRUE(again.no_text);
  EXPECT_TRUE(again.redact.empty());
  EXPECT_EQ(again.redact_sha256, hash_of_patterns(settings.redact));
  EXPECT_NE(hash_of_patterns({"Miller"}), hash_of_patterns(settings.redact));
  EXPECT_EQ(parse("models: a.gguf\n")->redact_sha256, hash_of_patterns({}));
}

constexpr const char* kPriceFile = R"(prices:
  date: 2026-03-01
  currency: EUR
  source: invented
  endpoints:
    api: {per_million_input: 1.5, per_million_output: 6}
  machines:
    box: {purchase: 3600, lifetime_months: 36, watts: 400, idle_watts: 100, price_per_kwh: 0.3, monthly: 20}
)";

TEST(RunSettings, PricesByNameOfAPriceFile) {
  const TemporaryFolder folder;
  folder.write("prices.yaml", kPriceFile);
  const std::string yaml =
      "prices:\n  small: {machine: box, utilisation: 0.6}\n  large: {endpoint: api}\nprice_file: "
      "prices.yaml\n"
      "cost: {volume: 5e5, one_time: {small: 900}, monthly: {small: 50}, "
      "retraining: {small: {cost: 300, every_months: 6}}, grid_g_per_kwh: 380}\n";
  const Result<RunSettings> read = parse_run_settings(yaml, "run.yaml", folder.path());
  ASSERT_TRUE(read.has_value()) << describe(read.error());
  // What is stored names no file: a store is read on other machines, and the file may have changed.
  const Result<RunSettings> again = parse_run_settings(to_run_file(*read), "stored", "");
  ASSERT_TRUE(again.has_value()) << describe(again.error());
  for (const RunSettings& settings : {*read, *again}) {
    const Prices& small = settings.prices.at("small");
    EXPECT_EQ(small.entry, "machine box");
    EXPECT_EQ(small.date, "2026-03-01");
    EXPECT_EQ(small.source, "invented");
    EXPECT_EQ(small.currency, "EUR");
    EXPECT_EQ(small.utilisation, 0.6);
    EXPECT_NEAR(small.per_hour.value(), 120.0 / 730 + 0.28 * 0.3, 1e-12);
    EXPECT_EQ(settings.prices.at("large").per_million_output, 6.0);
    EXPECT_EQ(settings.cost.volume, 5e5);
    const RunningCosts& costs = settings.cost.running.at("small");
    EXPECT_EQ(costs.one_time, 900);
    EXPECT_EQ(costs.monthly, 50);
    EXPECT_EQ(costs.retraining, 300);
    EXPECT_EQ(costs.retraining_months, 6);
    EXPECT_EQ(settings.cost.grid_g_per_kwh, 380);
  }
}

TEST(RunSettings, AWrongNameOfAPriceFileIsNamed) {
  const TemporaryFolder folder;
  folder.write("prices.yaml", kPriceFile);
  const auto error = [&](const std::string& prices) {
    return parse_run_settings("price_file: prices.yaml\nprices:\n  a: " + prices + "\n", "run.yaml",
                              folder.path())
        .error();
  };
  const Error machine = error("{machine: bax}");
  EXPECT_EQ(machine.place, "run.yaml:3");
  EXPECT_THAT(machine.message, HasSubstr("prices.yaml has no machine 'bax'"));
  EXPECT_THAT(machine.hint, HasSubstr("box"));
  EXPECT_THAT(error("{endpoint: box}").message, HasSubstr("no endpoint 'box'"));
  EXPECT_THAT(parse_run_settings("price_file: none.yaml\n", "run.yaml", folder.path()).error().place,
              HasSubstr("none.yaml"));
}

TEST(RunSettings, AnUnknownKeyNamesTheNearestOne) {
  const Error error = error_of("models: a\nlatency_sample: 3\n");
  EXPECT_EQ(error.kind, ErrorKind::bad_input);
  EXPECT_EQ(error.place, "run.yaml:2");
  EXPECT_THAT(error.message, HasSubstr("unknown key 'latency_sample'"));
  EXPECT_THAT(error.hint, HasSubstr("'latency_samples'"));
  EXPECT_THAT(error_of("colour: red\n").expected, HasSubstr("models, tasks"));
  const Error price = error_of("prices:\n  small:\n    per_our: 3\n");
  EXPECT_EQ(price.place, "run.yaml:3");
  EXPECT_THAT(price.hint, HasSubstr("'per_hour'"));
}

TEST(RunSettings, WrongKindsAndRangesNameLineAndKey) {
  struct Case {
    const char* yaml;
    const char* place;
    const char* message;
  };
  for (const Case& one : std::vector<Case>{
           {"limit: many\n", "run.yaml:1", "'limit'"},
           {"name: x\nlimit: -1\n", "run.yaml:2", "'limit' is out of range"},
           {"data: {target: x}\n", "run.yaml:1", "names no file"},
           {"data: {file: x, labels: y}\n", "run.yaml:1", "unknown key 'labels'"},
           {"limit: 1.5\n", "run.yaml:1", "'limit'"},
           {"seed: 9223372036854775808\n", "run.yaml:1", "'seed'"},
           {"threads: [1]\n", "run.yaml:1", "'threads'"},
           {"durable: perhaps\n", "run.yaml:1", "'durable'"},
           {"protocol: guess\n", "run.yaml:1", "'protocol'"},
           {"models: {a: b}\n", "run.yaml:1", "'models'"},
           {"models: [[a]]\n", "run.yaml:1", "'models'"},
           {"models: ['']\n", "run.yaml:1", "'models'"},
           {"prices: 3\n", "run.yaml:1", "'prices'"},
           {"prices:\n  a: {currency: EUR, per_hour: .nan}\n", "run.yaml:2", "'per_hour'"},
           {"prices:\n  a: {currency: EUR, per_hour: 1, per_million_input: 1}\n", "run.yaml:2",
            "prices of 'a'"},
           {"prices:\n  a: {currency: EUR, per_hour: 1, purchase: 9, lifetime_months: 3}\n", "run.yaml:2",
            "both given"},
           {"prices:\n  a: {currency: EUR, purchase: 9}\n", "run.yaml:2", "without a lifetime"},
           {"prices:\n  a: {currency: EUR, per_hour: 1, date: 2026-02-30}\n", "run.yaml:2", "date"},
           {"prices:\n  a: {machine: box}\n", "run.yaml:2", "no price file"},
           {"prices:\n  a: {machine: box, currency: EUR}\n", "run.yaml:2", "beside the name"},
           {"cost: {volume: 0}\n", "run.yaml:1", "'volume'"},
           {"cost:\n  one_time: 5\n", "run.yaml:2", "'one_time'"},
           {"cost:\n  retraining: {a: {cost: 5}}\n", "run.yaml:2", "without its months"},
           {"cost: {volumes: 5}\n", "run.yaml:1", "unknown key 'volumes'"},
           {"name: a\nname: b\n", "run.yaml:2", "given twice"},
           {"- a\n- b\n", "run.yaml:1", "not a mapping"},
           {"just text", "run.yaml:1", "not a mapping"},
           {"a: [1\n", "run.yaml:", "not valid YAML"},
       }) {
    const Error error = error_of(one.yaml);
    EXPECT_EQ(error.kind, ErrorKind::bad_input) << one.yaml;
    EXPECT_THAT(error.place, HasSubstr(one.place)) << one.yaml;
    EXPECT_THAT(error.message, HasSubstr(one.message)) << one.yaml;
  }
}

TEST(RunSettings, HostileFilesAreErrors) {
  EXPECT_FALSE(parse(std::string(100'000, '[')).has_value());
  EXPECT_FALSE(parse("").has_value());
  EXPECT_FALSE(parse("? [a]\n: b\n").has_value());
  EXPECT_FALSE(parse("models: *nowhere\n").has_value());
  EXPECT_FALSE(read_run_file("/does/not/exist.yaml").has_value());
}

}  // namespace
}  // namespace sizeup
