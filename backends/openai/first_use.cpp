#include "backends/openai/first_use.h"

#include <algorithm>

#include "core/io/file.h"
#include "core/io/part_file.h"
#include "core/io/sha256.h"
#include "core/json/json.h"
#include "core/timing/utc_time.h"

namespace sizeup {
namespace {

constexpr size_t kMaxFile = 64 << 10;
constexpr std::string_view kDayForm = "dddd-dd-dd";

Json json_of(const EndpointIdentity& identity) {
  std::vector<std::string> urls = identity.base_urls;
  std::sort(urls.begin(), urls.end());
  Json json = {
      {"base_urls", urls}, {"model", identity.model}, {"system_fingerprint", identity.system_fingerprint}};
  if (!identity.response_format.empty()) json["response_format"] = identity.response_format;
  return json;
}

bool is_day(std::string_view text) {
  return std::equal(text.begin(), text.end(), kDayForm.begin(), kDayForm.end(),
                    [](char c, char form) { return form == 'd' ? c >= '0' && c <= '9' : c == form; });
}

}  // namespace

FirstUse first_use_of(const EndpointIdentity& identity, const std::filesystem::path& folder) {
  Json json = json_of(identity);
  const std::filesystem::path file = folder / (sha256_hex(to_canonical(json)) + ".json");
  if (const Result<std::string> text = read_file(file, kMaxFile)) {
    const Result<Json> kept = parse_json(*text, file.string());
    if (kept && kept->is_object() && kept->contains("first_used") && (*kept)["first_used"].is_string()) {
      const auto day = (*kept)["first_used"].get<std::string>();
      if (is_day(day)) return {day, ""};
    }
  }
  FirstUse use{utc_now().substr(0, kDayForm.size()), ""};
  json["first_used"] = use.day;
  Result<void> written = make_folder(folder);
  if (written) written = write_file(file, to_line(json) + "\n");
  if (!written)
    use.note = "the day of first use is not kept, so the run cannot be continued on another day: " +
               describe(written.error());
  return use;
}

std::string fingerprint_of(const EndpointIdentity& identity, const std::string& day) {
  Json json = json_of(identity);
  json["first_used"] = day;
  return "unknown:" + sha256_hex(to_canonical(json));
}

}  // namespace sizeup
