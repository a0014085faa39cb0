#include "sysmon/parse/stat.hpp"

#include "sysmon/parse/line_cursor.hpp"

namespace sysmon {
namespace {

constexpr std::size_t kFirstModes = 4;  // user to idle: there since Linux 1.0
constexpr std::uint64_t kMaxCpu = 1'000'000;

Error malformed(const LineCursor& cursor) { return Error::malformed("/proc/stat", cursor.line()); }

// The numbers after "cpu" or "cpu0". Columns after the last known are ignored.
bool take_times(LineCursor& cursor, CpuTimes& out) {
  out.columns = 0;
  while (out.columns < kCpuModes && !cursor.at_line_end()) {
    if (!cursor.number(out.ticks[out.columns])) return false;
    ++out.columns;
  }
  for (std::size_t i = out.columns; i < kCpuModes; ++i) out.ticks[i] = 0;
  return out.columns >= kFirstModes;
}

}  // namespace

Result<void> parse_stat_cpus(std::string_view text, CpuTimes& total, std::vector<CpuStat>& cpus) {
  cpus.clear();
  LineCursor cursor(text);
  if (!cursor.skip("cpu ") || !take_times(cursor, total)) return malformed(cursor);
  cursor.next_line();
  while (cursor.skip("cpu")) {
    CpuStat cpu;
    std::uint64_t number = 0;
    if (!cursor.number(number) || number > kMaxCpu || !take_times(cursor, cpu.times))
      return malformed(cursor);
    cpu.cpu = static_cast<unsigned>(number);
    cpus.push_back(cpu);
    cursor.next_line();
  }
  return {};
}

Result<void> parse_stat_counters(std::string_view text, StatCounters& out) {
  struct Line {
    std::string_view name;
    std::optional<std::uint64_t> StatCounters::* field;
  };
  constexpr std::array<Line, 6> kLines = {{{"intr", &StatCounters::interrupts},
                                           {"ctxt", &StatCounters::context_switches},
                                           {"btime", &StatCounters::boot_time_s},
                                           {"processes", &StatCounters::forks},
                                           {"procs_running", &StatCounters::procs_running},
                                           {"procs_blocked", &StatCounters::procs_blocked}}};
  out = {};
  for (LineCursor cursor(text); !cursor.at_end(); cursor.next_line()) {
    if (cursor.rest().starts_with("cpu")) continue;
    const std::string_view name = cursor.word();
    for (const Line& line : kLines) {
      if (line.name != name) continue;
      std::uint64_t value = 0;
      if (!cursor.number(value)) return malformed(cursor);
      out.*line.field = value;
    }
  }
  return {};
}

}  // namespace sysmon
