#include "schedule.hpp"

#include <algorithm>
#include <array>

#include "virtual_clock.hpp"

namespace sysmon::sim {
namespace {

using test::kDay;
using test::kHour;
using test::kMinute;
using test::kSecond;
using test::Splitmix;
using What = Event::What;

template <class T, std::size_t size>
const T& pick(Splitmix& random, const std::array<T, size>& choices) {
  return choices[static_cast<std::size_t>(random.below(size))];
}

class Drawing {
 public:
  Drawing(std::uint64_t seed, Focus focus, std::int64_t start) : random_(seed), focus_(focus), start_(start) {
    length_ = pick(random_, std::array{8 * kHour, 16 * kHour, 24 * kHour, 30 * kHour, 48 * kHour});
  }

  Schedule draw() {
    schedule_.settings = draw_settings(random_);
    // Not every kind of trouble in each history, so that each meets the others in small company, too.
    const std::uint64_t kinds = focus_ == Focus::everything ? random_.next() : 0;
    if ((kinds & 3U) != 0 || focus_ != Focus::everything) link_faults(random_.fork());
    if ((kinds & 4U) != 0) disk_faults(random_.fork());
    if ((kinds & 24U) != 0 || focus_ == Focus::copies) process_faults(random_.fork());
    if ((kinds & 32U) != 0 || focus_ == Focus::clocks) clock_steps(random_.fork());
    if ((kinds & 64U) != 0 || focus_ == Focus::refusals) reloads(random_.fork());
    const bool is_copied = focus_ == Focus::copies || random_.one_in(8);
    schedule_.is_cloned = is_copied && random_.one_in(2);
    schedule_.is_resumed = is_copied && !schedule_.is_cloned;
    std::stable_sort(schedule_.events.begin(), schedule_.events.end(),
                     [](const Event& a, const Event& b) { return a.at < b.at; });
    add({.at = start_ + length_, .what = What::end});
    return std::move(schedule_);
  }

 private:
  void add(Event event) { schedule_.events.push_back(std::move(event)); }
  [[nodiscard]] std::int64_t end() const { return start_ + length_; }

  // Seconds to minutes mostly, an hour now and then.
  static std::int64_t draw_length(Splitmix& random) {
    switch (random.below(8)) {
      case 0:
        return random.between(1, 20) * kSecond;
      case 1:
        return random.between(20, 90) * kMinute;
      default:
        return random.between(10, 600) * kSecond;
    }
  }

  void link_faults(Splitmix random) {
    std::int64_t at = start_ + random.between(0, 3600) * kSecond;
    if (random.one_in(12)) {  // the long one
      length_ += 72 * kHour;
      add({.at = at, .what = What::link, .link = LinkFault::away});
      at += 72 * kHour;
      add({.at = at, .what = What::link});
    }
    const std::int64_t pause = pick(random, std::array{10 * kMinute, kHour, 4 * kHour});
    for (at += random.between(0, pause); at < end(); at += random.between(kSecond, 2 * pause)) {
      add(draw_link_fault(random, at));
      at += draw_length(random);
      add({.at = std::min(at, end()), .what = What::link});
    }
  }

  LinkFault draw_kind(Splitmix& random) const {
    switch (focus_) {
      case Focus::statuses:
        return LinkFault::status;
      case Focus::refusals:
        return pick(random, std::array{LinkFault::status, LinkFault::wrong_token});
      case Focus::impostors:
        return pick(random, std::array{LinkFault::status, LinkFault::portal});
      case Focus::limits:
        return pick(random, std::array{LinkFault::small_limit, LinkFault::poison, LinkFault::away});
      default:
        return static_cast<LinkFault>(random.between(1, static_cast<std::int64_t>(LinkFault::slow)));
    }
  }

  std::int64_t draw_status(Splitmix& random) const {
    constexpr std::array<std::int64_t, 12> kServers{500, 502, 504, 408, 599, 429,
                                                    429, 429, 503, 503, 503, 507};
    constexpr std::array<std::int64_t, 8> kRefusals{401, 403, 404, 405, 411, 415, 400, 422};
    constexpr std::array<std::int64_t, 8> kImpostors{301, 302, 303, 307, 308, 413, 418, 402};
    switch (focus_) {
      case Focus::statuses:
        return pick(random, kServers);
      case Focus::refusals:
        return pick(random, kRefusals);
      case Focus::impostors:
        return pick(random, kImpostors);
      default:
        return random.one_in(2) ? pick(random, kServers)
                                : pick(random, random.one_in(2) ? kRefusals : kImpostors);
    }
  }

  Event draw_link_fault(Splitmix& random, std::int64_t at) const {
    Event event{.at = at, .what = What::link};
    event.link = draw_kind(random);
    event.percent = random.one_in(3) ? static_cast<int>(random.between(20, 90)) : 100;
    if (event.link == LinkFault::status) {
      event.number = draw_status(random);
      const bool may_wait = event.number == 429 || event.number == 503;
      if (may_wait) {
        event.text =
            pick(random, std::array<const char*, 10>{"", "1", "30", "120", "1000000000", "-5", "soon",
                                                     "date 45", "date -1000", "date 100000"});
      }
    }
    if (event.link == LinkFault::small_limit) event.number = random.between(1, 40);
    if (event.link == LinkFault::poison) event.number = pick(random, std::array<std::int64_t, 3>{7, 60, 500});
    return event;
  }

