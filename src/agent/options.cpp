#include "agent/options.hpp"

#include <getopt.h>

#include <charconv>
#include <cstdio>
#include <string_view>

#include "agent/standard_output.hpp"

namespace sysmon::agent {
namespace {

constexpr std::string_view kHelp =
    "Watches this host and pushes what it sees to an aggregator.\n"
    "\n"
    "  sysmon-agent                           runs on ~/.sysmon/agent.yaml or /etc/sysmon/agent.yaml;\n"
    "                                         without either it hands over to `sysmon up`\n"
    "  sysmon-agent --once                    prints one batch as JSON and ends\n"
    "  sysmon-agent --check                   says what is wrong with the configuration and ends\n"
    "  sysmon-agent --dump-spool              shows what waits on this host, and ends\n"
    "\n"
    "  -c, --config FILE      the configuration; YAML, see config/agent.yaml.example\n"
    "      --once             two readings one second apart, the second printed on stdout\n"
    "      --check            checks the configuration; exit code 3 if it has errors\n"
    "      --dump-spool       what the spool holds, damage included; changes nothing, so that an agent may "
    "run\n"
    "      --json             the same as one JSON document\n"
    "      --proc-root DIR    reads DIR/proc and DIR/sys instead of this machine's\n"
    "      --synthetic SEED[:SERIES]\n"
    "                         sends computed values instead of this machine's, for tests of the way to the "
    "aggregator\n"
    "  -V, --version          prints the version and ends\n"
    "  -h, --help             prints this and ends\n"
    "\n"
    "Every setting can also be given as SYSMON_<KEY>, such as SYSMON_AGGREGATOR_URL and SYSMON_AUTH_TOKEN.\n"
    "SIGHUP reads the configuration again. SIGTERM ends the agent after a last push.\n"
    "Exit codes: 0 ok, 1 unexpected, 2 usage, 3 configuration, 4 not allowed, 6 no spool there,\n"
    "75 already running, 78 unsafe file.\n";

constexpr std::uint32_t kMaxSeries = 2000;  // the aggregator's limit of metrics in a batch, less our own

std::optional<Synthetic> parse_synthetic(std::string_view text) {
  Synthetic synthetic;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  auto [next, failed] = std::from_chars(begin, end, synthetic.seed);
  if (failed != std::errc{}) return std::nullopt;
  if (next != end) {
    if (*next != ':') return std::nullopt;
    const auto series = std::from_chars(next + 1, end, synthetic.series);
    if (series.ec != std::errc{} || series.ptr != end) return std::nullopt;
    if (synthetic.series == 0 || synthetic.series > kMaxSeries) return std::nullopt;
  }
  return synthetic;
}

void complain(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace

ParsedOptions parse_options(int argc, char** argv) {
  enum : int { kOnce = 1000, kCheck, kDumpSpool, kJson, kProcRoot, kSynthetic };
  static constexpr option kLong[] = {{"config", required_argument, nullptr, 'c'},
                                     {"once", no_argument, nullptr, kOnce},
                                     {"check", no_argument, nullptr, kCheck},
                                     {"dump-spool", no_argument, nullptr, kDumpSpool},
                                     {"json", no_argument, nullptr, kJson},
                                     {"proc-root", required_argument, nullptr, kProcRoot},
                                     {"synthetic", required_argument, nullptr, kSynthetic},
                                     {"version", no_argument, nullptr, 'V'},
                                     {"help", no_argument, nullptr, 'h'},
                                     {nullptr, 0, nullptr, 0}};
  ParsedOptions parsed;
  int found = 0;
  while ((found = ::getopt_long(argc, argv, "c:Vh", kLong, nullptr)) != -1) {
    switch (found) {
      case 'c':
        parsed.options.config = optarg;
        break;
      case kOnce:
        parsed.options.once = true;
        break;
      case kCheck:
        parsed.options.check = true;
        break;
      case kDumpSpool:
        parsed.options.dump_spool = true;
        break;
      case kJson:
        parsed.options.json = true;
        break;
      case kProcRoot:
        parsed.options.proc_root = optarg;
        break;
      case kSynthetic:
        parsed.options.synthetic = parse_synthetic(optarg);
        if (!parsed.options.synthetic) {
          complain("error: --synthetic takes SEED or SEED:SERIES, whole numbers, at most 2000 series\n");
          parsed.exit_code = kUsage;
        }
        break;
      case 'V':
        parsed.exit_code = print("sysmon-agent " SYSMON_VERSION "\n");
        return parsed;
      case 'h':
        parsed.exit_code = print(kHelp);
        return parsed;
      default:
        complain("Try: sysmon-agent --help\n");
        parsed.exit_code = kUsage;
        return parsed;
    }
  }
  if (!parsed.exit_code && optind < argc) {
    complain(std::string("error: unexpected argument `") + argv[optind] + "`. Try: sysmon-agent --help\n");
    parsed.exit_code = kUsage;
  }
  if (!parsed.exit_code && parsed.options.json && !parsed.options.dump_spool) {
    complain("error: --json belongs to --dump-spool. Try: sysmon-agent --help\n");
    parsed.exit_code = kUsage;
  }
  return parsed;
}

}  // namespace sysmon::agent
