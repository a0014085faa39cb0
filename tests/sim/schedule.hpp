// Schedule: everything that will happen to one simulated host, drawn from a seed before it begins.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "splitmix.hpp"
#include "sysmon/agent_config.hpp"

namespace sysmon::sim {

// What becomes of requests. Each takes `percent` of them; the others pass.
enum class LinkFault : std::uint8_t {
  none,
  away,         // refused at once: the server is down
  hangs,        // nothing comes until the request times out
  resets,       // broken off before the server had all of it
  loses_reply,  // committed, and broken off
  repeats,      // delivered twice to five times, and once more a day later
  holds,        // it times out, and arrives later, after others
  status,       // another status than 200: Event::number, with Event::text as Retry-After
  portal,       // a 200 or another 2xx of somebody else
  small_limit,  // 413 past Event::number batches
  poison,       // one batch in Event::number is 400 for ever, one in as many is 413 even alone
  wrong_token,  // the server wants another one; the agent's file is mended at the end
  slow          // every request takes seconds
};

enum class DiskFault : std::uint8_t {
  none,
  full,     // no byte more than there are now
  no_sync,  // every sync fails
  flaky,    // one call in Event::number fails
  slow      // a sync may take seconds
};

struct Event {
  enum class What : std::uint8_t {
    link,    // `link` begins; none: the link is good again
    disk,    // likewise
    kill,    // kill -9 at the Event::number-th call of the disk or network from now; 0: now
    power,   // power loss, likewise
    stop,    // SIGTERM, and started again
    reload,  // SIGHUP, with other settings
    clock,   // the wall clock moves by Event::number milliseconds
    damage,  // kill -9, and the spool is damaged before the next start
    watch,   // somebody looks at this host for a minute
    end      // the history is over: whatever is broken has been mended
  };
  std::int64_t at = 0;
  What what = What::end;
  LinkFault link = LinkFault::none;
  DiskFault disk = DiskFault::none;
  int percent = 100;
  std::int64_t number = 0;
  std::string text{};
  std::int64_t away_for = 0;  // until the process is started again
};

// What the agent's file says.
struct Settings {
  std::chrono::milliseconds push_interval{10'000};
  std::chrono::milliseconds collect_interval{10'000};
  Compression compression = Compression::gzip;
  SpoolSync sync = SpoolSync::deferred;
  std::uint64_t max_bytes = 64U << 20U;
  std::chrono::milliseconds max_age{std::chrono::hours{24 * 7}};
};
[[nodiscard]] Settings draw_settings(test::Splitmix& random);

struct Schedule {
  Settings settings;
  std::vector<Event> events;  // ascending; the last one is `end`
  // The state directory is copied during the history and a second agent starts on the copy when it is over.
  bool is_cloned = false;
  // The same of a virtual machine's snapshot: the copy goes on with the very stream and random numbers.
  bool is_resumed = false;
};

// What a history is to be about: rows of the plan (tests/faults/README.md).
enum class Focus : std::uint8_t {
  everything,
  statuses,   // F21
  refusals,   // F22
  impostors,  // F23
  limits,     // F24
  clocks,     // F26
  copies      // F40
};

// From `start`, nanoseconds.
[[nodiscard]] Schedule draw_schedule(std::uint64_t seed, Focus focus, std::int64_t start);
// F13: nothing but a server that is away for so long.
[[nodiscard]] Schedule outage(std::int64_t start, std::int64_t length);

[[nodiscard]] std::string describe(const Event& event);

}  // namespace sysmon::sim
