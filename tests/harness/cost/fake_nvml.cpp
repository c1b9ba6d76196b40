// The functions of NVML that sizeup calls, with the signatures and codes of NVML's API reference.
#include "tests/harness/cost/fake_nvml.h"

#include <cstring>

using fake_nvml::card_of;
using fake_nvml::state;

namespace {
constexpr int kInvalidArgument = 2;
constexpr int kInsufficientSize = 7;
constexpr int kNotFound = 6;

void* handle_at(size_t index) {
  return reinterpret_cast<void*>(index + 1);
}
}  // namespace

extern "C" {

int nvmlInit_v2() {
  return state().init;
}

int nvmlShutdown() {
  return 0;
}

const char* nvmlErrorString(int code) {
  switch (code) {
    case 3:
      return "Not Supported";
    case 4:
      return "Insufficient Permissions";
    case 9:
      return "Driver Not Loaded";
    default:
      return "Unknown Error";
  }
}

int nvmlDeviceGetCount_v2(unsigned int* count) {
  *count = static_cast<unsigned int>(state().cards.size());
  return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void** device) {
  if (index >= state().cards.size()) return kInvalidArgument;
  *device = handle_at(index);
  return 0;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, void** device) {
  const auto cards = state().cards;
  for (size_t i = 0; i < cards.size(); ++i) {
    if (cards[i].bus_id != bus_id) continue;
    *device = handle_at(i);
    return 0;
  }
  return kNotFound;
}

int nvmlDeviceGetName(void* device, char* name, unsigned int length) {
  const std::string text = card_of(device).name;
  if (text.size() >= length) return kInsufficientSize;
  std::memcpy(name, text.c_str(), text.size() + 1);
  return 0;
}

int nvmlDeviceGetPowerUsage(void* device, unsigned int* milliwatts) {
  const auto card = card_of(device);
  *milliwatts = card.milliwatts;
  return card.power_code;
}

}  // extern "C"
