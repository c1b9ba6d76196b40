#include "tasks/task.h"

#include <utility>

#include "tasks/yaml_task.h"

namespace sizeup {

const char* name_of(OutputType type) {
  switch (type) {
    case OutputType::multiple_choice:
      return "multiple_choice";
    case OutputType::loglikelihood:
      return "loglikelihood";
    case OutputType::loglikelihood_rolling:
      return "loglikelihood_rolling";
    case OutputType::generate_until:
      return "generate_until";
  }
  throw InternalError("unknown OutputType");
}

Result<std::vector<Sample>> Task::samples(int64_t limit, BadRows* bad_rows) const {
  const std::unique_ptr<SampleReader> reader = read_samples(limit, bad_rows);
  std::vector<Sample> samples;
  while (true) {
    Result<std::optional<Sample>> sample = reader->next();
    if (!sample) return forward_error(sample);
    if (!*sample) return samples;
    samples.push_back(std::move(**sample));
  }
}

Result<std::unique_ptr<Task>> load_task(const std::filesystem::path& file, const TaskOptions& options) {
  Result<Definition> definition = read_definition(file, options);
  if (!definition) return forward_error(definition);
  Result<std::unique_ptr<YamlTask>> task = YamlTask::load(std::move(*definition), options);
  if (!task) return forward_error(task);
  return std::unique_ptr<Task>(std::move(*task));
}

}  // namespace sizeup
