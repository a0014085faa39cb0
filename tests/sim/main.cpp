// sysmon_sim: the agent's sink, ring, publisher and spool through days of trouble on virtual time (tests/faults/README.md).
//
//   sysmon_sim [--hours 101000] [--trials 100000] [--jobs 2] [--first 1] [--row NAME] [--json build/sim.json]
//   sysmon_sim --seed 4711 --row everything    one seed of a row, told line by line
//   sysmon_sim --sabotage any-ack-counts       a promise is broken on purpose: it must be found out
//
// Exit code 1: something did not hold; its seed is printed.
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "rows.hpp"

namespace sysmon::sim {
namespace {

using nlohmann::ordered_json;

struct Arguments {
  Effort effort{.threads = std::thread::hardware_concurrency()};
  std::string row;  // empty: all
  std::optional<std::uint64_t> seed;
  std::string json;
};

Arguments parse(std::span<char*> words) {
  Arguments arguments;
  for (std::size_t i = 1; i < words.size(); i += 2) {
    const std::string_view name = words[i];
    if (i + 1 == words.size()) throw std::invalid_argument(std::string(name) + " needs a value");
    const std::string value = words[i + 1];
    if (name == "--hours") {
      arguments.effort.hours = std::stod(value);
    } else if (name == "--trials") {
      arguments.effort.trials = std::stoull(value);
    } else if (name == "--jobs") {
      arguments.effort.threads = static_cast<unsigned>(std::stoul(value));
    } else if (name == "--first") {
      arguments.effort.seed = std::stoull(value);
    } else if (name == "--seed") {
      arguments.seed = std::stoull(value);
    } else if (name == "--row") {
      arguments.row = value;
    } else if (name == "--json") {
      arguments.json = value;
    } else if (name == "--sabotage") {
      const auto known = sabotage_named(value);
      if (!known) throw std::invalid_argument("no sabotage is called " + value);
      arguments.effort.sabotage = *known;
      arguments.effort.is_first_failure_enough = *known != Sabotage::none;
    } else {
      throw std::invalid_argument("unknown option " + std::string(name));
    }
  }
  return arguments;
}

double seconds_of(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

// Names as in build/faults.json (tests/faults/__main__.py).
ordered_json to_json(const Row& row) {
  ordered_json out{
      {"fault", row.fault}, {"name", row.name}, {"tried", row.tried}, {"survived", row.survived}};
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    out[to_string(static_cast<Kind>(kind))] = row.failed[kind];
  }
  out["seconds"] = row.seconds;
  ordered_json& figures = out["figures"];
  if (row.trials > 0) {
    figures = {{"power_losses", row.spool.power_losses},
               {"kills", row.spool.kills},
               {"sealed", row.spool.sealed},
               {"declared", row.spool.declared},
               {"excused", row.spool.excused}};
    return out;
  }
  const Figures& sum = row.figures;
  figures = {{"hours", sum.hours},
             {"ticks", sum.ticks},
             {"sealed", sum.sealed},
             {"stored", sum.stored},
             {"declared", sum.declared},
             {"excused", sum.excused},
             {"resent", sum.duplicates},
             {"conflicts", sum.conflicts},
             {"requests", sum.requests},
             {"failures", sum.failures},
             {"faults", sum.faults},
             {"starts", sum.starts},
             {"kills", sum.kills},
             {"power_losses", sum.power_losses},
             {"damages", sum.damages},
             {"heals", sum.heals},
             {"heal_s_max", seconds_of(sum.longest_heal)},
             {"drain_s_max", seconds_of(sum.longest_drain)},
             {"publisher_away_s_max", seconds_of(sum.longest_step)},
             {"tick_late_ms_max", seconds_of(sum.latest_tick) * 1000},
             {"ring_full", sum.ring_full},
             {"failures_a_minute_max", sum.most_failures_a_minute},
             {"time_error_ms_max", sum.time_error_ms}};
  return out;
}

void print(const Row& row) {
  std::printf("%-4s %-18s %8llu/%-8llu", row.fault, row.name, static_cast<unsigned long long>(row.survived),
              static_cast<unsigned long long>(row.tried));
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    std::printf("  %s %llu", to_string(static_cast<Kind>(kind)),
                static_cast<unsigned long long>(row.failed[kind]));
  }
  if (row.trials > 0) {
    std::printf("  %.1f s  (%llu power losses, %llu kills, %llu sealed, %llu excused)\n", row.seconds,
                static_cast<unsigned long long>(row.spool.power_losses),
                static_cast<unsigned long long>(row.spool.kills),
                static_cast<unsigned long long>(row.spool.sealed),
                static_cast<unsigned long long>(row.spool.excused));
  } else {
    const Figures& sum = row.figures;
    std::printf("  %.1f s  (%.0f h, %llu sealed, %llu declared, %llu excused, heal %.1f s, drain %.1f s)\n",
                row.seconds, sum.hours, static_cast<unsigned long long>(sum.sealed),
                static_cast<unsigned long long>(sum.declared), static_cast<unsigned long long>(sum.excused),
                seconds_of(sum.longest_heal), seconds_of(sum.longest_drain));
  }
  for (const Failure& failure : row.failures) {
    std::printf("  %s: %s; again: sysmon_sim --row '%s' --seed %llu\n", to_string(failure.kind),
                failure.text.c_str(), row.name, static_cast<unsigned long long>(failure.seed));
  }
  (void)std::fflush(stdout);
}

// One seed, told.
int tell(Row row, const Arguments& arguments) {
  try {
    run_seed(row, *arguments.seed, arguments.effort.sabotage,
             [](const std::string& line) { std::puts(line.c_str()); });
  } catch (const Violation& violation) {
    std::printf("%s: %s\n", to_string(violation.kind), violation.what());
    return 1;
  }
  std::puts(to_json(row).dump(1).c_str());
  return 0;
}

int run_all(const Arguments& arguments) {
  ordered_json rows = ordered_json::array();
  std::uint64_t held = 0;
  double hours = 0;
  for (Row& row : all_rows()) {
    if (!arguments.row.empty() && arguments.row != row.name) continue;
    if (arguments.seed) return tell(row, arguments);
    run(row, arguments.effort);
    print(row);
    rows.push_back(to_json(row));
    hours += row.figures.hours;
    held += row.tried == row.survived ? 1 : 0;
    if (arguments.effort.is_first_failure_enough && row.tried != row.survived) return 1;
  }
  if (rows.empty()) throw std::invalid_argument("no row is called " + arguments.row);
  std::printf("%llu/%zu rows held, %.0f agent-hours\n", static_cast<unsigned long long>(held), rows.size(),
              hours);
  if (!arguments.json.empty()) {
    const ordered_json board{
        {"faults_tried", rows.size()}, {"faults_survived", held}, {"agent_hours", hours}, {"rows", rows}};
    std::ofstream(arguments.json) << board.dump(1) << '\n';
  }
  return held == rows.size() ? 0 : 1;
}

}  // namespace
}  // namespace sysmon::sim

int main(int argc, char** argv) {
  try {
    return sysmon::sim::run_all(sysmon::sim::parse({argv, static_cast<std::size_t>(argc)}));
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "sysmon_sim: %s\n", error.what());
    return 2;
  }
}
