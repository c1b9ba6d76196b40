#include "backends/engine/formats/safetensors_checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

#include "backends/engine/formats/quantised/quantised.h"
#include "backends/engine/formats/safetensors.h"
#include "backends/engine/formats/sorted_json.h"
#include "backends/engine/formats/tensor_index.h"
#include "core/io/file.h"
#include "core/io/mapped_file.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

constexpr const char* kIndexName = "model.safetensors.index.json";
constexpr size_t kMaxConfigBytes = 1u << 20;  // real ones have some kilobytes
constexpr size_t kMaxIndexBytes = 100u << 20;

// Besides config.json and the weights: what decides how a text becomes tokens and where an answer ends.
constexpr std::array<const char*, 6> kTextFiles = {"chat_template.jinja", "generation_config.json",
                                                   "spiece.model",        "tokenizer.json",
                                                   "tokenizer.model",     "tokenizer_config.json"};

using Integers = std::map<std::string, std::vector<int64_t>, std::less<>>;

// Longer ones are masks or position numbers, which nobody asks for.
constexpr size_t kMostIntegers = 4096;

Integers integers_of(const std::vector<StoredTensor>& stored) {
  Integers integers;
  for (const StoredTensor& tensor : stored) {
    const size_t count = tensor.data.size() / sizeof(int64_t);
    if (tensor.dtype != "I64" || count > kMostIntegers) continue;
    std::vector<int64_t>& values = integers[tensor.name];
    values.resize(count);
    if (count > 0) std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  }
  return integers;
}

class SafetensorsCheckpoint : public Checkpoint {
 public:
  SafetensorsCheckpoint(fs::path folder, Json config, std::vector<fs::path> files,
                        std::vector<MappedFile> shards, ComputedTensors tensors, Integers integers)
      : folder_(std::move(folder)),
        config_(std::move(config)),
        files_(std::move(files)),
        shards_(std::move(shards)),
        integers_(std::move(integers)),
        sources_(std::move(tensors.sources)),
        tensors_(std::move(tensors.tensors)) {}

  CheckpointFormat format() const override { return CheckpointFormat::safetensors; }
  const fs::path& path() const override { return folder_; }
  const Json& config() const override { return config_; }
  const std::vector<Tensor>& tensors() const override { return tensors_.all(); }
  const Tensor* find(std::string_view name) const override { return tensors_.find(name); }
  std::vector<int64_t> integers(std::string_view name) const override {
    const auto found = integers_.find(name);
    return found == integers_.end() ? std::vector<int64_t>() : found->second;
  }
  void release(const Tensor& tensor) const override { MappedFile::release(tensor.data); }
  std::vector<fs::path> files() const override { return files_; }

 private:
  fs::path folder_;
  Json config_;
  std::vector<fs::path> files_;
  std::vector<MappedFile> shards_;
  Integers integers_;
  std::vector<std::unique_ptr<RowSource>> sources_;
  TensorIndex tensors_;
};

struct WeightFiles {
  std::vector<std::string> shards;
  bool indexed = false;
};

Result<WeightFiles> weight_files(const fs::path& folder) {
  std::error_code failure;
  if (fs::exists(folder / "model.safetensors", failure)) return WeightFiles{{"model.safetensors"}, false};
  if (fs::exists(folder / kIndexName, failure)) {
    auto shards = indexed_weight_files(folder / kIndexName);
    if (!shards) return forward_error(shards);
    return WeightFiles{std::move(*shards), true};
  }
  return bad_input(folder.string(), "has no weights", "model.safetensors or model.safetensors.index.json",
                   "pytorch_model.bin files are not read: convert them to safetensors");
}

// A folder that holds a tokenizer only: it has neither configuration nor tensors.
bool is_tokenizer_folder(const fs::path& folder) {
  std::error_code failure;
  if (fs::exists(folder / "config.json", failure)) return false;
  return fs::exists(folder / "tokenizer.json", failure) || fs::exists(folder / "tokenizer.model", failure) ||
         fs::exists(folder / "spiece.model", failure);
}

void add_text_files(const fs::path& folder, std::vector<fs::path>& files) {
  std::error_code failure;
  for (const char* name : kTextFiles) {
    if (fs::exists(folder / name, failure)) files.push_back(folder / name);
  }
  std::sort(files.begin(), files.end());
}

