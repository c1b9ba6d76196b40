#include "harness/cost/nvml.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <chrono>

namespace sizeup {
namespace {

// Entry points and numbers as the NVML API reference has them.
using DeviceHandle = void*;
using Init = int (*)();
using Shutdown = int (*)();
using ErrorText = const char* (*)(int);
using CardCount = int (*)(unsigned int*);
using CardByIndex = int (*)(unsigned int, DeviceHandle*);
using CardByBusId = int (*)(const char*, DeviceHandle*);
using CardName = int (*)(DeviceHandle, char*, unsigned int);
using TotalEnergy = int (*)(DeviceHandle, unsigned long long*);  // millijoules since the driver was loaded
using Power = int (*)(DeviceHandle, unsigned int*);              // milliwatts

constexpr int kSuccess = 0;
constexpr int kNotSupported = 3;
constexpr int kNoPermission = 4;
constexpr int kNotFound = 6;
constexpr int kDriverNotLoaded = 9;
constexpr int kFunctionNotFound = 13;
constexpr size_t kNameBytes = 96;  // NVML_DEVICE_NAME_V2_BUFFER_SIZE

constexpr std::chrono::seconds kBetweenCounts(
    30);  // the counter never goes round: this keeps a lost card known
// Cards renew their power every 20 to 100 ms (https://arxiv.org/abs/2312.02741).
constexpr std::chrono::milliseconds kBetweenPowers(100);
constexpr double kMilli = 1e-3;

std::string hint_for(int code) {
  switch (code) {
    case kNoPermission:
      return "an administrator, or the container's settings, must allow it";
    case kDriverNotLoaded:
      return "the library is there, the driver's kernel module is not loaded";
    default:
      return {};
  }
}

// The library, initialised for as long as this lives. It counts who uses it.
class Library {
 public:
  static Result<std::shared_ptr<const Library>> open(const std::string& file);
  ~Library() {
    if (started_) shutdown_();
    dlclose(handle_);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  Result<unsigned int> count() const {
    unsigned int count = 0;
    if (const int code = count_(&count); code != kSuccess)
      return failure("the cards cannot be counted", code);
    return count;
  }
  Result<DeviceHandle> card(unsigned int index) const {
    DeviceHandle card = nullptr;
    if (const int code = by_index_(index, &card); code != kSuccess)
      return failure(fmt::format("card {} cannot be used", index), code);
    return card;
  }
  Result<DeviceHandle> card(const std::string& pci_bus_id) const {
    DeviceHandle card = nullptr;
    const int code = by_bus_id_(pci_bus_id.c_str(), &card);
    if (code == kNotFound)
      return unavailable(file_, fmt::format("there is no card with the PCI bus id '{}'", pci_bus_id));
    if (code != kSuccess) return failure(fmt::format("the card {} cannot be used", pci_bus_id), code);
    return card;
  }
  std::string name(DeviceHandle card) const {
    std::array<char, kNameBytes> name = {};
    if (name_(card, name.data(), name.size()) != kSuccess) return "GPU";
    name.back() = '\0';
    return name.data();
  }
  // The code of a driver that is older than the counter is that of a card without one.
  int energy(DeviceHandle card, unsigned long long& millijoules) const {
    return energy_ == nullptr ? kFunctionNotFound : energy_(card, &millijoules);
  }
  int power(DeviceHandle card, unsigned int& milliwatts) const { return power_(card, &milliwatts); }

  tl::unexpected<Error> failure(const std::string& what, int code) const {
    const char* text = error_text_ == nullptr ? nullptr : error_text_(code);
    return unavailable(file_, fmt::format("{}: {} (NVML error {})", what, text == nullptr ? "?" : text, code),
                       hint_for(code));
  }

 private:
  Library(std::string file, void* handle) : file_(std::move(file)), handle_(handle) {}

  template <class Function>
  bool find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(handle_, name));
    return function != nullptr;
  }
  bool find_all();

