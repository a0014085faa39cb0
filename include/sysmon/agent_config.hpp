// AgentConfig: the agent's YAML file and SYSMON_* environment, read and checked.
//
//     agent:
//       mode: distributed
//       aggregator_url: http://central-server:9000
//       auth_token: secret123
//       push_interval: 10s
//
// One table (agent_setting_table) holds every key with its default, unit and help; the parser, the
// environment, the command line's `config` and the documentation all read it from there. Every complaint says
// file, line and column, what came and what was expected.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/collector.hpp"
#include "sysmon/result.hpp"
#include "sysmon/sample.hpp"

namespace sysmon {

enum class AgentMode : std::uint8_t { local, distributed };
enum class Compression : std::uint8_t { gzip, none };
enum class SpoolSync : std::uint8_t { deferred, always };

struct AgentConfig {
  AgentMode mode = AgentMode::local;
  std::string aggregator_url;   // without a trailing slash
  std::string auth_token;       // the secret itself: never logged, never printed
  std::string auth_token_file;  // read anew whenever the aggregator refuses the token
  std::chrono::milliseconds push_interval{10'000};
  std::chrono::milliseconds collect_interval{10'000};  // push_interval where the file does not say
  std::string hostname;                                // empty: the kernel's
  Tags host_tags;
  Compression compression = Compression::gzip;
  std::string proxy;  // empty: none, whatever the environment says

  struct Spool {
    std::string dir;  // the state directory; empty: state_directory()
    std::uint64_t max_bytes = 64U << 20U;
    std::chrono::milliseconds max_age{std::chrono::hours{24 * 7}};
    SpoolSync sync = SpoolSync::deferred;
    friend bool operator==(const Spool&, const Spool&) = default;
  } spool;

  MetricFilter metrics;  // collectors.enable, collectors.disable
  DeviceFilter devices;  // collectors.ignore_*

  struct Prometheus {
    std::string listen;  // "127.0.0.1:9101"; empty: no port is opened
  } prometheus;

  struct Tls {
    std::string ca_file;
    std::string cert_file;
    std::string key_file;
    friend bool operator==(const Tls&, const Tls&) = default;
  } tls;
};

// Something wrong or odd in a configuration.
struct ConfigIssue {
  enum class Level : std::uint8_t { warning, error };
  Level level = Level::error;
  std::string file;     // or the name of an environment variable
  int line = 0;         // from 1; 0 where the issue has no place in a file
  int column = 0;       // from 1; likewise
  std::string key;      // "spool.max_bytes"; empty where it is not about one
  std::string message;  // what came, what was expected, what to do
  bool unsafe = false;  // a secret lies in a file that others may read or write: exit 78

  [[nodiscard]] std::string text() const;  // "agent.yaml:5:3: message"
};

// A line of the table of settings. Static storage.
struct SettingInfo {
  std::string_view key;            // "spool.max_bytes"; in the file nested below `agent:`
  std::string_view default_value;  // in the spelling of the file; "" for none
  std::string_view unit;  // "duration", "size", "list", "map", "path", "url", "a | b"; "" for plain text
  std::string_view help;  // one sentence
  bool secret = false;
};

[[nodiscard]] std::span<const SettingInfo> agent_setting_table();

// A setting and its value in canonical spelling: durations `10s`, sizes `64MiB`, lists `a,b`, maps `k=v,k=v`,
// which is also what the SYSMON_<KEY> variables and `config set` take.
struct ConfigSetting {
  SettingInfo info;
  std::string value;  // the default where the text does not set it; a secret is given in clear: mask it
  bool is_set = false;
};

// Reads an environment variable; nullopt where it is not set. Tests pass their own.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
[[nodiscard]] Environment process_environment();

struct ParsedConfig {
  AgentConfig config;  // defaults wherever the text is wrong
  std::vector<ConfigIssue> issues;
  [[nodiscard]] bool ok() const;  // no errors; warnings are allowed
};

// A warning at run: a newer file must not stop an older agent.
enum class UnknownKeys : std::uint8_t { warn, reject };

// The text of a file and, over it, the environment (none where it is empty). Never throws, whatever the
// bytes.
[[nodiscard]] ParsedConfig parse_agent_config(std::string_view text, std::string_view filename,
                                              const Environment& environment = {},
                                              UnknownKeys unknown = UnknownKeys::warn);

// Every error and warning in the text alone; unknown keys are errors here.
[[nodiscard]] std::vector<ConfigIssue> validate_agent_config(std::string_view text,
                                                             std::string_view filename = "agent.yaml");

// Every setting, in the order of the table, with its value in `text` or the default.
[[nodiscard]] std::vector<ConfigSetting> agent_settings(std::string_view text = {},
                                                        std::string_view filename = "agent.yaml");

// What the agent runs on: the first of `path`, ~/.sysmon/agent.yaml and /etc/sysmon/agent.yaml that exists,
// the environment over it, and the token from wherever it lies.
struct LoadedConfig {
  AgentConfig config;
  std::string file;  // empty: there is none
  std::vector<ConfigIssue> issues;
  [[nodiscard]] bool ok() const;
  [[nodiscard]] bool unsafe() const;
  // Neither a file nor a variable says anything: this machine is on its own.
  bool is_unconfigured = false;
};
[[nodiscard]] LoadedConfig load_agent_config(const std::string& path, const Environment& environment,
                                             UnknownKeys unknown = UnknownKeys::warn);

// The token as it is now: config.auth_token, else the content of auth_token_file, trimmed.
// Error invalid: the file is not private (mode 0600, owner root or ourselves), or holds no token.
[[nodiscard]] Result<std::string> read_auth_token(const AgentConfig& config);

// Where the agent keeps agent_id: spool.dir, else agent below $STATE_DIRECTORY (systemd), else
// /var/lib/sysmon/agent as root, else
// ~/.local/share/sysmon/agent. Empty where nothing of that is known.
[[nodiscard]] std::string state_directory(const AgentConfig& config, const Environment& environment);

// "500ms", "10s", "5m", "1h", "7d" <-> milliseconds; "512KiB", "64MiB", "1GB", "4096" <-> bytes.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::string format_size(std::uint64_t bytes);

}  // namespace sysmon
