#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "sysmon/agent_config.hpp"

using namespace sysmon;
using std::chrono::milliseconds;

namespace {

constexpr std::string_view kFiveLines =
    "agent:\n"
    "  mode: distributed\n"
    "  aggregator_url: http://central-server:9000\n"
    "  auth_token: secret123\n"
    "  push_interval: 10s\n"
    "  host_tags:\n"
    "    datacenter: us-east-1\n"
    "    role: web-server\n";

Environment variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
    const auto found = values.find(std::string(name));
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

// The first complaint about a text, as a person sees it.
std::string complaint(std::string_view text) {
  const auto issues = validate_agent_config(text, "a.yaml");
  return issues.empty() ? "" : issues.front().text();
}

std::string below_agent(std::string_view lines) { return "agent:\n  " + std::string(lines) + "\n"; }

struct TemporaryFolder {
  std::filesystem::path path;
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sysmon-config-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::string write(const std::string& name, std::string_view text, mode_t mode) const {
    const auto file = path / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
    return file.string();
  }
};

}  // namespace

TEST_CASE("the plan's example is read") {
  const auto parsed = parse_agent_config(kFiveLines, "agent.yaml");
  REQUIRE(parsed.ok());
  CHECK(parsed.issues.empty());
  CHECK(parsed.config.mode == AgentMode::distributed);
  CHECK(parsed.config.aggregator_url == "http://central-server:9000");
  CHECK(parsed.config.auth_token == "secret123");
  CHECK(parsed.config.push_interval == milliseconds(10'000));
  CHECK(parsed.config.host_tags == Tags{{"datacenter", "us-east-1"}, {"role", "web-server"}});
}

TEST_CASE("no text at all gives the defaults") {
  for (const std::string_view text : {"", "\n", "# only a comment\n", "agent:\n", "---\n", "agent: {}\n"}) {
    const auto parsed = parse_agent_config(text, "agent.yaml");
    CHECK(parsed.ok());
    CHECK(parsed.config.mode == AgentMode::local);
    CHECK(parsed.config.spool.max_bytes == 64U << 20U);
  }
}

TEST_CASE("every setting can be set in the file") {
  const auto parsed = parse_agent_config(R"(
agent:
  mode: distributed
  aggregator_url: https://central/sysmon/
  auth_token_file: /etc/sysmon/token
  push_interval: 1m
  collect_interval: 500ms
  hostname: web01.example.org
  host_tags: {role: web}
  compression: none
  proxy: http://proxy:3128
  spool: {dir: /var/spool/sysmon, max_bytes: 1GiB, max_age: 2d, sync: always}
  collectors:
    enable: [softnet, udp]
    disable: memory.slab_*, sensor
    ignore_mounts: ["/snap*"]
    ignore_interfaces: [veth*]
    ignore_devices: [loop*]
  tls: {ca_file: /etc/ca.pem, cert_file: /etc/c.pem, key_file: /etc/k.pem}
)",
                                         "agent.yaml");
  for (const auto& issue : parsed.issues) MESSAGE(issue.text());
  REQUIRE(parsed.issues.empty());
  const AgentConfig& c = parsed.config;
  CHECK(c.aggregator_url == "https://central/sysmon");
  CHECK(c.auth_token_file == "/etc/sysmon/token");
  CHECK(c.push_interval == milliseconds(60'000));
  CHECK(c.collect_interval == milliseconds(500));
  CHECK(c.hostname == "web01.example.org");
  CHECK(c.compression == Compression::none);
  CHECK(c.proxy == "http://proxy:3128");
  CHECK(c.spool ==
        AgentConfig::Spool{"/var/spool/sysmon", 1ULL << 30U, std::chrono::hours(48), SpoolSync::always});
  CHECK(c.metrics.enable == std::vector<std::string>{"softnet", "udp"});
  CHECK(c.metrics.disable == std::vector<std::string>{"memory.slab_*", "sensor"});
  CHECK(c.devices.ignore_mounts == std::vector<std::string>{"/snap*"});
  CHECK(c.devices.ignore_interfaces == std::vector<std::string>{"veth*"});
  CHECK(c.devices.ignore_devices == std::vector<std::string>{"loop*"});
  CHECK(c.tls == AgentConfig::Tls{"/etc/ca.pem", "/etc/c.pem", "/etc/k.pem"});
}

TEST_CASE("collect_interval follows push_interval unless it is set") {
  CHECK(parse_agent_config("agent: {push_interval: 30s}", "a").config.collect_interval ==
        milliseconds(30'000));
  const auto both = parse_agent_config("agent: {push_interval: 30s, collect_interval: 5s}", "a");
  CHECK(both.config.collect_interval == milliseconds(5'000));
}

TEST_CASE("a complaint says where, what came and what was expected") {
  CHECK(complaint("agent:\n  mode: distributed\n  push_intervall: 10s\n") ==
        "a.yaml:3:3: unknown key `push_intervall`; did you mean `push_interval`?");
  CHECK(complaint("agent:\n  spool: {max_byte: 1MiB}\n") ==
        "a.yaml:2:11: unknown key `spool.max_byte`; did you mean `spool.max_bytes`?");
  CHECK(complaint("agent:\n  zzzzzzzz: 1\n") == "a.yaml:2:3: unknown key `zzzzzzzz`");
  CHECK(complaint("mode: local\n") == "a.yaml:1:1: unknown key `mode`; it belongs below `agent:`");
  CHECK(complaint("agnet:\n  mode: local\n") == "a.yaml:1:1: unknown key `agnet`; did you mean `agent`?");
  CHECK(complaint("agent:\n  push_interval: 10 parsecs\n") ==
        "a.yaml:2:18: push_interval: `10 parsecs` is not a duration; expected a whole number and a unit, "
        "such as 500ms, "
        "10s, 5m, 1h, 7d");
  CHECK(complaint("agent:\n  push_interval: 10\n") ==
        "a.yaml:2:18: push_interval: `10` has no unit; did you mean `10s`?");
  CHECK(complaint("agent:\n  mode: remote\n") ==
        "a.yaml:2:9: mode: `remote` is not one of its values; expected `local` or `distributed`");
  CHECK(complaint("agent:\n  mode: local\n  mode: local\n") ==
        "a.yaml:3:3: `mode` is given twice; expected once");
  CHECK(complaint("agent:\n  mode: [local]\n") == "a.yaml:2:9: mode: a list; expected a single value");
  CHECK(complaint("agent:\n  host_tags: [a]\n") == "a.yaml:2:14: host_tags: a list; expected a mapping");
  CHECK(complaint("agent:\n  spool: 5\n") == "a.yaml:2:10: `spool` is a single value; expected a mapping");
  CHECK(complaint("- a\n") == "a.yaml:1:1: a list at the top; expected `agent:`");
  CHECK(complaint("agent:\n  mode: distributed\n") ==
        "a.yaml:2:3: mode `distributed` needs aggregator_url, such as http://central-server:9000 (or "
        "SYSMON_AGGREGATOR_URL)");
  CHECK(complaint("agent:\n\tmode: local\n") == "a.yaml:2:1: a tab indents this line; YAML wants spaces");
  CHECK(complaint("agent: {mode: local\n").find("this is not YAML") != std::string::npos);
}

TEST_CASE("bad values are refused") {
  for (const std::string_view line : {"push_interval: 10ms",
                                      "push_interval: 2h",
                                      "push_interval: -5s",
                                      "push_interval: 99999999999999999999s",
                                      "collect_interval: 20s",
                                      "hostname: 'web 01'",
                                      "hostname: -web",
                                      "hostname: web_01",
                                      "hostname: 'a..b'",
                                      "aggregator_url: central:9000",
                                      "aggregator_url: ftp://central",
                                      "aggregator_url: http://",
                                      "aggregator_url: http://user:secret@central",
                                      "aggregator_url: http://central:99999",
                                      "aggregator_url: 'http://[::1'",
                                      "aggregator_url: 'http://[central]:9000'",
                                      "aggregator_url: http://::1:9000",
                                      "aggregator_url: http://central:port",
                                      "aggregator_url: http://central/?token=x",
                                      "auth_token: 'a b'",
                                      "auth_token: \"a\\r\\nX-Evil: 1\"",
                                      "auth_token_file: token",
                                      "spool: {max_bytes: 1KiB}",
                                      "spool: {max_age: 1s}",
                                      "spool: {max_bytes: many}",
                                      "host_tags: {'': x}",
                                      "host_tags: {a: \"\\u202e\"}",
                                      "host_tags: {a: \"\\u0007\"}",
                                      "host_tags: {a: {b: c}}",
                                      "host_tags: 'web'",
                                      "compression: zstd",
                                      "tls: {cert_file: /a}"}) {
    CAPTURE(line);
    CHECK(complaint(below_agent(line)) != "");
  }
}

TEST_CASE("a secret is never quoted in a complaint") {
  for (const auto& issue : validate_agent_config("agent: {auth_token: \"hush\\nhush\"}", "a.yaml")) {
    CHECK(issue.text().find("hush") == std::string::npos);
  }
  CHECK(complaint("agent: {aggregator_url: 'http://me:hush@central'}").find("hush") == std::string::npos);
}

TEST_CASE("an unknown key is an error in validate and a warning at run") {
  const std::string text = "agent: {push_intervall: 10s}";
  REQUIRE(validate_agent_config(text).size() == 1);
  CHECK(validate_agent_config(text).front().level == ConfigIssue::Level::error);
  const auto parsed = parse_agent_config(text, "a.yaml");
  CHECK(parsed.ok());
  REQUIRE(parsed.issues.size() == 1);
  CHECK(parsed.issues.front().level == ConfigIssue::Level::warning);
}

TEST_CASE("hostile texts give an issue, never a crash") {
  std::string deep = "agent: ";
  deep.append(100'000, '[');
  const std::string_view zero("agent:\n  mode: \0local", 20);
  for (const std::string& text :
       {deep, std::string(zero), std::string("\xff\xfe\xff"), std::string(2U << 20U, 'a'),
        std::string("agent: &a {spool: *a}"), std::string("agent: *nobody"), std::string("a: 1\n---\nb: 2\n"),
        std::string("? [a]\n: b\n"), std::string("agent: !!binary x")}) {
    CHECK(!validate_agent_config(text).empty());
  }
}

TEST_CASE("the environment goes before the file") {
  const auto parsed = parse_agent_config(kFiveLines, "agent.yaml",
                                         variables({{"SYSMON_AGGREGATOR_URL", "https://other"},
                                                    {"SYSMON_PUSH_INTERVAL", "1s"},
                                                    {"SYSMON_SPOOL_MAX_BYTES", "8MiB"},
                                                    {"SYSMON_HOST_TAGS", "role=db, rack=7"},
                                                    {"SYSMON_COLLECTORS_DISABLE", "sensor,battery"},
                                                    {"SYSMON_AUTH_TOKEN", "from-the-environment"}}));
  REQUIRE(parsed.ok());
  CHECK(parsed.config.aggregator_url == "https://other");
  CHECK(parsed.config.push_interval == milliseconds(1000));
  CHECK(parsed.config.collect_interval == milliseconds(1000));
  CHECK(parsed.config.spool.max_bytes == 8U << 20U);
  CHECK(parsed.config.host_tags == Tags{{"role", "db"}, {"rack", "7"}});
  CHECK(parsed.config.metrics.disable == std::vector<std::string>{"sensor", "battery"});
  CHECK(parsed.config.auth_token == "from-the-environment");

  const auto wrong = parse_agent_config("", "agent.yaml", variables({{"SYSMON_PUSH_INTERVAL", "soon"}}));
  REQUIRE(wrong.issues.size() == 1);
  CHECK(wrong.issues.front().text().starts_with("SYSMON_PUSH_INTERVAL: `soon` is not a duration"));
}

TEST_CASE("settings come with their value in canonical spelling, and it reads back") {
  const auto defaults = agent_settings();
  CHECK(defaults.size() == agent_setting_table().size());
  for (const auto& setting : defaults) {
    CAPTURE(setting.info.key);
    CHECK(!setting.info.help.empty());
    CHECK(!setting.is_set);
    // The table's word for a default is what the parser's defaults come out as.
    if (setting.info.default_value != "push_interval") CHECK(setting.value == setting.info.default_value);
  }
  std::map<std::string_view, std::string> values;
  for (const auto& setting :
       agent_settings("agent: {push_interval: 60000ms, spool: {max_bytes: 2048KiB}, host_tags: {a: b, c: d}, "
                      "collectors: {enable: [x, y]}}")) {
    values[setting.info.key] = setting.value;
  }
  CHECK(values["push_interval"] == "1m");
  CHECK(values["spool.max_bytes"] == "2MiB");
  CHECK(values["host_tags"] == "a=b,c=d");
  CHECK(values["collectors.enable"] == "x,y");
}

TEST_CASE("durations and sizes") {
  CHECK(*parse_duration("50ms") == milliseconds(50));
  CHECK(*parse_duration("7d") == milliseconds(604'800'000));
  CHECK(*parse_duration("10 s") == milliseconds(10'000));
  for (const std::string_view bad : {"", "s", "1.5h", "10S", "10s ", "+1s", "9223372036854775807d"}) {
    CAPTURE(bad);
    CHECK(!parse_duration(bad));
  }
  CHECK(*parse_size("4096") == 4096);
  CHECK(*parse_size("64MiB") == 64U << 20U);
  CHECK(*parse_size("1GB") == 1'000'000'000);
  for (const std::string_view bad : {"", "MiB", "1.5MiB", "1mib", "99999999999TiB"}) {
    CAPTURE(bad);
    CHECK(!parse_size(bad));
  }
  CHECK(format_duration(milliseconds(90'000)) == "90s");
  CHECK(format_duration(milliseconds(0)) == "0ms");
  CHECK(format_size(1536) == "1536B");
}

TEST_CASE("the first file found is the one file") {
  const TemporaryFolder home;
  const auto environment = variables({{"HOME", home.path.string()}});
  const auto mine = home.write(".sysmon/agent.yaml", kFiveLines, 0600);
  CHECK(load_agent_config("", environment).file == mine);
  const auto other = home.write("other.yaml", "agent: {mode: local}\n", 0644);
  const auto loaded = load_agent_config(other, environment);
  CHECK(loaded.ok());
  CHECK(loaded.config.mode == AgentMode::local);
  CHECK(!loaded.is_unconfigured);
  CHECK(!load_agent_config(home.path.string() + "/missing.yaml", environment).ok());
}

TEST_CASE("a token in a file that others may read is unsafe") {
  const TemporaryFolder home;
  const auto environment = variables({{"HOME", home.path.string()}});
  const auto open_to_all = load_agent_config(home.write("a.yaml", kFiveLines, 0644), environment);
  CHECK(open_to_all.unsafe());
  for (const auto& issue : open_to_all.issues) CHECK(issue.text().find("secret123") == std::string::npos);
  CHECK(load_agent_config(home.write("a.yaml", kFiveLines, 0600), environment).ok());

  const std::string by_file =
      "agent:\n  mode: distributed\n  aggregator_url: http://c\n  auth_token_file: ~/token\n";
  const auto config = home.write("b.yaml", by_file, 0644);
  (void)home.write("token", "  abc\n", 0640);
  CHECK(load_agent_config(config, environment).unsafe());
  (void)home.write("token", "  abc\n", 0600);
  const auto good = load_agent_config(config, environment);
  CHECK(good.ok());
  CHECK(*read_auth_token(good.config) == "abc");
  (void)home.write("token", "\n", 0600);
  CHECK(!load_agent_config(config, environment).ok());
  CHECK(!load_agent_config(config, environment).unsafe());
  std::filesystem::remove(home.path / "token");
  REQUIRE(::mkfifo((home.path / "token").c_str(), 0600) == 0);
  CHECK(load_agent_config(config, environment).unsafe());
}

TEST_CASE("distributed mode without a token says where it is looked for") {
  const auto loaded = load_agent_config(
      "", variables({{"SYSMON_MODE", "distributed"}, {"SYSMON_AGGREGATOR_URL", "http://c"}}));
  REQUIRE(!loaded.ok());
  CHECK(loaded.issues.back().text().find("SYSMON_AUTH_TOKEN") != std::string::npos);
  CHECK(!loaded.unsafe());
}

TEST_CASE("the state directory: the setting, systemd's, the user's") {
  AgentConfig config;
  CHECK(state_directory(config, variables({{"STATE_DIRECTORY", "/a:/b"}})) == "/a/agent");
  config.spool.dir = "/c";
  CHECK(state_directory(config, variables({{"STATE_DIRECTORY", "/a"}})) == "/c");
}
