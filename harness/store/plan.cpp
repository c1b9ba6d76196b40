// The rows a run needs before its first request: all in one transaction, so that a kill leaves all or none.
#include <fmt/format.h>

#include <utility>

#include "core/io/sha256.h"
#include "harness/store/connection.h"
#include "harness/store/store.h"

namespace sizeup {
namespace {

using sqlite::Database;
using sqlite::Failure;
using sqlite::Statement;
using sqlite::Transaction;

enum class IfAbsent { insert, refuse };

// Finds the rows of a plan, or inserts them. With IfAbsent::refuse a missing row means that what the run was
// made of has changed, and the failure says what.
class PlanRows {
 public:
  PlanRows(Database& database, IfAbsent if_absent, const TextRule& texts)
      : database_(&database), if_absent_(if_absent), texts_(&texts) {}

  int64_t model(const ModelRow& row) {
    Statement find(*database_,
                   "SELECT id FROM model WHERE name = ? AND reference = ? AND fingerprint = ? AND card = ?");
    if (find.bind(row.name, row.reference, row.fingerprint, row.card).step()) return find.integer(0);
    absent(fmt::format("model '{}'", row.name));
    Statement insert(*database_,
                     "INSERT INTO model (name, reference, fingerprint, card) VALUES (?, ?, ?, ?)");
    insert.bind(row.name, row.reference, row.fingerprint, row.card).run();
    return database_->last_insert_id();
  }

