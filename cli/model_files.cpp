#include "cli/model_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "backends/model_files.h"
#include "cli/table.h"

namespace sizeup::cli {
namespace {

// A terminal is redrawn as often as an eye follows; a log file gets a line now and then.
constexpr std::chrono::milliseconds kRedraw{200};
constexpr std::chrono::seconds kLogEvery{15};

class DownloadLine {
 public:
  void show(const HubProgress& progress) {
    const auto now = std::chrono::steady_clock::now();
    const bool finished = progress.done == progress.total;
    if (!finished && now - last_ < (terminal_ ? std::chrono::milliseconds(kRedraw) : kLogEvery)) return;
    last_ = now;
    const std::string line = fmt::format("downloading {} · {} of {}", progress.file,
                                         bytes_in_words(progress.done), bytes_in_words(progress.total));
    if (terminal_) {
      fmt::print(stderr, "\r\033[K{}{}", line, finished ? "\n" : "");
      std::fflush(stderr);
    } else {
      fmt::print(stderr, "{}\n", line);
    }
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) == 1;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace

void add_offline(CLI::App& app, bool& offline) {
  app.add_flag("--offline", offline, "Open no connection: models and data sets by name must be in the cache");
}

HubSettings hub_settings(bool offline, std::stop_token stop) {
  HubSettings settings = HubSettings::from_environment();
  settings.offline = settings.offline || offline;
  settings.stop = std::move(stop);
  settings.on_message = [](const std::string& message) { fmt::print(stderr, "{}\n", message); };
  return settings;
}

Result<ModelReference> with_local_files(ModelReference reference, HubNeed need, bool offline,
                                        std::stop_token stop) {
  if (offline && reference.scheme == "openai") {
    return unavailable(reference.name, "an endpoint is asked over a connection, and --offline opens none",
                       "leave out --offline, or the model");
  }
  if (offline && reference.scheme == "router") reference.options["offline"] = "true";
  DownloadLine line;
  HubSettings settings = hub_settings(offline, std::move(stop));
  settings.on_progress = [&line](const HubProgress& progress) { line.show(progress); };
  return sizeup::with_local_files(std::move(reference), need, settings);
}

Result<ModelReference> local_reference(const std::string& text, HubNeed need, bool offline) {
  auto reference = ModelReference::parse(text);
  if (!reference) return forward_error(reference);
  return with_local_files(std::move(*reference), need, offline);
}

}  // namespace sizeup::cli
