// LastValues: the newest sample of every series of one host, with its rate. What live answers are made from.
//
// 24 bytes a series beside the shared key set: 250 series of 10,000 hosts take 60 MB.
//
// Threads: none; the owner holds a lock.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "sysmon/journal.hpp"
#include "sysmon/key_sets.hpp"
#include "sysmon/selector.hpp"

namespace sysmon {

class LastValues {
 public:
  struct Last {
    const Key* key;  // lives as long as the KeySets
    double value;
    std::int64_t time_ms;
    // Increase per second since the sample before; nullopt after the first one, after a fall, and across a
    // boot.
    std::optional<double> rate;
  };

  explicit LastValues(std::shared_ptr<KeySets> key_sets) : key_sets_(std::move(key_sets)) {}

  // Takes over a row's samples. A sample that is not newer than what its series has is ignored.
  // Error: malformed, where the payload is damaged or its key set is unknown.
  Result<void> update(std::int64_t time_ms, std::string_view payload);

  [[nodiscard]] std::optional<Last> get(std::string_view key_text) const;
  // In the order of the key set.
  [[nodiscard]] std::vector<Last> find(const Selector& selector) const;

  [[nodiscard]] std::int64_t time_ms() const { return time_ms_; }  // of the newest sample; 0 before the first
  [[nodiscard]] std::size_t size() const;                          // series seen

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
  struct Slot {
    double value = 0;
    std::int64_t time_ms = kNever;
    double rate = std::numeric_limits<double>::quiet_NaN();  // NaN: none
  };

  // Makes slots for the keys of `set` that have none, and says in places_ where those of all of them are.
  void map(const KeySetPtr& set);
  [[nodiscard]] Last last(std::size_t slot) const;

  std::shared_ptr<KeySets> key_sets_;
  KeySetPtr known_;   // a key a slot: the host's set, or a private one (id 0) of all keys it ever used
  KeySetPtr mapped_;  // the set that places_ is about
  std::vector<std::uint32_t> places_;  // position in mapped_ -> slot; empty where they are the same
  std::vector<Slot> slots_;
  std::uint32_t boot_ = 0;
  std::int64_t boot_start_ms_ = kNever;  // time of the first row of boot_
  std::int64_t time_ms_ = 0;
};

}  // namespace sysmon
