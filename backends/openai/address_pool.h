// Several addresses of one model: the least loaded healthy one is asked next.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace sizeup {

class AddressPool {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit AddressPool(size_t addresses) : addresses_(addresses) {}

  // The address for one more request; nothing while all of them asked for a pause.
  std::optional<size_t> choose(Time now);
  // When choose() will find one.
  Time next_at() const;
  // A request left it: with an answer, or with a failure that lies with the address. The first failure rests
  // it for a second, each further one twice as long, up to a minute, while others are healthy.
  void answered(size_t address);
  void failed(size_t address, Time now);
  // A request left it in any other way.
  void released(size_t address) { --addresses_[address].active; }
  // The server asked for a pause: nobody asks it before.
  void pause(size_t address, Time until);

 private:
  struct Address {
    int active = 0;
    int failures = 0;  // in a row
    Time rested_until;
    Time paused_until;
  };

  std::vector<Address> addresses_;
  size_t next_ = 0;  // of equally loaded ones: in turn
};

}  // namespace sizeup
