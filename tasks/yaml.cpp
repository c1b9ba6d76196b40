#include "tasks/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <sstream>

#include "core/io/file.h"
#include "core/json/json.h"
#include "core/text/from_chars.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr int kMaxDepth = 50;
constexpr int kMaxValues = 100'000;  // aliases can make a small file huge
constexpr size_t kMaxFileBytes = 4u << 20;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

template <class T>
bool parse_whole(std::string_view text, T& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

void type_plain_scalar(YamlNode& node) {
  const std::string& text = node.text;
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) {
    node.kind = YamlNode::Kind::null;
  } else if (is_one_of(text, {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})) {
    node.kind = YamlNode::Kind::boolean;
    node.boolean = true;
  } else if (is_one_of(text, {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})) {
    node.kind = YamlNode::Kind::boolean;
  } else if (parse_whole(text, node.integer)) {
    node.kind = YamlNode::Kind::integer;
    node.real = static_cast<double>(node.integer);
  } else if (text.find_first_of("0123456789") != std::string::npos && parse_whole(text, node.real)) {
    node.kind = YamlNode::Kind::real;
  } else {
    node.kind = YamlNode::Kind::text;
  }
}

class Converter {
 public:
  explicit Converter(std::string file) : file_(std::move(file)) {}

  Result<YamlNode> convert(const YAML::Node& source, int depth) {
    YamlNode node;
    node.place = place(source.Mark());
    if (depth > kMaxDepth) {
      return bad_input(node.place, "the YAML is nested too deeply",
                       fmt::format("at most {} levels", kMaxDepth));
    }
    if (++values_ > kMaxValues) {
      return bad_input(node.place, "the YAML has too many values", fmt::format("at most {}", kMaxValues));
    }
    // yaml-cpp's tag is "?" for plain values and "!" for quoted ones; "!!str" and its like are long names.
    const std::string tag = source.Tag();
    const bool own_tag = tag.size() > 1 && tag.starts_with('!');
    if (own_tag) node.tag = tag;
    switch (source.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        return node;
      case YAML::NodeType::Scalar:
        node.text = replace_invalid_utf8(source.Scalar());
        node.kind = YamlNode::Kind::text;
        if (tag == "?") type_plain_scalar(node);
        return node;
      case YAML::NodeType::Sequence:
        return list(source, std::move(node), depth);
      case YAML::NodeType::Map:
        return map(source, std::move(node), depth);
    }
    return node;
  }

  std::string place(const YAML::Mark& mark) const {
    return mark.is_null() ? file_ : fmt::format("{}:{}", file_, mark.line + 1);
  }

 private:
  Result<YamlNode> list(const YAML::Node& source, YamlNode node, int depth) {
    node.kind = YamlNode::Kind::list;
    for (const YAML::Node& item : source) {
      Result<YamlNode> converted = convert(item, depth + 1);
      if (!converted) return forward_error(converted);
      node.items.push_back(std::move(*converted));
    }
    return node;
  }

  Result<YamlNode> map(const YAML::Node& source, YamlNode node, int depth) {
    node.kind = YamlNode::Kind::map;
    for (const auto& entry : source) {
      const std::string at = place(entry.first.Mark());
      if (!entry.first.IsScalar()) return bad_input(at, "a key is not a plain text");
      const std::string key = replace_invalid_utf8(entry.first.Scalar());
      if (node.find(key) != nullptr) return bad_input(at, fmt::format("the key '{}' is given twice", key));
      Result<YamlNode> converted = convert(entry.second, depth + 1);
      if (!converted) return forward_error(converted);
      converted->place = at;  // where the key stands: an empty value has no place of its own
      node.entries.push_back({key, std::move(*converted)});
    }
    return node;
  }

  std::string file_;
  int values_ = 0;
};

class IgnoreEvents : public YAML::EventHandler {
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

// 0, 1, or 2 for more. Not by YAML::LoadAll: yaml-cpp 0.7 finds documents without end in some broken texts.
int count_documents(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  IgnoreEvents ignore;
  int documents = 0;
  while (documents < 2 && parser.HandleNextDocument(ignore)) ++documents;
  return documents;
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

Result<YamlNode> read_yaml(const std::filesystem::path& file) {
  Result<std::string> text = read_file(file, kMaxFileBytes);
  if (!text) return forward_error(text);
  return parse_yaml(*text, file.string());
}

Result<YamlNode> parse_yaml(const std::string& text, const std::string& name) {
  Converter converter(name);
  try {
    const int documents = count_documents(text);
    if (documents == 0) return bad_input(name, "the file is empty", "keys and values in YAML");
    if (documents > 1) return bad_input(name, "the file holds several YAML documents", "one");
    return converter.convert(YAML::Load(text), 0);
  } catch (const YAML::Exception& error) {
    return bad_input(converter.place(error.mark), fmt::format("not valid YAML: {}", error.msg), "",
                     "texts with ': ', '#', quotes or braces need quotation marks around them");
  }
}

Json to_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return nullptr;
    case YamlNode::Kind::boolean:
      return node.boolean;
    case YamlNode::Kind::integer:
      return node.integer;
    case YamlNode::Kind::real:
      return node.real;
    case YamlNode::Kind::text:
      return node.text;
    case YamlNode::Kind::list: {
      Json list = Json::array();
      for (const YamlNode& item : node.items) list.push_back(to_json(item));
      return list;
    }
    case YamlNode::Kind::map: {
      Json object = Json::object();
      for (const auto& [key, value] : node.entries) object[key] = to_json(value);
      return object;
    }
  }
  return nullptr;
}

}  // namespace sizeup
