#include "backends/engine/formats/gguf_checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "backends/engine/formats/gguf.h"
#include "backends/engine/formats/tensor_index.h"
#include "core/io/mapped_file.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostParts = 99999;  // five digits

class GgufCheckpoint : public Checkpoint {
 public:
  GgufCheckpoint(std::vector<fs::path> paths, std::vector<MappedFile> files, GgufContent content)
      : paths_(std::move(paths)),
        files_(std::move(files)),
        metadata_(std::move(content.metadata)),
        tensors_(std::move(content.tensors)) {}

  CheckpointFormat format() const override { return CheckpointFormat::gguf; }
  const fs::path& path() const override { return paths_.front(); }
  const Json& config() const override { return metadata_; }
  const std::vector<Tensor>& tensors() const override { return tensors_.all(); }
  const Tensor* find(std::string_view name) const override { return tensors_.find(name); }
  void release(const Tensor& tensor) const override { MappedFile::release(tensor.data); }
  std::vector<fs::path> files() const override { return paths_; }

 private:
  std::vector<fs::path> paths_;
  std::vector<MappedFile> files_;
  Json metadata_;
  TensorIndex tensors_;
};

struct OpenedFile {
  MappedFile file;
  GgufContent content;
};

Result<OpenedFile> open_file(const fs::path& path) {
  auto file = MappedFile::open(path);
  if (!file) return forward_error(file);
  auto content = parse_gguf(file->bytes(), path.string());
  if (!content) return forward_error(content);
  return OpenedFile{std::move(*file), std::move(*content)};
}

// A metadata key of a split model; `fallback` is what a file that lacks it means.
Result<int64_t> split_value(const Json& metadata, const char* key, int64_t fallback, const fs::path& path) {
  const auto value = metadata.find(key);
  if (value == metadata.end()) return fallback;
  if (!value->is_number_integer() || *value < 0 || *value > int64_t{1} << 32) {
    return bad_input(path.string(), fmt::format("'{}' is {}", key, to_line(*value).substr(0, 40)),
                     "an integer from 0");
  }
  return value->get<int64_t>();
}

// NAME of NAME-00002-of-00003.gguf with three parts; nothing if the file is not named so.
std::optional<std::string> split_name(const fs::path& path, int64_t parts) {
  const std::string end = fmt::format("-of-{:05}.gguf", parts);
  std::string name = path.filename().string();
  if (!name.ends_with(end)) return std::nullopt;
  name.resize(name.size() - end.size());
  const size_t dash = name.rfind('-');
  const bool numbered = dash != std::string::npos && name.size() - dash == 6 &&
                        name.find_first_not_of("0123456789", dash + 1) == std::string::npos;
  if (!numbered) return std::nullopt;
  return name.substr(0, dash);
}

// The files of all parts, in order; those that do not exist are listed at once.
Result<std::vector<fs::path>> part_paths(const fs::path& path, int64_t parts) {
  if (parts > kMostParts)
    return bad_input(path.string(), fmt::format("is one of {} parts", parts), "at most 99999");
  const auto name = split_name(path, parts);
  if (!name) {
    return bad_input(path.string(), fmt::format("is one of {} parts of a model, but not named so", parts),
                     fmt::format("a name that ends in -00001-of-{:05}.gguf", parts),
                     "give the parts the names that they had, or merge them with llama-gguf-split --merge");
  }
  std::vector<fs::path> paths;
  std::vector<std::string> missing;
  for (int64_t i = 1; i <= parts; ++i) {
    paths.push_back(path.parent_path() / fmt::format("{}-{:05}-of-{:05}.gguf", *name, i, parts));
    std::error_code failure;
    if (!fs::exists(paths.back(), failure)) missing.push_back(paths.back().filename().string());
  }
  if (missing.empty()) return paths;
  constexpr size_t kShown = 10;
  const std::string more =
      missing.size() > kShown ? fmt::format(" and {} more", missing.size() - kShown) : "";
  missing.resize(std::min(missing.size(), kShown));
  return bad_input(path.string(),
                   fmt::format("the model's parts {}{} are missing", fmt::join(missing, ", "), more),
                   fmt::format("{} files in one folder", parts));
}

// Tensors of a part beside those of the parts before it.
Result<void> add_part(GgufContent part, int64_t number, int64_t parts, const fs::path& path,
                      std::unordered_set<std::string>& names, GgufContent& model) {
  auto count = split_value(part.metadata, "split.count", 1, path);
  if (!count) return forward_error(count);
  auto own_number = split_value(part.metadata, "split.no", 0, path);
  if (!own_number) return forward_error(own_number);
  if (*count != parts || *own_number != number) {
    return bad_input(path.string(), fmt::format("says that it is part {} of {}", *own_number + 1, *count),
                     fmt::format("part {} of {}, as its name says", number + 1, parts));
  }
  for (Tensor& tensor : part.tensors) {
    if (!names.insert(tensor.name).second)
      return bad_input(path.string(), fmt::format("tensor '{}' is in another part, too", tensor.name),
                       "each tensor in one part");
    model.tensors.push_back(std::move(tensor));
  }
  if (number == 0) model.metadata = std::move(part.metadata);  // the other parts tell of the split only
  return {};
}

Result<std::unique_ptr<Checkpoint>> open_parts(const fs::path& path, int64_t parts) {
  auto paths = part_paths(path, parts);
  if (!paths) return forward_error(paths);
  std::vector<MappedFile> files;
  GgufContent model;
  std::unordered_set<std::string> names;
  for (int64_t i = 0; i < parts; ++i) {
    const fs::path& part_path = (*paths)[static_cast<size_t>(i)];
    auto part = open_file(part_path);
    if (!part) return forward_error(part);
    if (auto added = add_part(std::move(part->content), i, parts, part_path, names, model); !added)
      return forward_error(added);
    files.push_back(std::move(part->file));
  }
  auto stated = split_value(model.metadata, "split.tensors.count", 0, paths->front());
  if (!stated) return forward_error(stated);
  if (*stated != 0 && *stated != static_cast<int64_t>(model.tensors.size())) {
    return bad_input(paths->front().string(), fmt::format("the parts hold {} tensors", model.tensors.size()),
                     fmt::format("{}, as the first says", *stated));
  }
  return std::make_unique<GgufCheckpoint>(std::move(*paths), std::move(files), std::move(model));
}

}  // namespace

Result<std::unique_ptr<Checkpoint>> open_gguf(const fs::path& path) {
  auto opened = open_file(path);
  if (!opened) return forward_error(opened);
  auto parts = split_value(opened->content.metadata, "split.count", 1, path);
  if (!parts) return forward_error(parts);
  if (*parts > 1) return open_parts(path, *parts);
  std::vector<MappedFile> files;
  files.push_back(std::move(opened->file));
  return std::make_unique<GgufCheckpoint>(std::vector{path}, std::move(files), std::move(opened->content));
}

}  // namespace sizeup
