// Any rows as own data and as recorded answers. What is guessed must be a task file that loads its own data
// or says in words why it does not.
#include <array>
#include <cstdint>
#include <string_view>

#include "harness/answers/answer_file.h"
#include "tasks/check/check.h"
#include "tasks/own_data/own_data.h"
#include "tests/support/files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const sizeup::TemporaryFolder folder;
  constexpr std::array kNames = {"rows.jsonl", "rows.json", "rows.csv"};
  if (size == 0) return 0;
  const std::string_view content(reinterpret_cast<const char*>(data) + 1, size - 1);
  sizeup::OwnData own;
  own.file = folder.write(kNames[data[0] % kNames.size()], content);
  static_cast<void>(sizeup::read_answer_file(own.file, {}));
  const auto guess = sizeup::guess_task(own);
  if (!guess) return 0;
  const auto task = sizeup::task_of(*guess, own.file);
  if (!task) __builtin_trap();
  static_cast<void>(sizeup::check_task(*task, {}, own.file, [](const sizeup::Sample&) {}));
  return 0;
}
