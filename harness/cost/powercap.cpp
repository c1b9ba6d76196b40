#include "harness/cost/powercap.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/io/file.h"

namespace sizeup {
namespace {

constexpr size_t kMaxBytes = 1 << 16;                 // the kernel says 4,096 for a number and a line feed
constexpr std::chrono::seconds kBetweenReadings(30);  // under load a counter goes round within minutes
constexpr std::string_view kPrefix = "intel-rapl:";   // AMD's processors have this name too
constexpr double kMicro = 1e-6;

Result<std::string> read_line(const std::filesystem::path& file) {
  Result<std::string> text = read_file(file, kMaxBytes);
  if (!text) return forward_error(text);
  while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
  return text;
}

Result<uint64_t> read_number(const std::filesystem::path& file) {
  Result<std::string> text = read_line(file);
  if (!text) return forward_error(text);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) {
    return bad_input(file.string(), fmt::format("'{:.40}' is no number", *text), "microjoules");
  }
  return value;
}

Error not_readable(const std::filesystem::path& folder, std::string message, std::string hint) {
  return {ErrorKind::unavailable, folder.string(), std::move(message), "", std::move(hint)};
}

class PackageCounter final : public EnergySource {
 public:
  explicit PackageCounter(EnergyDomain domain) : domain_(std::move(domain)) {
    if (const Result<uint64_t> now = read_number(domain_.counter)) last_ = *now;
  }

  std::optional<double> taken() override {
    const Result<uint64_t> now = read_number(domain_.counter);
    if (!now || !last_) return std::nullopt;
    const uint64_t microjoules = energy_between(*last_, *now, domain_.range);
    last_ = *now;
    return static_cast<double>(microjoules) * kMicro;
  }

  std::chrono::milliseconds period() const override { return kBetweenReadings; }

 private:
  EnergyDomain domain_;
  std::optional<uint64_t> last_;
};

}  // namespace

Result<std::vector<EnergyDomain>> energy_domains(const std::filesystem::path& folder) {
  std::error_code failed;
  std::vector<std::filesystem::path> zones;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed)) {
    zones.push_back(at->path());
  }
  if (failed) {
    return tl::unexpected<Error>(
        not_readable(folder, "there is no powercap folder: " + failed.message(),
                     "only Linux has one; virtual machines and containers mostly have none"));
  }
  std::sort(zones.begin(), zones.end());
  std::vector<EnergyDomain> domains;
  for (const std::filesystem::path& zone : zones) {
    if (!zone.filename().string().starts_with(kPrefix)) continue;
    Result<std::string> name = read_line(zone / "name");
    if (!name || !name->starts_with("package")) continue;
    const Result<uint64_t> range = read_number(zone / "max_energy_range_uj");
    const Result<uint64_t> now = read_number(zone / "energy_uj");
    if (!range || !now) {
      const Error& error = range ? now.error() : range.error();
      return tl::unexpected<Error>(not_readable(zone, *name + " is not readable: " + error.message,
                                                "the counters are readable to root alone unless an "
                                                "administrator changes the files' mode"));
    }
    domains.push_back({zone / "energy_uj", std::move(*name), *range});
  }
  if (domains.empty()) {
    return tl::unexpected<Error>(not_readable(folder, "no processor package has an energy counter", ""));
  }
  return domains;
}

uint64_t energy_between(uint64_t before, uint64_t after, uint64_t range) {
  return after >= before ? after - before : range - before + after;
}

std::vector<std::unique_ptr<EnergySource>> sources_of(std::vector<EnergyDomain> domains) {
  std::vector<std::unique_ptr<EnergySource>> sources;
  for (EnergyDomain& domain : domains) sources.push_back(std::make_unique<PackageCounter>(std::move(domain)));
  return sources;
}

}  // namespace sizeup
