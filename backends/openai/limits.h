// How much is asked at once: budgets by the minute, and a number of requests on their way that is found while
// asking. Times are given, so that tests need no clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace sizeup {

// A budget that fills evenly: `per_minute`, of which a sixth (ten seconds') may be used at once.
class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // 0: no limit.
  TokenBucket(int64_t per_minute, Time now);

  // When `amount` may be used: now, or later. More than the bucket ever holds waits until it is full.
  Time ready_at(double amount, Time now) const;
  // Uses it; the content may go below zero.
  void use(double amount, Time now);
  // Afterwards it was another amount.
  void correct(double used, double meant) { content_ += meant - used; }

 private:
  double content_at(Time now) const;

  double per_second_;
  double most_;
  double content_;
  Time at_;
};

// The number of requests on their way. Adaptive: doubled while that raises the rate of answers, then a step
// at a time now and then; halved when the server wants less.
class ConcurrencyLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `fixed` 0: adaptive, up to kMostConcurrent.
  ConcurrencyLimit(int fixed, Time now);

  int now() const { return limit_; }
  int highest() const { return highest_; }
  // An answer came while `active` requests were on their way, itself included.
  void answered(int active, Time now);
  // The server wants less. Answers to what was sent before do not count again.
  void overloaded(Time now);

  static constexpr int kMostConcurrent = 1000;

 private:
  void set(int limit, Time now);
  void judge(double rate, Time now);

  bool fixed_;
  int limit_;
  int highest_;
  int before_;              // the limit before the last step up
  double rate_before_ = 0;  // answers a second at that limit
  bool growing_ = true;     // doubling
  int quiet_windows_ = 0;   // since the last step up
  int answers_ = 0;         // in this window
  bool full_ = true;        // the limit was reached throughout the window
  int ignore_ = 0;          // answers and refusals of requests from before the last change
  Time window_;             // its start
};

}  // namespace sizeup
