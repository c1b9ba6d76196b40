#include "harness/cost/energy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "core/io/file.h"

namespace sizeup {
namespace {

constexpr size_t kMaxBytes = 1 << 16;  // the kernel says 4,096 for a number and a line feed
constexpr std::chrono::seconds kBetweenReadings(30);
constexpr std::string_view kPrefix = "intel-rapl:";  // AMD's processors have this name too
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

}  // namespace

Result<std::vector<EnergyDomain>> energy_domains(const std::filesystem::path& folder) {
  std::error_code failed;
  std::vector<std::filesystem::path> zones;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed)) {
    zones.push_back(at->path());
  }
  if (failed) {
    return tl::unexpected<Error>(not_readable(folder, "there is no powercap folder: " + failed.message(),
                                              "virtual machines and containers mostly have none"));
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

EnergyMeter::EnergyMeter(std::vector<EnergyDomain> domains) : domains_(std::move(domains)) {
  for (const EnergyDomain& domain : domains_) {
    const Result<uint64_t> now = read_number(domain.counter);
    failed_ = failed_ || !now;
    last_.push_back(now.value_or(0));
  }
  thread_ = std::thread([this] { watch(); });
}

EnergyMeter::~EnergyMeter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::optional<double> EnergyMeter::joules() {
  const std::lock_guard lock(mutex_);
  read();
  if (failed_ || domains_.empty()) return std::nullopt;
  return static_cast<double>(microjoules_) * kMicro;
}

void EnergyMeter::read() {
  for (size_t i = 0; i < domains_.size(); ++i) {
    const Result<uint64_t> now = read_number(domains_[i].counter);
    if (!now) {
      failed_ = true;
      continue;
    }
    microjoules_ += energy_between(last_[i], *now, domains_[i].range);
    last_[i] = *now;
  }
}

void EnergyMeter::watch() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kBetweenReadings, [this] { return stop_; })) read();
}

}  // namespace sizeup
