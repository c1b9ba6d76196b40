#include "backends/model_reference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <filesystem>

namespace sizeup {
namespace {

constexpr std::array<std::string_view, 7> kSchemes = {"file",   "hf",      "lmstudio", "ollama",
                                                      "openai", "answers", "router"};
constexpr std::string_view kForm =
    "[NAME=]REF[?key=value&...], for example small=./model.gguf?device=reference";

bool is_name(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !digit && c != '-' && c != '_' && c != '.') return false;
  }
  // "." and ".." begin paths: "..=x" is a mistake, not a name.
  return text.find_first_not_of('.') != std::string_view::npos;
}

// Cuts "scheme:" off the front of `rest`; a path ("./a:b", "/a:b") has none.
Result<std::string> take_scheme(std::string_view& rest) {
  const size_t colon = rest.find(':');
  if (colon == std::string_view::npos || rest.substr(0, colon).find('/') != std::string_view::npos) {
    return std::string("file");
  }
  const std::string_view scheme = rest.substr(0, colon);
  for (const std::string_view known : kSchemes) {
    if (scheme != known) continue;
    rest.remove_prefix(colon + 1);
    return std::string(scheme);
  }
  return usage_error(
      fmt::format("model reference '{}': unknown scheme '{}'", rest, scheme),
      fmt::format("known: {}; a path with a colon is written ./{}", fmt::join(kSchemes, ", "), rest));
}

std::string name_from_target(const std::string& scheme, const std::string& target) {
  if (scheme == "file") {
    std::filesystem::path path = std::filesystem::path(target).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();  // "model/"
    if (path == "." || path.filename() == "..") {
      std::error_code ignored;
      path = std::filesystem::weakly_canonical(path, ignored);
    }
    return path.extension() == ".gguf" ? path.stem().string() : path.filename().string();
  }
  std::string name = target.substr(target.find_last_of('/') + 1);
  if (scheme == "answers" || scheme == "router") return name.substr(0, name.find('.', 1));
  return scheme == "hf" ? name.substr(0, name.find('@')) : name;
}

Result<std::map<std::string, std::string>> parse_options(std::string_view text,
                                                         const std::string& reference) {
  std::map<std::string, std::string> options;
  while (true) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == pair.size()) {
      return usage_error(fmt::format("model reference '{}': option '{}' is not key=value", reference, pair),
                         std::string(kForm));
    }
    const std::string key(pair.substr(0, equals));
    if (!options.emplace(key, pair.substr(equals + 1)).second) {
      return usage_error(fmt::format("model reference '{}': option '{}' is given twice", reference, key));
    }
    if (end == std::string_view::npos) return options;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

Result<ModelReference> ModelReference::parse(std::string_view text) {
  ModelReference reference;
  reference.text = text;
  std::string_view rest = text;
  // A name comes before the first '='; what looks like a path, a scheme or an option is not one.
  const size_t equals = rest.find('=');
  if (equals != std::string_view::npos && is_name(rest.substr(0, equals))) {
    reference.name = rest.substr(0, equals);
    rest.remove_prefix(equals + 1);
  }
  const size_t question = rest.find('?');
  if (question != std::string_view::npos) {
    auto options = parse_options(rest.substr(question + 1), reference.text);
    if (!options) return forward_error(options);
    reference.options = std::move(*options);
    rest = rest.substr(0, question);
  }
  auto scheme = take_scheme(rest);
  if (!scheme) return forward_error(scheme);
  reference.scheme = std::move(*scheme);
  reference.target = rest;
  if (reference.target.empty()) {
    return usage_error(fmt::format("model reference '{}' names no model", reference.text),
                       std::string(kForm));
  }
  if (reference.name.empty()) reference.name = name_from_target(reference.scheme, reference.target);
  return reference;
}

std::string ModelReference::text_with(std::string_view key, std::string_view value) const {
  return fmt::format("{}{}{}={}", text, options.empty() ? '?' : '&', key, value);
}

}  // namespace sizeup
