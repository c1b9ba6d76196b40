#include "tests/reports/invented_run.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <stdexcept>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "core/random/counter_random.h"
#include "harness/statistics/interval.h"
#include "harness/store/writer.h"

namespace sizeup {

const char* const kScriptAnswer = "<script>alert(1)</script> and </script><!-- <b>not bold</b>";

std::string enemy_text() {
  std::string text = kScriptAnswer;
  text += " direction \u202etpircs\u202c, zero\u200bwidth, tag \U000e0041, quotes \" ' `, ";
  text += std::string("NUL \0 here, ", 12);
  text += "bad byte \xff\xc3 and lone surrogate \xed\xa0\x80. ";
  return text + std::string(1'000'000, 'x') + " the end";
}

namespace {

template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  return std::move(*result);
}
void need(Result<void> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
}

enum TaskNumber : size_t { kHelpdesk, kInvoices, kHandbook };
constexpr std::array<const char*, 3> kQueues = {"billing", "delivery", "privacy"};
constexpr std::array<const char*, 4> kVendors = {"Turazo GmbH", "Hollow Oak Ltd", "Café Zürich",
                                                 "Norrland AB"};

// Uniform in [0, 1) for one purpose (stream) and sample.
double chance(uint64_t stream, size_t sample) {
  return uniform(17, stream, sample);
}

TaskRow task_row(TaskNumber number) {
  TaskRow task;
  task.version = "1.0";
  task.definition_hash = sha256_hex(fmt::format("definition {}", static_cast<int>(number)));
  task.data_hash = sha256_hex(fmt::format("data {}", static_cast<int>(number)));
  switch (number) {
    case kHelpdesk:
      task.name = "helpdesk";
      task.output_type = "multiple_choice";
      task.description = "Support tickets to queues";
      task.metrics = {{"acc", "the right queue", true, true}};
      task.slice_fields = {"channel", "tier"};
      break;
    case kInvoices:
      task.name = "invoices";
      task.output_type = "generate_until";
      task.description = "Invoice texts to a record";
      task.metrics = {{"record_exact", "every field right", true, true},
                      {"json_valid", "parses", true, true}};
      task.slice_fields = {"layout"};
      break;
    case kHandbook:
      task.name = "handbook";
      task.output_type = "generate_until";
      task.description = "Questions on a handbook, with and without a passage";
      task.metrics = {{"exact_match", "equals an accepted answer", true, true},
                      {"hallucination_rate", "wrong / all", false, true},
                      {"abstention", "declined", true, true}};
      task.slice_fields = {"kind", "language"};
      break;
  }
  return task;
}

SampleRow helpdesk_sample(size_t i) {
  SampleRow sample;
  sample.document_id = fmt::format("helpdesk-{:03}", i + 1);
  const char* queue = kQueues[i % kQueues.size()];
  sample.prompt = fmt::format(
      "Choose the queue for this ticket: billing, delivery or privacy.\nTicket {}: please help me with {}.",
      i + 1, queue);
  sample.target = queue;
  sample.slices = {{"channel", i % 5 < 2   ? "mail"
                               : i % 5 < 4 ? "chat"
                                           : "phone"},
                   {"tier", i % 7 < 4   ? "free"
                            : i % 7 < 6 ? "business"
                                        : "enterprise"}};
  return sample;
}

SampleRow invoice_sample(size_t i) {
  SampleRow sample;
  sample.document_id = std::to_string(i + 1);  // gets its task's name in the report
  const char* vendor = kVendors[i % kVendors.size()];
  sample.prompt =
      fmt::format("Invoice to JSON: vendor, total.\n{} asks EUR {}.50 for boxes.", vendor, 100 + i);
  sample.target = fmt::format("{{\"vendor\":\"{}\",\"total\":\"{}.50\"}}", vendor, 100 + i);
  sample.source = fmt::format("{} asks EUR {}.50 for boxes.", vendor, 100 + i);
  sample.slices = {{"layout", i % 3 == 0 ? "table" : i % 3 == 1 ? "sentence" : "scan"}};
  return sample;
}

SampleRow handbook_sample(size_t i) {
  SampleRow sample;
  sample.document_id = fmt::format("handbook-{:03}", i + 1);
  const size_t kind = i % 3;
  sample.prompt = fmt::format("What is the extension of department {}?", i + 1);
  sample.target = kind == 2 ? "Not in the handbook." : fmt::format("The extension is {}.", 1000 + i);
  if (kind == 0)
    sample.source =
        fmt::format("The extension of department {} is {}. It sits on the third floor.", i + 1, 1000 + i);
  sample.slices = {{"kind", kind == 0   ? "passage"
                            : kind == 1 ? "closed book"
                                        : "unanswerable"},
                   {"language", i % 4 == 0   ? "de"
                                : i % 4 == 1 ? "fr"
                                             : "en"}};
  return sample;
}

SampleRow sample_row(TaskNumber task, size_t i) {
  SampleRow sample = task == kHelpdesk   ? helpdesk_sample(i)
                     : task == kInvoices ? invoice_sample(i)
                                         : handbook_sample(i);
  sample.row = static_cast<int64_t>(i);
  sample.document_hash = fmt::format("{:x}", i);
  return sample;
}

// An answer with what the model wrote.
struct Written {
  AnswerRow answer;
  std::string text;
};

// How good each invented model is at each task; long invoices in scans are hard for the small one.
bool is_right(size_t model, int version, TaskNumber task, size_t i) {
  constexpr double kSkill[3][3] = {{0.91, 0.80, 0.74}, {0.92, 0.90, 0.80}, {0.80, 0.55, 0.62}};
  double skill = kSkill[model][task];
  if (task == kInvoices && i % 3 == 2 && model != 1) skill -= 0.2;
  // Models agree on most samples: half of the luck is the sample's own.
  const double luck = 0.85 * chance(task + 1, i) +
                      0.15 * chance(10 + 3 * model + task + 1000 * static_cast<uint64_t>(version), i);
  return luck < skill;
}

Written write_helpdesk(const SampleRow& sample, bool right, size_t model, size_t i) {
  Written out;
  out.answer.answer = right ? sample.target : kQueues[(i + 1) % kQueues.size()];
  out.answer.confidence = 0.5 + 0.5 * chance(40 + model, i) * (right ? 1.0 : 0.7);
  out.answer.scores["acc"] = right ? 1.0 : 0.0;
  return out;
}

Written write_invoice(const SampleRow& sample, bool right, size_t model, size_t i) {
  Written out;
  const bool broken = !right && chance(50 + model, i) < 0.1;
  const bool fabricated = !right && !broken && chance(60 + model, i) < 0.4;
  out.text = sample.target;
  if (fabricated) out.text = fmt::format("{{\"vendor\":\"Acme Corp\",\"total\":\"{}.50\"}}", 100 + i);
  if (!right && !broken && !fabricated)
    out.text = fmt::format("{{\"vendor\":\"{}\",\"total\":null}}", kVendors[i % kVendors.size()]);
  if (broken) out.text = "{\"vendor\":";
  out.answer.answer = out.text;
  out.answer.invalid = broken;
  out.answer.confidence = 0.4 + 0.6 * chance(70 + model, i);
  out.answer.scores = {{"record_exact", right ? 1.0 : 0.0}, {"json_valid", broken ? 0.0 : 1.0}};
  out.answer.details = {{"fields_fabricated", fabricated ? "1" : "0"},
                        {"fields_checkable", broken ? "0" : "2"}};
  if (fabricated)
    out.answer.details["fields"] =
        R"({"vendor":{"verdict":"wrong","answered":"Acme Corp","fabricated":true}})";
  return out;
}

Written write_handbook(const SampleRow& sample, bool right, size_t model, size_t i) {
  Written out;
  const size_t kind = i % 3;
  const bool declines = kind == 2 ? right : !right && chance(80 + model, i) < 0.3;
  const std::string wrong = fmt::format("The extension is {}.", 2000 + i);
  out.answer.answer = declines ? "Not in the handbook." : right ? sample.target : wrong;
  out.text = " " + out.answer.answer + "\n";
  out.answer.confidence = 0.3 + 0.7 * chance(90 + model, i);
  out.answer.scores["exact_match"] = out.answer.answer == sample.target ? 1.0 : 0.0;
  if (kind == 1) out.answer.scores["hallucination_rate"] = right || declines ? 0.0 : 1.0;
  if (kind == 2) out.answer.scores["abstention"] = declines ? 1.0 : 0.0;
  if (kind == 0 && !declines) {
    const bool supported = right;
    out.answer.details["claims"] = "1";
    out.answer.details["claims_unsupported"] = supported ? "0" : "1";
    const Json claim = {{"begin", 0},
                        {"end", out.answer.answer.size()},
                        {"supported", supported},
                        {"word_recall", 1.0},
                        {"items", Json::array({{{"kind", "number"},
                                                {"text", std::to_string(2000 + i)},
                                                {"begin", 17},
                                                {"end", 21},
                                                {"supported", supported}}})}};
    out.answer.details["evidence"] = to_line(Json::array({claim}));
  }
  return out;
}

Written write_answer(TaskNumber task, const SampleRow& sample, bool right, size_t model, size_t i) {
  if (task == kHelpdesk) return write_helpdesk(sample, right, model, i);
  return task == kInvoices ? write_invoice(sample, right, model, i) : write_handbook(sample, right, model, i);
}

ModelRow rung_row(size_t model) {
  constexpr std::array<const char*, 3> kFormats = {"Q8_0", "F16", "Q4_0"};
  constexpr std::array<double, 3> kBits = {8.5, 16.0, 4.5};
  constexpr int64_t kParameters = 36'000'000;
  ModelRow row;
  row.name = std::string("pocket-") + kFormats[model];
  row.reference = row.name + ".gguf";
  row.fingerprint = sha256_hex(row.name);
  const auto bytes = static_cast<int64_t>(kBits[model] / 8.0 * kParameters);
  row.card = to_line(Json{{"name", row.name},
                          {"parameters", kParameters},
                          {"bytes", bytes},
                          {"packed_bytes", bytes + 4096},
                          {"context_length", 512},
                          {"vocabulary", 2048},
                          {"weight_format", kFormats[model]},
                          {"backend", "engine"},
                          {"device", "cpu"},
                          {"tier", "avx2"},
                          {"precision", "bfloat16"},
                          {"architecture", "llama"},
                          {"notes", Json::array()}});
  return row;
}

ModelRow model_row(size_t model, const InventedRun& what) {
  constexpr std::array<const char*, 3> kNames = {"pocket-small", "pocket-large", "pocket-tiny"};
  constexpr std::array<int64_t, 3> kParameters = {3'500'000, 36'000'000, 900'000};
  ModelRow row;
  row.name = kNames[model];
  if (what.hostile && model == 0) row.name = "\"><script>alert(1)</script> '&\u202e";
  row.reference = fmt::format("{}=/home/someone/models/{}.gguf", row.name, kNames[model]);
  row.fingerprint =
      sha256_hex(fmt::format("{}{}", kNames[model], what.version == 0 ? "" : std::to_string(what.version)));
  const Json card = {{"name", kNames[model]},
                     {"parameters", kParameters[model]},
                     {"bytes", kParameters[model] * 34 / 32},
                     {"context_length", 512},
                     {"weight_format", "Q8_0"},
                     {"backend", "engine"},
                     {"device", "cpu"},
                     {"tier", "avx2"},
                     {"precision", "bfloat16"},
                     {"architecture", "llama"},
                     {"notes", Json::array()}};
  row.card = to_line(card);
  return row;
}

std::vector<ResultRow> results_of(const std::vector<AnswerRow>& answers, const TaskRow& task) {
  std::vector<ResultRow> rows;
  for (const MetricRow& metric : task.metrics) {
    std::vector<double> values;
    for (const AnswerRow& answer : answers) {
      if (const auto at = answer.scores.find(metric.name); at != answer.scores.end())
        values.push_back(at->second);
    }
    if (values.empty()) continue;
    const Estimate estimate = mean_estimate(values);
    rows.push_back({metric.name, "", "", estimate.value, estimate.lo, estimate.hi, estimate.n});
  }
  return rows;
}

constexpr std::array<size_t, 3> kSizes = {220, 100, 90};

class Maker {
 public:
  Maker(const std::filesystem::path& file, const InventedRun& what)
      : store_(need(Store::open(file, StoreAccess::write))), what_(what) {}

  Store make() && {
    plan();
    planned_ = need(store_.create_run(plan_));
    {
      StoreWriter writer(store_, {});
      for (size_t e = 0; e < plan_.evaluations.size(); ++e) fill(writer, e);
      need(writer.flush());
    }
    for (size_t e = 0; e < plan_.evaluations.size(); ++e) finish(e);
    need(store_.finish_run(planned_.run.id, what_.day + "T04:10:00.000Z"));
    return std::move(store_);
  }

 private:
  void plan() {
    plan_.run.name = what_.day + "-1";
    plan_.run.created_at = what_.day + "T04:00:00.000Z";
    plan_.run.now = what_.day + "T04:00:00Z";
    plan_.run.protocol = "generative";
    plan_.run.seed = 1234;
    plan_.run.settings = to_line(settings());
    plan_.run.program = "sizeup 0.1.0";
    plan_.run.machine =
        R"({"cpu":"Example CPU 1","cores":8,"memory_bytes":64000000000,"os":"Linux","flags":["avx2","fma"]})";
    for (size_t task = 0; task < kSizes.size(); ++task) {
      for (size_t i = 0; i < kSizes[task]; ++i)
        samples_[task].push_back(sample_row(static_cast<TaskNumber>(task), i));
    }
    if (what_.hostile) {
      samples_[kHandbook][0].prompt = enemy_text();
      for (size_t i = 0; i < 20; ++i)
        samples_[kHandbook][i].slices["language"] = "</option><script>: 100 % \u202e";
    }
    for (size_t i = 0; what_.variants && i < samples_[kHandbook].size(); ++i) {
      SampleRow& sample = samples_[kHandbook][i];
      sample.slices["variant"] = i % 3 == 0 ? "original" : i % 3 == 1 ? "typos" : "<long>";
      sample.document_hash = fmt::format("{:064}", i / 3);
    }
    const auto first = static_cast<size_t>(what_.first_model);
    for (size_t model = first; model < first + static_cast<size_t>(what_.models); ++model) {
      for (size_t task = 0; task < kSizes.size(); ++task) {
        for (const std::string& scenario : {std::string("offline"), what_.scenario})
          add_evaluation(model, task, scenario);
      }
    }
  }

  // Prices that agree with the costs of finish(); a machine for the first model, tokens for the others.
  Json settings() const {
    if (!what_.prices) return Json::object();
    Json out;
    const auto first = static_cast<size_t>(what_.first_model);
    for (size_t model = first; model < first + static_cast<size_t>(what_.models); ++model) {
      const Json machine{{"currency", "EUR"}, {"per_hour", 0.4}};
      const Json tokens{{"currency", "EUR"},
                        {"per_million_input", 5.0},
                        {"per_million_output", 16.0},
                        {"date", "2026-03-01"}};
      out["prices"][(what_.ladder ? rung_row(model) : model_row(model, what_)).name] =
          model == 1 ? tokens : machine;
    }
    out["cost"] = what_.assumptions;
    return out;
  }

  void add_evaluation(size_t model, size_t task, const std::string& scenario) {
    if (scenario != "offline" && !what_.timings) return;
    EvaluationRow row;
    row.model = what_.ladder ? rung_row(model) : model_row(model, what_);
    row.task = task_row(static_cast<TaskNumber>(task));
    if (what_.variants && task == kHandbook) row.task.slice_fields.emplace_back("variant");
    if (what_.other_data) row.task.data_hash = sha256_hex(row.task.data_hash);
    row.scenario = scenario;
    row.protocol = "generative";
    row.chat_template = true;
    row.num_fewshot = 0;
    row.samples = static_cast<int64_t>(samples_[task].size());
    plan_.evaluations.push_back(row);
    plan_.lists.push_back(plan_.samples.size());
    plan_.samples.emplace_back(samples_[task]);
    keys_.push_back({model, static_cast<TaskNumber>(task)});
  }

  void fill(StoreWriter& writer, size_t e) {
    const auto [model, task] = keys_[e];
    const bool timed = plan_.evaluations[e].scenario != "offline";
    std::vector<AnswerRow> answers;
    for (size_t i = 0; i < samples_[task].size(); ++i) {
      const int64_t sample = planned_.sample_ids[e][i];
      if (timed) {
        if (i % 3 == 0) need(writer.write(timing(e, sample, model, task, i)));
        continue;
      }
      Written written =
          write_answer(task, samples_[task][i], is_right(model, what_.version, task, i), model, i);
      if (what_.hostile && task == kHandbook && i == 0 && model == 0)
        written.text = written.answer.answer = enemy_text();
      written.answer.evaluation_id = planned_.evaluation_ids[e];
      written.answer.sample_id = sample;
      need(writer.write(response(e, sample, written, i)));
      answers.push_back(written.answer);
      need(writer.write(std::move(written.answer)));
    }
    answers_.push_back(std::move(answers));
  }

  TimingRow timing(size_t e, int64_t sample, size_t model, TaskNumber task, size_t i) const {
    const double slow = model == 1 ? 9.0 : model == 0 ? 1.5 : 0.6;
    TimingRow row;
    row.evaluation_id = planned_.evaluation_ids[e];
    row.sample_id = sample;
    row.ttft_ms = slow * (4.0 + 3.0 * chance(100 + model, i + 1000 * task));
    row.prompt_tokens = 40;
    row.completion_tokens = task == kHelpdesk ? 1 : 12;
    row.due_ms = what_.without_due ? std::nan("") : 100.0 * static_cast<double>(i);
    row.total_ms =
        row.ttft_ms + (task == kHelpdesk ? 0.0 : slow * (6.0 + 20.0 * std::pow(chance(110 + model, i), 3.0)));
    return row;
  }

  ResponseWrite response(size_t e, int64_t sample, const Written& written, size_t i) const {
    ResponseWrite write;
    write.response.key = sha256_hex(fmt::format("{} {} {}", what_.day, e, i));
    write.response.key_json = "{}";
    write.response.prompt = "prompt";
    if (!written.text.empty()) write.response.text = written.text;
    write.response.finish = written.text.empty() ? "none" : "stop";
    write.response.prompt_tokens = 30 + static_cast<int>(i % 21);
    write.response.completion_tokens = 12;
    write.uses = {{planned_.evaluation_ids[e], sample, 0}};
    return write;
  }

  void finish(size_t e) {
    const auto [model, task] = keys_[e];
    EvaluationRow row = plan_.evaluations[e];
    row.id = planned_.evaluation_ids[e];
    row.finished_at = what_.day + "T04:09:00.000Z";
    row.wall_ms = model == 1 ? 92'000.0 : 14'000.0;
    row.counts =
        R"({"tokens_asked":120400,"tokens_unique":61210,"tokens_computed":61890,"tokens_recomputed":310,)"
        R"("tokens_generated":4100,"tokens_drafted":1200,"tokens_accepted":820})";
    std::vector<ResultRow> results = results_of(answers_[e], row.task);
    if (row.scenario != "offline" && row.scenario != "single") {
      results = {{"requests_per_second", {}, {}, 4.25, {}, {}, row.samples},
                 {"goodput", {}, {}, 4.0, {}, {}, row.samples},
                 {"correct_goodput", {}, {}, 3.125, {}, {}, row.samples}};
    }
    std::optional<CostRow> cost;
    if (row.scenario == "offline") {
      cost = CostRow{};
      cost->basis = "unknown";
      if (what_.prices) {
        const double per_request = model == 1 ? 0.0004 : 0.00003;
        const double n = static_cast<double>(answers_[e].size());
        cost = CostRow{"EUR",
                       per_request,
                       1000.0 * per_request / results.front().value,
                       per_request * n,
                       model == 1 ? "price per token" : "price per hour 0.40 at utilisation 1.00",
                       "50.0 % of the pass's time, by tokens"};
      }
    }
    need(store_.finish_evaluation(row, results, cost));
    if (what_.energy && model == 0 && row.scenario == "offline") {
      const auto n = static_cast<int64_t>(answers_[e].size());
      MeasurementRow measured{n, 40 * n, 10 * n, 14'000.0, 0.25, ""};
      measured.pass_joules = 800.0;
      need(store_.add_measurement(row.id, measured));
    }
  }

  Store store_;
  InventedRun what_;
  std::array<std::vector<SampleRow>, 3> samples_;
  Store::Plan plan_;
  Store::Planned planned_;
  std::vector<std::pair<size_t, TaskNumber>> keys_;  // of each evaluation
  std::vector<std::vector<AnswerRow>> answers_;      // of each evaluation
};

}  // namespace

Store make_invented_run(const std::filesystem::path& file, const InventedRun& what) {
  return Maker(file, what).make();
}

}  // namespace sizeup
