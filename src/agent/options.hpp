// The command line of sysmon-agent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sysmon::agent {

// The contract of docs: the same numbers for every sysmon command.
enum ExitCode : int {
  kOk = 0,
  kUnexpected = 1,
  kUsage = 2,
  kConfiguration = 3,
  kNotAllowed = 4,
  kNotFound = 6,
  kInUse = 75,      // another agent has the state directory
  kUnsafeFile = 78  // a secret lies open, or the state directory is not private
};

struct Synthetic {
  std::uint64_t seed = 0;
  std::uint32_t series = 250;
};

struct Options {
  std::string config;  // "": where the configuration usually lies
  std::string proc_root;
  bool once = false;
  bool check = false;
  bool dump_spool = false;
  bool json = false;  // how --dump-spool writes
  std::optional<Synthetic> synthetic;
};

// The options, or the exit code of a run that ends here: help and version on stdout, what is wrong on stderr.
struct ParsedOptions {
  Options options;
  std::optional<int> exit_code;
};
[[nodiscard]] ParsedOptions parse_options(int argc, char** argv);

}  // namespace sysmon::agent
