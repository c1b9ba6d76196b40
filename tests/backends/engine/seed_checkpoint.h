// Checkpoints of published models without their weights: the published configuration and tensors of
// tests/golden/seed_models (tests/oracles/seed_models_golden.py), over data that is one hole in a file.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/engine/architectures/table.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/json/json.h"
#include "tests/support/files.h"

namespace sizeup {

inline std::filesystem::path seed_folder(std::string_view name) {
  return golden_folder() / "seed_models" / name;
}

inline std::string seed_architecture(std::string_view name) {
  const Json config = parse_json(read_whole(seed_folder(name) / "config.json"), "config.json").value();
  return config["architectures"][0].get<std::string>();
}

// Whether its architecture is one that is read.
inline bool is_in_table(std::string_view name) {
  const std::string architecture = seed_architecture(name);
  for (const Architecture& known : architecture_table()) {
    if (known.hugging_face_name == architecture) return true;
  }
  return false;
}

// The names that one entry of tensors.json stands for: {} of each place takes all the numbers of its ranges.
inline std::vector<std::string> names_of(const Json& entry) {
  std::vector<std::string> names = {entry["name"].get<std::string>()};
  for (const Json& ranges : entry["numbers"]) {
    std::vector<std::string> next;
    for (const std::string& name : names) {
      const size_t place = name.find("{}");
      for (const Json& range : ranges) {
        for (int number = range[0].get<int>(); number <= range[1].get<int>(); ++number)
          next.push_back(name.substr(0, place) + std::to_string(number) + name.substr(place + 2));
      }
    }
    names = std::move(next);
  }
  return names;
}

// Writes config.json and model.safetensors into `folder`.
inline void write_seed(std::string_view name, const std::filesystem::path& folder) {
  std::filesystem::copy_file(seed_folder(name) / "config.json", folder / "config.json");
  const std::map<std::string, int64_t> bytes = {{"F32", 4}, {"BF16", 2}, {"F16", 2}, {"BOOL", 1}, {"U8", 1}};
  Json header = Json::object();
  int64_t end = 0;
  const Json entries = parse_json(read_whole(seed_folder(name) / "tensors.json"), "tensors").value();
  for (const Json& entry : entries) {
    int64_t size = bytes.at(entry["type"].get<std::string>());
    for (const Json& dimension : entry["shape"]) size *= dimension.get<int64_t>();
    for (const std::string& tensor : names_of(entry)) {
      header[tensor] = {
          {"dtype", entry["type"]}, {"shape", entry["shape"]}, {"data_offsets", {end, end + size}}};
      end += size;
    }
  }
  const std::string text = header.dump();
  const uint64_t length = text.size();
  const std::filesystem::path file = folder / "model.safetensors";
  std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(&length), sizeof length) << text;
  std::filesystem::resize_file(file, sizeof length + length + static_cast<uint64_t>(end));
}

// Another checkpoint that remembers which tensors were looked for.
class WatchedCheckpoint : public Checkpoint {
 public:
  explicit WatchedCheckpoint(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  // Those that nobody has looked for.
  std::vector<const Tensor*> unread() const { return tensors_where(false); }
  std::vector<const Tensor*> read() const { return tensors_where(true); }

  CheckpointFormat format() const override { return checkpoint_.format(); }
  const std::filesystem::path& path() const override { return checkpoint_.path(); }
  const Json& config() const override { return checkpoint_.config(); }
  const std::vector<Tensor>& tensors() const override { return checkpoint_.tensors(); }
  const Tensor* find(std::string_view name) const override {
    found_.emplace(name);
    return checkpoint_.find(name);
  }
  std::vector<std::filesystem::path> files() const override { return checkpoint_.files(); }

 private:
  std::vector<const Tensor*> tensors_where(bool found) const {
    std::vector<const Tensor*> tensors;
    for (const Tensor& tensor : checkpoint_.tensors()) {
      if (found_.contains(tensor.name) == found) tensors.push_back(&tensor);
    }
    return tensors;
  }

  const Checkpoint& checkpoint_;
  mutable std::set<std::string, std::less<>> found_;
};

}  // namespace sizeup