  int64_t task(const TaskRow& row) {
    Statement find(*database_,
                   "SELECT id FROM task WHERE name = ? AND definition_hash = ? AND data_hash = ?");
    if (find.bind(row.name, row.definition_hash, row.data_hash).step()) return find.integer(0);
    absent(fmt::format("task '{}'", row.name));
    Statement insert(
        *database_,
        "INSERT INTO task (name, version, definition_hash, data_hash, output_type, description, metrics, "
        "slice_fields) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    const std::string metrics = to_json(row.metrics);
    const std::string slice_fields = to_json(row.slice_fields);
    insert
        .bind(row.name, row.version, row.definition_hash, row.data_hash, row.output_type, row.description,
              metrics, slice_fields)
        .run();
    return database_->last_insert_id();
  }

  int64_t evaluation(const EvaluationRow& row) {
    Statement find(
        *database_,
        "SELECT id FROM evaluation WHERE run_id = ? AND model_id = ? AND task_id = ? AND scenario = ? AND "
        "protocol = ? AND chat_template = ? AND num_fewshot IS ? AND samples = ?");
    if (find.bind(row.run_id, row.model.id, row.task.id, row.scenario, row.protocol, row.chat_template,
                  row.num_fewshot, row.samples)
            .step()) {
      return find.integer(0);
    }
    absent(fmt::format("the evaluation of model '{}' on task '{}'", row.model.name, row.task.name));
    Statement insert(*database_,
                     "INSERT INTO evaluation (run_id, model_id, task_id, scenario, protocol, chat_template, "
                     "num_fewshot, samples) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    insert
        .bind(row.run_id, row.model.id, row.task.id, row.scenario, row.protocol, row.chat_template,
              row.num_fewshot, row.samples)
        .run();
    return database_->last_insert_id();
  }

  std::vector<int64_t> samples(int64_t task_id, const SampleList& list) {
    Statement find(*database_,
                   "SELECT id FROM sample WHERE task_id = ? AND document_id = ? AND document_hash = ? AND "
                   "prompt_hash = ?");
    Statement insert(
        *database_,
        "INSERT INTO sample (task_id, document_id, document_hash, row, prompt, prompt_hash, target, "
        "source, slices, edited) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    Statement fill_in(*database_,
                      "UPDATE sample SET prompt = ?, target = ?, source = ?, slices = ?, edited = 0 WHERE id "
                      "= ? AND edited");
    const bool fills = texts_->keeps_all() && if_absent_ == IfAbsent::insert;
    std::vector<int64_t> ids;
    ids.reserve(list.size());
    for (size_t index = 0; index < list.size(); ++index) {
      const SampleRow row = need(list.row(index));
      const std::string prompt_hash = sha256_hex(row.prompt);
      if (find.bind(task_id, row.document_id, row.document_hash, prompt_hash).step()) {
        ids.push_back(find.integer(0));
        if (fills) fill_in.bind(row.prompt, row.target, row.source, to_json(row.slices), ids.back()).run();
        continue;
      }
      absent(fmt::format("sample '{}'", row.document_id));
      const SampleRow kept = stored(row);
      insert
          .bind(task_id, row.document_id, row.document_hash, row.row, kept.prompt, prompt_hash, kept.target,
                kept.source, to_json(kept.slices), edited_)
          .run();
      ids.push_back(database_->last_insert_id());
    }
    return ids;
  }

 private:
  static SampleRow need(Result<SampleRow> row) {
    if (!row) throw Failure(std::move(row.error()));
    return std::move(*row);
  }

  // Slices are what results are broken down by, so they are redacted, but not left out.
  SampleRow stored(const SampleRow& row) {
    SampleRow kept = row;
    edited_ = false;
    for (std::string* text : {&kept.prompt, &kept.target, &kept.source})
      *text = texts_->stored(*text, edited_);
    if (texts_->keeps_none()) return kept;
    for (auto& [field, value] : kept.slices) value = texts_->stored(value, edited_);
    return kept;
  }

  void absent(const std::string& what) const {
    if (if_absent_ == IfAbsent::insert) return;
    throw Failure({ErrorKind::bad_input, "", fmt::format("{} is not what it was when the run started", what),
                   "the same models, tasks and data as before",
                   "start a new run: what is unchanged costs nothing"});
  }

  Database* database_;
  IfAbsent if_absent_;
  const TextRule* texts_;
  bool edited_ = false;  // of the sample last stored
};

void place(Database& database, IfAbsent if_absent, const TextRule& texts, const Store::Plan& plan,
           Store::Planned& planned) {
  require(plan.evaluations.size() == plan.lists.size(), "every evaluation has its list of samples");
  PlanRows rows(database, if_absent, texts);
  planned.sample_ids.resize(plan.samples.size());
  std::vector<bool> placed(plan.samples.size());
  for (size_t e = 0; e < plan.evaluations.size(); ++e) {
    EvaluationRow evaluation = plan.evaluations[e];
    evaluation.run_id = planned.run.id;
    evaluation.model.id = rows.model(evaluation.model);
    evaluation.task.id = rows.task(evaluation.task);
    planned.evaluation_ids.push_back(rows.evaluation(evaluation));
    const size_t list = plan.lists[e];
    if (placed[list]) continue;
    placed[list] = true;
    planned.sample_ids[list] = rows.samples(evaluation.task.id, plan.samples[list]);
  }
}

std::string next_run_name(Database& database, const std::string& created_at) {
  const std::string date = created_at.substr(0, 10);
  Statement taken(database, "SELECT 1 FROM run WHERE name = ?");
  for (int number = 1;; ++number) {
    std::string name = fmt::format("{}-{}", date, number);
    if (!taken.bind(name).step()) return name;
  }
}

int64_t insert_environment(Database& database, const RunRow& run) {
  Statement(database, "INSERT OR IGNORE INTO environment (program, machine) VALUES (?, ?)")
      .bind(run.program, run.machine)
      .run();
  Statement find(database, "SELECT id FROM environment WHERE program = ? AND machine = ?");
  find.bind(run.program, run.machine).step();
  return find.integer(0);
}

void insert_run(Database& database, RunRow& run, const TextRule& texts) {
  if (run.name.empty()) run.name = next_run_name(database, run.created_at);
  if (Statement(database, "SELECT 1 FROM run WHERE name = ?").bind(run.name).step()) {
    throw Failure({ErrorKind::usage, "", fmt::format("there is a run named '{}' already", run.name), "",
                   "choose another name, or continue an unfinished run with --resume"});
  }
  Statement(database,
            "INSERT INTO run (name, created_at, now, protocol, seed, settings, environment_id, texts) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(run.name, run.created_at, run.now, run.protocol, run.seed, run.settings,
            insert_environment(database, run),
            texts.keeps_all()    ? "all"
            : texts.keeps_none() ? "none"
                                 : "redacted")
      .run();
  run.id = database.last_insert_id();
}

}  // namespace

Result<Store::Planned> Store::create_run(const Plan& plan) {
  return with_database(*this, [&](Database& database) {
    Transaction transaction(database);
    Planned planned;
    planned.run = plan.run;
    insert_run(database, planned.run, connection_->texts);
    place(database, IfAbsent::insert, connection_->texts, plan, planned);
    transaction.commit();
    return planned;
  });
}

Result<Store::Planned> Store::find_run_plan(const Plan& plan) {
  return with_database(*this, [&](Database& database) {
    Planned planned;
    planned.run = plan.run;
    place(database, IfAbsent::refuse, connection_->texts, plan, planned);
    return planned;
  });
}

}  // namespace sizeup
