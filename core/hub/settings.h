// How the Hugging Face hub is reached: addresses, cache, token, patience.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

namespace sizeup {

// Bytes of one file that have arrived, of all it has.
struct HubProgress {
  std::string file;
  int64_t done = 0;
  int64_t total = 0;
};

struct HubSettings {
  std::string endpoint = "https://huggingface.co";
  std::string rows_endpoint = "https://datasets-server.huggingface.co";  // the service for rows of data sets
  std::filesystem::path cache;
  std::filesystem::path sizeup_home;  // HF_HOME/sizeup: what no other program keeps there
  std::filesystem::path rows_cache;   // of data sets, in sizeup_home
  std::string token;                  // sent to the two endpoints only; empty: none
  bool offline = false;               // no connection is opened
  // Before a failed request is repeated for the first time; doubled for each further one.
  std::chrono::milliseconds first_pause{1000};
  std::chrono::seconds stall{60};  // a transfer that moves nothing for so long has failed
  std::function<void(const HubProgress&)> on_progress;
  std::function<void(const std::string&)> on_message;  // one sentence for people
  std::stop_token stop;

  // Of the rows service: SIZEUP_ROWS_ENDPOINT, or what Hugging Face datasets makes of HF_ENDPOINT; its rows
  // are kept in HF_HOME/sizeup/datasets. All else as huggingface_hub: HF_ENDPOINT; HF_HUB_CACHE,
  // HUGGINGFACE_HUB_CACHE, HF_HOME/hub or $XDG_CACHE_HOME/huggingface/hub or ~/.cache/huggingface/hub;
  // HF_TOKEN, HUGGING_FACE_HUB_TOKEN or the file HF_TOKEN_PATH, HF_HOME/token; HF_HUB_OFFLINE.
  static HubSettings from_environment();
};

}  // namespace sizeup
