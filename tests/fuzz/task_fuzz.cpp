// Any bytes as a task file beside a small data file; what loads makes prompts and scores answers.
#include <cstdint>
#include <string_view>

#include "core/errors/result.h"
#include "tasks/task.h"
#include "tests/support/files.h"

namespace {

const sizeup::TemporaryFolder& folder() {
  static const sizeup::TemporaryFolder made;
  static const auto data = made.write("data.jsonl",
                                      "{\"question\":\"1 + 1?\",\"answer\":\"#### 2\",\"label\":1}\n"
                                      "{\"question\":\"Who?\",\"answer\":\"Ann\",\"label\":0}\n");
  return made;
}

sizeup::Scored score(const sizeup::Task& task, const sizeup::Sample& sample, const std::string& text) {
  sizeup::Reply reply;
  reply.text = text;
  reply.logprob = -1.0;
  return task.score(sample, std::vector<sizeup::Reply>(sample.asks.size(), reply));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = folder().write("task.yaml", {reinterpret_cast<const char*>(data), size});
  const auto task = sizeup::load_task(file, {});
  if (!task) return 0;
  const auto samples = (*task)->samples(2);
  if (!samples) return 0;
  std::vector<sizeup::Scored> scored;
  for (const sizeup::Sample& sample : *samples) {
    for (const char* text : {"", "#### 2", "{\"answer\": 2}"}) scored.push_back(score(**task, sample, text));
  }
  std::vector<const sizeup::Scored*> pointers;
  for (const sizeup::Scored& one : scored) pointers.push_back(&one);
  for (const sizeup::MetricInfo& metric : (*task)->metrics()) {
    static_cast<void>((*task)->aggregate(metric.name, pointers));
  }
  return 0;
}