  void disk_faults(Splitmix random) {
    const std::int64_t pause = pick(random, std::array{kHour, 5 * kHour});
    for (std::int64_t at = start_ + random.between(0, pause); at < end();
         at += random.between(kSecond, 2 * pause)) {
      Event event{.at = at, .what = What::disk};
      event.disk = static_cast<DiskFault>(random.between(1, static_cast<std::int64_t>(DiskFault::slow)));
      if (event.disk == DiskFault::flaky)
        event.number = pick(random, std::array<std::int64_t, 3>{2, 10, 100});
      add(event);
      at += draw_length(random);
      add({.at = std::min(at, end()), .what = What::disk});
    }
  }

  void process_faults(Splitmix random) {
    const std::int64_t pause = pick(random, std::array{5 * kMinute, kHour, 6 * kHour});
    for (std::int64_t at = start_ + random.between(0, pause); at < end();
         at += random.between(kSecond, 2 * pause)) {
      Event event{.at = at};
      event.what = pick(random, std::array{What::kill, What::kill, What::kill, What::power, What::power,
                                           What::stop, What::damage, What::watch});
      event.number = random.one_in(3) ? 0 : random.between(1, 40);
      event.away_for =
          random.one_in(4) ? random.between(1, 120) * kMinute : random.between(100, 2000) * test::kMs;
      add(event);
    }
  }

  void clock_steps(Splitmix random) {
    for (std::int64_t at = start_ + random.between(0, 4 * kHour); at < end();
         at += random.between(kMinute, 8 * kHour)) {
      if (random.one_in(4)) {  // a second each second
        for (int i = 0; i < 60; ++i) {
          add({.at = at + i * kSecond, .what = What::clock, .number = random.one_in(2) ? 1000 : -1000});
        }
        continue;
      }
      constexpr std::int64_t kDayMs = 86'400'000;
      // To about 1970 and 2040, and back by the next step the other way.
      add({.at = at,
           .what = What::clock,
           .number = pick(random, std::array<std::int64_t, 6>{3'600'000, -3'600'000, kDayMs, -kDayMs,
                                                              -20'000 * kDayMs, 5'400 * kDayMs})});
    }
  }

  void reloads(Splitmix random) {
    for (std::int64_t at = start_ + random.between(0, 2 * kHour); at < end();
         at += random.between(kSecond, 6 * kHour)) {
      add({.at = at, .what = What::reload, .number = static_cast<std::int64_t>(random.below(1U << 30U))});
    }
  }

  Splitmix random_;
  Focus focus_;
  std::int64_t start_;
  std::int64_t length_;
  Schedule schedule_;
};

}  // namespace

Settings draw_settings(Splitmix& random) {
  using std::chrono::milliseconds;
  Settings settings;
  if (random.one_in(8)) {
    settings.push_interval = milliseconds(pick(random, std::array{5'000, 30'000, 60'000}));
    settings.collect_interval =
        std::min(settings.push_interval, milliseconds(random.one_in(2) ? 10'000 : 60'000));
  }
  if (random.one_in(10)) settings.compression = Compression::none;
  if (random.one_in(4)) settings.sync = SpoolSync::always;
  if (random.one_in(4))
    settings.max_bytes = pick(random, std::array<std::uint64_t, 4>{8'000, 64'000, 256'000, 1'000'000});
  if (random.one_in(8))
    settings.max_age = milliseconds(pick(random, std::array{600'000, 3'600'000, 36'000'000}));
  return settings;
}

Schedule draw_schedule(std::uint64_t seed, Focus focus, std::int64_t start) {
  return Drawing(seed, focus, start).draw();
}

Schedule outage(std::int64_t start, std::int64_t length) {
  const std::int64_t from = start + 10 * kMinute;
  Schedule schedule;
  schedule.events = {{.at = from, .what = What::link, .link = LinkFault::away},
                     {.at = from + length, .what = What::link},
                     {.at = from + length + kHour, .what = What::end}};
  return schedule;
}

std::string describe(const Event& event) {
  constexpr std::array kWhat{"link",   "disk",       "kill -9", "power loss", "SIGTERM",
                             "SIGHUP", "clock step", "damage",  "watched",    "end"};
  constexpr std::array kLink{"good",    "away",        "hangs",  "resets",         "loses replies",
                             "repeats", "holds back",  "status", "captive portal", "small limit",
                             "poison",  "wrong token", "slow"};
  constexpr std::array kDisk{"good", "full", "no sync", "flaky", "slow"};
  std::string text = kWhat[static_cast<std::size_t>(event.what)];
  if (event.what == What::link) {
    text += std::string(": ") + kLink[static_cast<std::size_t>(event.link)];
    if (event.percent < 100) text += ", " + std::to_string(event.percent) + " %";
  }
  if (event.what == What::disk) text += std::string(": ") + kDisk[static_cast<std::size_t>(event.disk)];
  if (event.number != 0) text += ", " + std::to_string(event.number);
  if (!event.text.empty()) text += ", Retry-After: " + event.text;
  return text;
}

}  // namespace sysmon::sim
