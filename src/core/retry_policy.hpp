// RetryPolicy: when the next attempt is due after one that failed.
//
//   backoff   outcome unknown: 1 s doubling to 60 s with full jitter; holds the backlog lane only
//   hold      the aggregator asked for a pause (Retry-After): holds both lanes, or only the backlog lane where it
//             was a bundle that is too much just now; that one no live batch ends
//   refusal   misconfiguration: 60 s doubling to 15 min; holds both lanes until it ends or something changes
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>

namespace sysmon {

class RetryPolicy {
 public:
  // Whole 64-bit random numbers.
  explicit RetryPolicy(std::function<std::uint64_t()> random) : random_(std::move(random)) {}

  void succeeded() {
    RetryPolicy fresh(std::move(random_));
    fresh.bundle_cap_ = bundle_cap_;
    fresh.bundle_hold_until_ns_ = bundle_hold_until_ns_;
    *this = std::move(fresh);
  }
  void bundle_succeeded() { forget(); }
  void forget() { *this = RetryPolicy(std::move(random_)); }

  void failed(std::int64_t now_ns) {
    backoff_until_ns_ = now_ns + jitter(cap_);
    cap_ = std::min(cap_ * 2, kMaxBackoff);
  }

  void overloaded(std::int64_t now_ns, std::chrono::nanoseconds retry_after) {
    failed(now_ns);
    // A fleet that was told the same number must not come back in the same instant.
    if (retry_after.count() > 0) hold_until_ns_ = now_ns + retry_after.count() + jitter(kHoldSpread);
  }

  // Too busy for a bundle, while live batches come through.
  void bundle_overloaded(std::int64_t now_ns, std::chrono::nanoseconds retry_after) {
    const std::int64_t wait = std::max<std::int64_t>(retry_after.count(), jitter(bundle_cap_));
    bundle_hold_until_ns_ = now_ns + wait + jitter(kHoldSpread);
    bundle_cap_ = std::min(bundle_cap_ * 2, kMaxBackoff);
  }

  void refused(std::int64_t now_ns) {
    is_refused_ = true;
    hold_until_ns_ = now_ns + refusal_wait_.count() + jitter(refusal_wait_ / 10);
    refusal_wait_ = std::min(refusal_wait_ * 2, kMaxRefusalWait);
  }

  [[nodiscard]] bool is_refused() const { return is_refused_; }
  [[nodiscard]] std::int64_t live_not_before() const { return hold_until_ns_; }
  [[nodiscard]] std::int64_t backlog_not_before() const {
    return std::max({hold_until_ns_, backoff_until_ns_, bundle_hold_until_ns_});
  }

  // Uniform in [0, limit).
  [[nodiscard]] std::int64_t jitter(std::chrono::nanoseconds limit) const {
    constexpr double kScale = 0x1p-64;
    return static_cast<std::int64_t>(static_cast<double>(random_()) * kScale *
                                     static_cast<double>(limit.count()));
  }

 private:
  static constexpr std::chrono::nanoseconds kFirstBackoff = std::chrono::seconds{1};
  static constexpr std::chrono::nanoseconds kMaxBackoff = std::chrono::seconds{60};
  static constexpr std::chrono::nanoseconds kHoldSpread = std::chrono::seconds{1};
  static constexpr std::chrono::nanoseconds kFirstRefusalWait = std::chrono::seconds{60};
  static constexpr std::chrono::nanoseconds kMaxRefusalWait = std::chrono::minutes{15};

  std::function<std::uint64_t()> random_;
  std::chrono::nanoseconds cap_ = kFirstBackoff;
  std::chrono::nanoseconds bundle_cap_ = kFirstBackoff;
  std::chrono::nanoseconds refusal_wait_ = kFirstRefusalWait;
  std::int64_t backoff_until_ns_ = 0;
  std::int64_t hold_until_ns_ = 0;
  std::int64_t bundle_hold_until_ns_ = 0;
  bool is_refused_ = false;
};

}  // namespace sysmon
