// Checkpoints of published models without their weights: the published configuration and tensors of
// tests/golden/seed_models (tests/oracles/seed_models_golden.py), over data that is one hole in a file.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

}  // namespace sizeup
