// When a failed attempt is made again.
#pragma once

#include <chrono>

namespace sizeup {

// What a status outside 200 to 299 means for the request.
enum class StatusMeaning {
  passing,   // 408, 409, 425, 5xx: another try may succeed
  overload,  // 429, 503, 529: the server wants less
  refused,   // 401, 403: the key is wrong, for every request
  redirect,  // 3xx
  wrong,     // this request, and no other try helps
};

StatusMeaning meaning_of(int status);

// No server that means to answer asks for a longer pause; a longer one is an error.
constexpr std::chrono::seconds kLongestRetryAfter{600};

// After so many failed attempts: a random part of first_pause doubled for each further one, at most a minute
// ("full jitter": many who failed together do not come back together). `random` is uniform in [0, 1).
std::chrono::milliseconds pause_after(int attempts, std::chrono::milliseconds first_pause, double random);

}  // namespace sizeup
