#include "harness/store/writer.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "core/io/sha256.h"
#include "harness/store/connection.h"

namespace sizeup {
namespace {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

// Writes that may wait for the thread before write() blocks: sixteen full groups.
constexpr size_t kMaxWaiting = 4096;

constexpr const char* kErrorLeftOut = "failed; its message is left out with the texts";

// The statements of the writer, prepared once.
class RowWriter {
 public:
  // Rows that are there stay, except that whole texts take the place of edited ones.
  RowWriter(Database& database, const TextRule& texts)
      : database_(&database),
        texts_(&texts),
        prompt_(database,
                "INSERT INTO prompt (hash, text, edited) VALUES (?, ?, ?) "
                "ON CONFLICT (hash) DO UPDATE SET text = excluded.text, edited = 0 "
                "WHERE edited AND NOT excluded.edited"),
        response_(
            database,
            "INSERT INTO response (key, key_json, prompt_id, logprob, greedy, text, finish, tokens, "
            "token_logprobs, first_tokens, prompt_tokens, completion_tokens, cached_prompt_tokens, "
            "reasoning_tokens, truncated, created_at, edited) "
            "VALUES (?, ?, (SELECT id FROM prompt WHERE hash = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
            "?) "
            "ON CONFLICT (key) DO UPDATE SET key_json = excluded.key_json, logprob = excluded.logprob, "
            "text = excluded.text, finish = excluded.finish, tokens = excluded.tokens, "
            "token_logprobs = excluded.token_logprobs, first_tokens = excluded.first_tokens, "
            "prompt_tokens = excluded.prompt_tokens, "
            "completion_tokens = excluded.completion_tokens, "
            "cached_prompt_tokens = excluded.cached_prompt_tokens, "
            "reasoning_tokens = excluded.reasoning_tokens, truncated = excluded.truncated, "
            "created_at = excluded.created_at, edited = 0 WHERE edited AND NOT excluded.edited"),
        use_(database,
             "INSERT OR REPLACE INTO sample_response (evaluation_id, sample_id, ask, response_id) "
             "VALUES (?, ?, ?, (SELECT id FROM response WHERE key = ?))"),
        answer_(database,
                "INSERT INTO answer (evaluation_id, sample_id, answer, no_answer, invalid, truncated, "
                "error, confidence, details, edited) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO "
                "NOTHING"),
        clear_answer_(database, "DELETE FROM answer WHERE evaluation_id = ? AND sample_id = ?"),
        clear_scores_(database, "DELETE FROM score WHERE evaluation_id = ? AND sample_id = ?"),
        score_(database, "INSERT INTO score (evaluation_id, sample_id, metric, value) VALUES (?, ?, ?, ?)"),
        timing_(database,
                "INSERT OR REPLACE INTO timing (evaluation_id, sample_id, ttft_ms, total_ms, prompt_tokens, "
                "completion_tokens, due_ms) VALUES (?, ?, ?, ?, ?, ?, ?)") {}

  void operator()(const ResponseWrite& write) {
    const ResponseRow& row = write.response;
    if (row.id == 0) insert(row);
    for (const ResponseUse& use : write.uses)
      use_.bind(use.evaluation_id, use.sample_id, use.ask, row.key).run();
  }

  void operator()(const AnswerRow& row) {
    bool edited = false;
    const std::string answer = texts_->stored(row.answer, edited);
    const std::string details = to_json(texts_->stored_details(row.details, edited));
    std::optional<std::string> error = row.error;  // an endpoint's may quote the question
    if (error) error = texts_->keeps_none() ? kErrorLeftOut : texts_->stored(*error, edited);
    answer_.bind(row.evaluation_id, row.sample_id, answer, row.no_answer, row.invalid, row.truncated, error,
                 row.confidence, details, edited);
    answer_.run();
    // Nearly every answer is the sample's first: only then is there nothing to clear.
    if (database_->changes() == 0) {
      clear_answer_.bind(row.evaluation_id, row.sample_id).run();
      clear_scores_.bind(row.evaluation_id, row.sample_id).run();
      answer_.run();
    }
    for (const auto& [metric, value] : row.scores) {
      score_.bind(row.evaluation_id, row.sample_id, metric, value).run();
    }
  }

  void operator()(const TimingRow& row) {
    timing_
        .bind(row.evaluation_id, row.sample_id, row.ttft_ms, row.total_ms, row.prompt_tokens,
              row.completion_tokens, row.due_ms)
        .run();
  }

