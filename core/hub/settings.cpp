#include "core/hub/settings.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <initializer_list>

#include "core/io/file.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxTokenBytes = 4096;  // real ones have 37 characters

// The first of the variables that is set and not empty.
std::string variable(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

fs::path huggingface_home() {
  if (std::string home = variable({"HF_HOME"}); !home.empty()) return home;
  if (std::string cache = variable({"XDG_CACHE_HOME"}); !cache.empty())
    return fs::path(cache) / "huggingface";
  return fs::path(variable({"HOME"})) / ".cache" / "huggingface";
}

bool is_on(std::string value) {
  std::transform(value.begin(), value.end(), value.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::array<std::string_view, 4> kOn = {"1", "on", "yes", "true"};
  return std::find(kOn.begin(), kOn.end(), value) != kOn.end();
}

// Without the white space around it; nothing if it holds what no header may hold.
std::string cleaned_token(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  text = text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return printable ? std::string(text) : std::string();
}

std::string find_token(const fs::path& home) {
  std::string token = cleaned_token(variable({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}));
  if (!token.empty()) return token;
  const std::string given = variable({"HF_TOKEN_PATH"});
  const auto text = read_file(given.empty() ? home / "token" : fs::path(given), kMaxTokenBytes);
  return text ? cleaned_token(*text) : std::string();
}

}  // namespace

HubSettings HubSettings::from_environment() {
  HubSettings settings;
  const fs::path home = huggingface_home();
  std::string endpoint = variable({"HF_ENDPOINT"});
  while (endpoint.ends_with('/')) endpoint.pop_back();
  std::string rows_endpoint = variable({"SIZEUP_ROWS_ENDPOINT"});
  while (rows_endpoint.ends_with('/')) rows_endpoint.pop_back();
  if (const size_t host = endpoint.find("://"); rows_endpoint.empty() && host != std::string::npos) {
    rows_endpoint = endpoint;
    rows_endpoint.insert(host + 3, "datasets-server.");
  }
  if (!rows_endpoint.empty()) settings.rows_endpoint = std::move(rows_endpoint);
  if (!endpoint.empty()) settings.endpoint = std::move(endpoint);
  settings.sizeup_home = home / "sizeup";
  settings.rows_cache = settings.sizeup_home / "datasets";
  const std::string cache = variable({"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
  settings.cache = cache.empty() ? home / "hub" : fs::path(cache);
  settings.token = find_token(home);
  settings.offline = is_on(variable({"HF_HUB_OFFLINE"}));
  return settings;
}

}  // namespace sizeup
