// The thread that writes a run's answers: callers hand rows over and go on, commits happen in groups.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/group_commit.h"
#include "harness/store/records.h"
#include "harness/store/store.h"

namespace sizeup {

// The place where a response was used: ask number `ask` of a sample.
struct ResponseUse {
  int64_t evaluation_id = 0;
  int64_t sample_id = 0;
  int ask = 0;
};

// A response and who uses it. A key that is stored already keeps its row.
struct ResponseWrite {
  ResponseRow response;
  std::vector<ResponseUse> uses;
};

using StoreWrite = std::variant<ResponseWrite, AnswerRow, TimingRow>;

// What has reached the disk.
struct Committed {
  int64_t responses = 0;
  int64_t answers = 0;
  int64_t timings = 0;
};

class StoreWriter {
 public:
  // on_commit is called on the writer's thread after each commit; it must not call the writer.
  StoreWriter(Store& store, GroupLimits limits, std::function<void(const Committed&)> on_commit = {});
  ~StoreWriter();  // writes what is left
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  // Hands a row over; waits while too many are waiting. Once a commit has failed every call says so.
  Result<void> write(StoreWrite row);

  // Returns when everything handed over so far is committed, or with the error that prevents it.
  Result<void> flush();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sizeup