Result<Json> read_config(const fs::path& path) {
  const auto text = read_file(path, kMaxConfigBytes);
  if (!text) return tl::unexpected<Error>(text.error());
  auto config = parse_json(*text, path.string());
  if (config && !config->is_object()) return bad_input(path.string(), "is not a JSON object", "an object");
  return config;
}

// The weights; what the configuration says of their form has been dealt with then and leaves it.
Result<ComputedTensors> tensors_of(Json& config, std::vector<StoredTensor> stored, const std::string& place) {
  const auto quantisation = config.find("quantization_config");
  if (quantisation == config.end() || quantisation->is_null()) {
    auto tensors = plain_tensors(std::move(stored), place);
    if (!tensors) return forward_error(tensors);
    return ComputedTensors{std::move(*tensors), {}};
  }
  auto tensors = read_quantised(*quantisation, std::move(stored), place);
  if (tensors) config.erase(quantisation);
  return tensors;
}

}  // namespace

Result<std::vector<std::string>> indexed_weight_files(const fs::path& path) {
  const auto text = read_file(path, kMaxIndexBytes);
  if (!text) return tl::unexpected<Error>(text.error());
  const auto index = parse_sorted_json(*text, path.string());
  if (!index) return tl::unexpected<Error>(index.error());
  const auto map = index->is_object() ? index->find("weight_map") : index->end();
  if (!index->is_object() || map == index->end() || !map->is_object() || map->empty()) {
    return bad_input(path.string(), "has no 'weight_map'", "an object from tensor names to file names");
  }
  std::set<std::string> names;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string())
      return bad_input(path.string(), "'weight_map' has a value that is no file name", "a string");
    const auto& name = file.get_ref<const std::string&>();
    const bool plain = name.ends_with(".safetensors") && name.find('/') == std::string::npos &&
                       name.find('\\') == std::string::npos && name.find('\0') == std::string::npos;
    if (!plain) {
      return bad_input(path.string(), fmt::format("'weight_map' names the file '{}'", name.substr(0, 80)),
                       "the name of a .safetensors file in the same folder");
    }
    names.insert(name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::unique_ptr<Checkpoint>> open_safetensors_text(const fs::path& folder) {
  Result<Json> config = Json::object();
  if (!is_tokenizer_folder(folder)) config = read_config(folder / "config.json");
  if (!config) return forward_error(config);
  std::vector<fs::path> files;
  add_text_files(folder, files);
  return std::make_unique<SafetensorsCheckpoint>(folder, std::move(*config), std::move(files),
                                                 std::vector<MappedFile>(), ComputedTensors(), Integers());
}

Result<std::unique_ptr<Checkpoint>> open_safetensors(const fs::path& folder) {
  std::vector<fs::path> files;
  if (is_tokenizer_folder(folder)) {
    add_text_files(folder, files);
    return std::make_unique<SafetensorsCheckpoint>(folder, Json::object(), std::move(files),
                                                   std::vector<MappedFile>(), ComputedTensors(), Integers());
  }
  auto config = read_config(folder / "config.json");
  if (!config) return forward_error(config);
  auto names = weight_files(folder);
  if (!names) return forward_error(names);
  files.push_back(folder / "config.json");
  std::vector<MappedFile> shards;
  std::vector<StoredTensor> stored;
  std::unordered_set<std::string> seen;
  for (const std::string& name : names->shards) {
    auto shard = MappedFile::open(folder / name);
    if (!shard) return forward_error(shard);
    auto content = parse_safetensors(shard->bytes(), (folder / name).string());
    if (!content) return forward_error(content);
    for (StoredTensor& tensor : *content) {
      if (!seen.insert(tensor.name).second) {
        return bad_input((folder / name).string(),
                         fmt::format("tensor '{}' is in another file, too", tensor.name),
                         "each tensor in one file");
      }
      stored.push_back(std::move(tensor));
    }
    shards.push_back(std::move(*shard));
    files.push_back(folder / name);
  }
  if (names->indexed) files.push_back(folder / kIndexName);
  add_text_files(folder, files);
  Integers integers = integers_of(stored);
  auto tensors = tensors_of(*config, std::move(stored), folder.string());
  if (!tensors) return forward_error(tensors);
  return std::make_unique<SafetensorsCheckpoint>(folder, std::move(*config), std::move(files),
                                                 std::move(shards), std::move(*tensors), std::move(integers));
}

}  // namespace sizeup
