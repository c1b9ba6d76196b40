// YAML as plain values that remember where they were written, so that every error can name file and line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "core/json/json_fwd.h"

namespace sizeup {

struct YamlEntry;  // a key and its value

struct YamlNode {
  // Plain scalars are typed as PyYAML does for the common forms: null, true/yes/on, 12, 0.5.
  enum class Kind { null, boolean, integer, real, text, list, map };

  Kind kind = Kind::null;
  std::string text;  // any scalar as it was written
  bool boolean = false;
  int64_t integer = 0;
  double real = 0.0;  // set for integers too
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;
  std::string tag;    // "!function"; empty for plain values
  std::string place;  // "task.yaml:12"

  bool is_scalar() const { return kind != Kind::list && kind != Kind::map; }
  const YamlNode* find(std::string_view key) const;
};

struct YamlEntry {
  std::string key;
  YamlNode value;
};

// The whole file. Refused: bad syntax, keys given twice, several documents, more than 100,000 values or 50
// levels after aliases are expanded.
Result<YamlNode> read_yaml(const std::filesystem::path& file);

// The same from text; `name` stands for the file in places.
Result<YamlNode> parse_yaml(const std::string& text, const std::string& name);

Json to_json(const YamlNode& node);

}  // namespace sizeup