  std::string file_;
  void* handle_ = nullptr;
  bool started_ = false;
  Init init_ = nullptr;
  Shutdown shutdown_ = nullptr;
  ErrorText error_text_ = nullptr;
  CardCount count_ = nullptr;
  CardByIndex by_index_ = nullptr;
  CardByBusId by_bus_id_ = nullptr;
  CardName name_ = nullptr;
  TotalEnergy energy_ = nullptr;  // drivers before Volta's have none
  Power power_ = nullptr;
};

bool Library::find_all() {
  find(error_text_, "nvmlErrorString");
  find(energy_, "nvmlDeviceGetTotalEnergyConsumption");
  return find(init_, "nvmlInit_v2") && find(shutdown_, "nvmlShutdown") &&
         find(count_, "nvmlDeviceGetCount_v2") && find(by_index_, "nvmlDeviceGetHandleByIndex_v2") &&
         find(by_bus_id_, "nvmlDeviceGetHandleByPciBusId_v2") && find(name_, "nvmlDeviceGetName") &&
         find(power_, "nvmlDeviceGetPowerUsage");
}

Result<std::shared_ptr<const Library>> Library::open(const std::string& file) {
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* reason = dlerror();
    return unavailable("NVML", fmt::format("there is no NVIDIA driver's library: {}",
                                           reason == nullptr ? file : std::string(reason)));
  }
  const std::shared_ptr<Library> library(new Library(file, handle));
  if (!library->find_all()) return unavailable(file, "the library lacks functions of NVML");
  if (const int code = library->init_(); code != kSuccess)
    return library->failure("NVML does not start", code);
  library->started_ = true;
  return std::shared_ptr<const Library>(library);
}

struct Card {
  std::shared_ptr<const Library> library;
  DeviceHandle handle = nullptr;
};

class EnergyCounter final : public EnergySource {
 public:
  EnergyCounter(Card card, unsigned long long now) : card_(std::move(card)), last_(now) {}

  // A counter that went back began again, with the driver or the card: what it had reached is not known.
  std::optional<double> taken() override {
    unsigned long long now = 0;
    if (card_.library->energy(card_.handle, now) != kSuccess || now < last_) return std::nullopt;
    const double joules = static_cast<double>(now - last_) * kMilli;
    last_ = now;
    return joules;
  }

  std::chrono::milliseconds period() const override { return kBetweenCounts; }

 private:
  Card card_;
  unsigned long long last_ = 0;
};

class PowerSum final : public EnergySource {
 public:
  PowerSum(Card card, unsigned int milliwatts) : card_(std::move(card)), milliwatts_(milliwatts) {}

  std::optional<double> taken() override {
    unsigned int milliwatts = 0;
    if (card_.library->power(card_.handle, milliwatts) != kSuccess) return std::nullopt;
    const auto now = Clock::now();
    const double joules = joules_between(milliwatts_ * kMilli, milliwatts * kMilli,
                                         std::chrono::duration<double>(now - last_).count());
    last_ = now;
    milliwatts_ = milliwatts;
    return joules;
  }

  std::chrono::milliseconds period() const override { return kBetweenPowers; }

 private:
  using Clock = std::chrono::steady_clock;
  Card card_;
  unsigned int milliwatts_ = 0;
  Clock::time_point last_ = Clock::now();
};

Result<std::unique_ptr<EnergySource>> energy_of(const Card& card) {
  unsigned long long millijoules = 0;
  const int counted = card.library->energy(card.handle, millijoules);
  if (counted == kSuccess) return std::make_unique<EnergyCounter>(card, millijoules);
  if (counted != kNotSupported && counted != kFunctionNotFound)
    return card.library->failure("the energy counter is not readable", counted);
  unsigned int milliwatts = 0;
  if (const int code = card.library->power(card.handle, milliwatts); code != kSuccess)
    return card.library->failure("there is no energy counter, and the power is not readable", code);
  return std::make_unique<PowerSum>(card, milliwatts);
}

GpuEnergy describe_energy(const Card& card) {
  const std::string name = card.library->name(card.handle);
  const auto source = energy_of(card);
  if (!source) return {name, false, source.error().message};
  return {name, true, (*source)->period() == kBetweenPowers ? "power, added up" : "energy counter"};
}

}  // namespace

double joules_between(double watts_before, double watts_after, double seconds) {
  return 0.5 * (watts_before + watts_after) * seconds;
}

Result<std::unique_ptr<EnergySource>> gpu_energy(const std::string& pci_bus_id, const std::string& library) {
  auto opened = Library::open(library);
  if (!opened) return forward_error(opened);
  auto card = (*opened)->card(pci_bus_id);
  if (!card) return forward_error(card);
  return energy_of({*opened, *card});
}

Result<std::vector<GpuEnergy>> list_gpu_energy(const std::string& library) {
  auto opened = Library::open(library);
  if (!opened) return forward_error(opened);
  const auto count = (*opened)->count();
  if (!count) return tl::unexpected<Error>(count.error());
  if (*count == 0) return unavailable(library, "the driver knows no GPU");
  std::vector<GpuEnergy> cards;
  for (unsigned int i = 0; i < *count; ++i) {
    auto card = (*opened)->card(i);
    cards.push_back(card ? describe_energy({*opened, *card})
                         : GpuEnergy{fmt::format("GPU {}", i), false, card.error().message});
  }
  return cards;
}

}  // namespace sizeup
