#include "backends/openai/limits.h"

#include <algorithm>
#include <cmath>

namespace sizeup {
namespace {

constexpr double kBurstSeconds = 10.0;
constexpr int kFirstLimit = 8;      // what the smallest servers take without refusing
constexpr int kFewestAnswers = 16;  // a rate of fewer is mostly chance
constexpr double kWorthIt = 1.1;    // a gain below a tenth is within the noise of such a rate
constexpr int kQuietWindows = 8;    // between steps up once doubling has stopped
constexpr double kStep = 1.25;

}  // namespace

TokenBucket::TokenBucket(int64_t per_minute, Time now)
    : per_second_(static_cast<double>(per_minute) / 60.0),
      most_(std::max(1.0, per_second_ * kBurstSeconds)),
      content_(most_),
      at_(now) {}

double TokenBucket::content_at(Time now) const {
  const double seconds = std::chrono::duration<double>(now - at_).count();
  return std::min(most_, content_ + seconds * per_second_);
}

TokenBucket::Time TokenBucket::ready_at(double amount, Time now) const {
  if (per_second_ == 0.0) return now;
  const double missing = std::min(amount, most_) - content_at(now);
  if (missing <= 0.0) return now;
  return now + std::chrono::ceil<Time::duration>(std::chrono::duration<double>(missing / per_second_));
}

void TokenBucket::use(double amount, Time now) {
  if (per_second_ == 0.0) return;
  content_ = content_at(now) - amount;
  at_ = now;
}

ConcurrencyLimit::ConcurrencyLimit(int fixed, Time now)
    : fixed_(fixed > 0),
      limit_(fixed > 0 ? fixed : kFirstLimit),
      highest_(limit_),
      before_(limit_),
      window_(now) {}

void ConcurrencyLimit::answered(int active, Time now) {
  if (fixed_) return;
  if (ignore_ > 0) {
    if (--ignore_ == 0) window_ = now;
    return;
  }
  full_ = full_ && active >= limit_;
  if (++answers_ < std::max(kFewestAnswers, limit_)) return;
  const double seconds = std::chrono::duration<double>(now - window_).count();
  // Fewer on their way than allowed says nothing about what the server could do.
  if (full_ && seconds > 0.0) judge(answers_ / seconds, now);
  answers_ = 0;
  full_ = true;
  window_ = now;
}

void ConcurrencyLimit::judge(double rate, Time now) {
  const bool stepped = limit_ > before_;
  if (stepped && rate < rate_before_ * kWorthIt) {
    growing_ = false;
    quiet_windows_ = 0;
    set(before_, now);
    return;
  }
  if (!growing_ && !stepped && ++quiet_windows_ < kQuietWindows) return;
  quiet_windows_ = 0;
  rate_before_ = rate;
  const int more = growing_ ? limit_ * 2 : static_cast<int>(std::ceil(limit_ * kStep));
  const int old = limit_;
  set(std::min(more, kMostConcurrent), now);
  before_ = old;
}

void ConcurrencyLimit::set(int limit, Time now) {
  ignore_ = limit_;  // those on their way were sent under the old limit
  limit_ = limit;
  before_ = limit;
  highest_ = std::max(highest_, limit);
  answers_ = 0;
  full_ = true;
  window_ = now;
}

void ConcurrencyLimit::overloaded(Time now) {
  if (fixed_) return;
  if (ignore_ > 0) {
    --ignore_;
    return;
  }
  growing_ = false;
  quiet_windows_ = 0;
  set(std::max(1, limit_ / 2), now);
}

}  // namespace sizeup
