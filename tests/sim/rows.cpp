#include "rows.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <string_view>
#include <thread>

#include "virtual_clock.hpp"

namespace sysmon::sim {
namespace {

constexpr std::size_t kFailuresKept = 5;
constexpr std::uint64_t kFailuresEnough = 50;

bool is_of_spool(const Row& row) { return row.trials > 0; }

Schedule schedule_of(const Row& row, std::uint64_t seed) {
  const std::string_view name = row.name;
  const std::int64_t start = history_start();
  if (name == "away 5 min") return outage(start, 5 * test::kMinute);
  if (name == "away 1 h") return outage(start, test::kHour);
  if (name == "away 24 h") return outage(start, 24 * test::kHour);
  if (name == "away 72 h") return outage(start, 72 * test::kHour);
  Focus focus = Focus::everything;
  if (name == "statuses") focus = Focus::statuses;
  if (name == "refusals") focus = Focus::refusals;
  if (name == "impostors") focus = Focus::impostors;
  if (name == "limits") focus = Focus::limits;
  if (name == "clock steps") focus = Focus::clocks;
  if (name == "copies") focus = Focus::copies;
  return draw_schedule(seed, focus, start);
}

}  // namespace

std::vector<Row> all_rows() {
  return {
      {"F06", "spool power loss", 0, 100}, {"F11", "spool damage", 0, 10},  {"F13", "away 5 min", 0.0005, 0},
      {"F13", "away 1 h", 0.0005, 0},      {"F13", "away 24 h", 0.001, 0},  {"F13", "away 72 h", 0.005, 0},
      {"F21", "statuses", 0.06, 0},        {"F22", "refusals", 0.06, 0},    {"F23", "impostors", 0.06, 0},
      {"F24", "limits", 0.06, 0},          {"F26", "clock steps", 0.06, 0}, {"F40", "copies", 0.06, 0},
      {"I6", "everything", 0.64, 0},
  };
}

void run_seed(Row& row, std::uint64_t seed, Sabotage sabotage, const Trace& trace) {
  if (row.name == std::string_view("spool power loss")) {
    row.spool.add(play_power_loss(seed, sabotage, trace));
  } else if (row.name == std::string_view("spool damage")) {
    row.spool.add(play_damage(seed, trace));
  } else {
    row.figures.add(play(schedule_of(row, seed), seed, sabotage, trace));
  }
}

void run(Row& row, const Effort& effort) {
  const auto began = std::chrono::steady_clock::now();
  const auto trials =
      static_cast<std::uint64_t>(static_cast<double>(effort.trials) * static_cast<double>(row.trials) / 100);
  const double hours = effort.hours * row.share;
  std::atomic<std::uint64_t> next{effort.seed};
  std::mutex mutex;                               // guards `row`
  const auto is_done = [&](std::uint64_t seed) {  // with the mutex
    const std::uint64_t lost = row.tried - row.survived;
    if (lost >= (effort.is_first_failure_enough ? 1 : kFailuresEnough)) return true;
    return is_of_spool(row) ? seed - effort.seed >= trials : row.figures.hours >= hours;
  };
  const auto work = [&] {
    for (;;) {
      const std::uint64_t seed = next++;
      {
        const std::lock_guard lock(mutex);
        if (is_done(seed)) return;
      }
      Row own{row.fault, row.name, row.share, row.trials};
      std::vector<Failure> failures;
      try {
        run_seed(own, seed, effort.sabotage, {});
      } catch (const Violation& violation) {
        failures.push_back({seed, violation.kind, violation.what()});
      }
      const std::lock_guard lock(mutex);
      ++row.tried;
      row.figures.add(own.figures);
      row.spool.add(own.spool);
      if (failures.empty()) ++row.survived;
      for (const Failure& failure : failures) {
        ++row.failed[static_cast<std::size_t>(failure.kind)];
        if (row.failures.size() < kFailuresKept) row.failures.push_back(failure);
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < effort.threads; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

}  // namespace sysmon::sim