 private:
  void insert(const ResponseRow& row) {
    const std::string hash = sha256_hex(row.prompt);
    bool prompt_edited = false;
    const std::string prompt = texts_->stored(row.prompt, prompt_edited);
    prompt_.bind(hash, prompt, prompt_edited).run();
    bool edited = false;
    std::optional<std::string> text = row.text;
    if (text) text = texts_->stored(*text, edited);
    bool key_edited = false;  // nothing needs the choice again: its log-probability is what counts
    const std::string key_json = texts_->stored_key_json(row.key_json, key_edited);
    // Tokens are the text once more.
    const std::string tokens = texts_->keeps_all() ? to_json(row.tokens) : "[]";
    const std::string token_logprobs = to_json(row.token_logprobs);
    std::optional<std::string> first_tokens;
    if (!texts_->keeps_none() && !row.first_tokens.empty()) {
      bool token_edited = false;  // then the probabilities belong to words that are not there any more
      for (const auto& [token, weight] : row.first_tokens) (void)texts_->stored(token, token_edited);
      if (!token_edited && !edited) first_tokens = to_json(row.first_tokens);
    }
    const std::string created_at = stored_now();
    // -infinity is stored as NULL: other programs read an infinite REAL in different ways.
    const bool finite = row.logprob > -std::numeric_limits<double>::infinity();
    const std::optional<double> logprob = finite ? std::optional(row.logprob) : std::nullopt;
    std::optional<int64_t> greedy;
    if (!row.text) greedy = row.greedy ? 1 : 0;
    response_
        .bind(row.key, key_json, hash, logprob, greedy, text, row.finish, tokens, token_logprobs,
              first_tokens, row.prompt_tokens, row.completion_tokens, row.cached_prompt_tokens,
              row.reasoning_tokens, row.truncated, created_at, edited)
        .run();
  }

  Database* database_;
  const TextRule* texts_;
  Statement prompt_, response_, use_, answer_, clear_answer_, clear_scores_, score_, timing_;
};

void count(Committed& committed, const StoreWrite& row) {
  if (std::holds_alternative<ResponseWrite>(row)) ++committed.responses;
  if (std::holds_alternative<AnswerRow>(row)) ++committed.answers;
  if (std::holds_alternative<TimingRow>(row)) ++committed.timings;
}

}  // namespace

struct StoreWriter::State {
  State(Store& store_, GroupLimits limits, std::function<void(const Committed&)> on_commit_)
      : store(&store_),
        group({std::min(limits.writes, kMaxWaiting), limits.delay}),
        on_commit(std::move(on_commit_)) {}

  Store* store;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<StoreWrite> waiting;
  GroupCommit group;
  bool flushing = false;
  bool busy = false;  // a group is being committed
  bool stopping = false;
  std::optional<Error> failure;
  Committed committed;
  std::function<void(const Committed&)> on_commit;
  std::optional<RowWriter> rows;  // of the writer's thread
  std::thread thread;

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      wait_for_group(lock);
      if (waiting.empty()) return;
      const std::vector<StoreWrite> taken = std::exchange(waiting, {});
      group.taken();
      busy = true;
      const bool healthy = !failure;
      lock.unlock();
      Result<void> done = healthy ? commit(taken) : Result<void>{};
      lock.lock();
      finish(taken, done);
    }
  }

  // Returns with a group to commit, or with nothing waiting when the writer stops.
  void wait_for_group(std::unique_lock<std::mutex>& lock) {
    while (!stopping && !(flushing && !waiting.empty()) && !group.due(GroupCommit::Clock::now())) {
      if (waiting.empty()) {
        changed.wait(lock);
      } else {
        changed.wait_until(lock, group.deadline());
      }
    }
  }

  Result<void> commit(const std::vector<StoreWrite>& taken) {
    return with_database(*store, [&](Database& database) {
      if (!rows) rows.emplace(database, store->connection().texts);
      Transaction transaction(database);
      for (const StoreWrite& row : taken) std::visit(*rows, row);
      transaction.commit();
    });
  }

  void finish(const std::vector<StoreWrite>& taken, Result<void>& done) {
    busy = false;
    if (!done) failure = std::move(done.error());
    if (!failure) {
      for (const StoreWrite& row : taken) count(committed, row);
      if (on_commit) on_commit(committed);
    }
    changed.notify_all();
  }
};

StoreWriter::StoreWriter(Store& store, GroupLimits limits, std::function<void(const Committed&)> on_commit)
    : state_(std::make_unique<State>(store, limits, std::move(on_commit))) {
  state_->thread = std::thread([state = state_.get()] { state->work(); });
}

StoreWriter::~StoreWriter() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  state_->thread.join();
  const std::lock_guard lock(state_->store->connection().mutex);
  state_->rows.reset();  // statements are the connection's, and so under its lock
}

Result<void> StoreWriter::write(StoreWrite row) {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [&] { return state_->waiting.size() < kMaxWaiting || state_->failure; });
  if (state_->failure) return tl::unexpected<Error>(*state_->failure);
  state_->waiting.push_back(std::move(row));
  state_->group.add(GroupCommit::Clock::now());
  state_->changed.notify_all();
  return {};
}

Result<void> StoreWriter::flush() {
  std::unique_lock lock(state_->mutex);
  state_->flushing = true;
  state_->changed.notify_all();
  state_->changed.wait(lock, [&] { return (state_->waiting.empty() && !state_->busy) || state_->failure; });
  state_->flushing = false;
  if (state_->failure) return tl::unexpected<Error>(*state_->failure);
  return {};
}

}  // namespace sizeup
