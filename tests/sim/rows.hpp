// Rows: what `sysmon_sim` runs, each a row of the fault plan, and what came of it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "history.hpp"
#include "sabotage.hpp"
#include "spool_trials.hpp"
#include "violation.hpp"

namespace sysmon::sim {

struct Failure {
  std::uint64_t seed = 0;
  Kind kind = Kind::error;
  std::string text;
};

struct Row {
  const char* fault;  // of tests/faults/README.md
  const char* name;
  double share;          // of the hours, or
  std::uint64_t trials;  // of the full number of trials

  // What came of it.
  std::uint64_t tried = 0;
  std::uint64_t survived = 0;
  std::array<std::uint64_t, kKinds> failed{};
  std::vector<Failure> failures{};  // the first few
  double seconds = 0;
  Figures figures{};
  SpoolFigures spool{};
};

// All of them, in the order in which they run.
[[nodiscard]] std::vector<Row> all_rows();

struct Effort {
  double hours = 101'000;          // of all histories
  std::uint64_t trials = 100'000;  // power losses of the spool; damages are a tenth
  unsigned threads = 1;
  std::uint64_t seed = 1;  // the first of each row
  Sabotage sabotage = Sabotage::none;
  bool is_first_failure_enough = false;
};

// Fills in the row.
void run(Row& row, const Effort& effort);
// One seed of it. Throws Violation.
void run_seed(Row& row, std::uint64_t seed, Sabotage sabotage, const Trace& trace);

}  // namespace sysmon::sim
