// sysmon-agent: watches this host and pushes what it sees to an aggregator.
#include <cstdio>

#include "agent/daemon.hpp"
#include "agent/dump_spool.hpp"
#include "agent/hand_over.hpp"
#include "agent/once.hpp"
#include "agent/options.hpp"
#include "agent/standard_output.hpp"
#include "agent/wakeup.hpp"
#include "sysmon/agent_config.hpp"
#include "sysmon/log.hpp"

namespace sysmon::agent {
namespace {

// Every issue on stderr; what the run ends with if one of them is an error.
std::optional<int> report(const LoadedConfig& loaded) {
  const Log log = stderr_log();
  for (const ConfigIssue& issue : loaded.issues) {
    log(issue.level == ConfigIssue::Level::error ? LogLevel::error : LogLevel::warning, issue.text());
  }
  if (loaded.unsafe()) return kUnsafeFile;
  if (!loaded.ok()) return kConfiguration;
  return std::nullopt;
}

int run(const Options& options) {
  Wakeup::expect_reload();
  LoadedConfig loaded = load_agent_config(options.config, process_environment(),
                                          options.check ? UnknownKeys::reject : UnknownKeys::warn);
  // It wants to know where the spool is, and nothing else.
  if (options.dump_spool) {
    std::erase_if(loaded.issues,
                  [](const ConfigIssue& issue) { return !issue.key.empty() && issue.key != "spool.dir"; });
  }
  // --once sends nothing: it wants no token and nobody to send to, but it does want to know which collectors
  // are on.
  if (options.once && !loaded.unsafe()) {
    std::erase_if(loaded.issues, [](const ConfigIssue& issue) {
      return issue.key == "aggregator_url" || issue.key.starts_with("auth_token");
    });
  }
  if (const auto failed = report(loaded)) return *failed;
  if (options.check) {
    return print((loaded.file.empty() ? "no configuration file" : loaded.file) + ": ok\n");
  }
  if (options.dump_spool) return dump_spool(options, loaded.config);
  if (options.once) return print_once(options, loaded.config);
  if (loaded.config.mode == AgentMode::local) {
    if (options.synthetic || !options.proc_root.empty()) {
      std::fputs("error: --synthetic and --proc-root need mode: distributed, or --once\n", stderr);
      return kUsage;
    }
    return hand_over_to_sysmon_up();
  }
  return run_daemon(options, std::move(loaded));
}

}  // namespace
}  // namespace sysmon::agent

int main(int argc, char** argv) {
  const auto parsed = sysmon::agent::parse_options(argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  return sysmon::agent::run(parsed.options);
}
