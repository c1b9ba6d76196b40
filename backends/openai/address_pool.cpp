#include "backends/openai/address_pool.h"

#include <algorithm>
#include <tuple>

namespace sizeup {
namespace {

constexpr std::chrono::seconds kFirstRest{1};
constexpr int kMostDoublings = 6;  // a minute

}  // namespace

std::optional<size_t> AddressPool::choose(Time now) {
  std::optional<size_t> best;
  const auto rank = [&](size_t i) {
    const Address& address = addresses_[i];
    return std::tuple(address.rested_until > now, address.active);
  };
  for (size_t k = 0; k < addresses_.size(); ++k) {
    const size_t i = (next_ + k) % addresses_.size();
    if (addresses_[i].paused_until > now) continue;
    if (!best || rank(i) < rank(*best)) best = i;
  }
  if (!best) return best;
  ++addresses_[*best].active;
  next_ = *best + 1;
  return best;
}

AddressPool::Time AddressPool::next_at() const {
  const auto first =
      std::min_element(addresses_.begin(), addresses_.end(),
                       [](const Address& a, const Address& b) { return a.paused_until < b.paused_until; });
  return first->paused_until;
}

void AddressPool::answered(size_t address) {
  released(address);
  addresses_[address].failures = 0;
  addresses_[address].rested_until = {};
}

void AddressPool::failed(size_t address, Time now) {
  released(address);
  Address& failed = addresses_[address];
  failed.rested_until = now + kFirstRest * (1 << std::min(failed.failures, kMostDoublings));
  ++failed.failures;
}

void AddressPool::pause(size_t address, Time until) {
  addresses_[address].paused_until = std::max(addresses_[address].paused_until, until);
}

}  // namespace sizeup
