// The table of settings: the one place where a key, its default, its help and its check are written down.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>

#include "core/agent_config_table.hpp"

namespace sysmon {
namespace {

using Complaint = std::optional<std::string>;
using std::chrono::milliseconds;

constexpr milliseconds kShortestInterval{50};
constexpr milliseconds kLongestInterval = std::chrono::hours{1};
constexpr std::size_t kMaxTags = 16;  // the aggregator's limits, docs/formats/wire.md
constexpr std::size_t kMaxTagKey = 64;
constexpr std::size_t kMaxTagValue = 256;
constexpr std::size_t kMaxHostname = 253;
constexpr std::size_t kMaxHostnameLabel = 63;

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

template <class Enum, std::size_t N>
Complaint assign_word(Enum& target, std::string_view text,
                      const std::array<std::pair<std::string_view, Enum>, N>& words) {
  std::string expected;
  for (const auto& [word, value] : words) {
    if (word == text) {
      target = value;
      return std::nullopt;
    }
    expected += (expected.empty() ? "" : " or ") + quoted(word);
  }
  return quoted(text) + " is not one of its values; expected " + expected;
}

Complaint assign_interval(milliseconds& target, std::string_view text) {
  const auto value = parse_duration(text);
  if (!value) return value.error().detail;
  if (*value < kShortestInterval || *value > kLongestInterval) {
    return quoted(text) + " is out of range; expected " + format_duration(kShortestInterval) + " to " +
           format_duration(kLongestInterval);
  }
  target = *value;
  return std::nullopt;
}

// Absolute: a daemon's working directory says nothing. `~/` is expanded when the file is opened.
Complaint assign_path(std::string& target, std::string_view text) {
  if (text.empty() || (text.front() != '/' && !text.starts_with("~/"))) {
    return quoted(text) + " is not an absolute path; expected one that begins with / or ~/";
  }
  target = text;
  return std::nullopt;
}

// What may stand in a header: printable ASCII without spaces.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_bracketed_ipv6(std::string_view host) {
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return false;
  in6_addr address{};
  return inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), &address) == 1;
}

// scheme://host[:port][/path], nothing that could carry a secret or a surprise.
Complaint check_url(std::string_view url) {
  std::string_view rest = url;
  if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else {
    return quoted(url) + " is not a URL of http or https; expected such as http://central-server:9000";
  }
  if (!is_token(rest)) return quoted(url) + " is not a URL: it has no host, or spaces";
  if (rest.find('@') != std::string_view::npos) {
    return "a URL with a user name in it; put the secret into auth_token_file";
  }
  if (rest.find_first_of("?#") != std::string_view::npos) {
    return quoted(url) + " has a query; expected scheme, host, port and at most a path";
  }
  std::string_view authority = rest.substr(0, rest.find('/'));
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    const bool digits = !port.empty() && port.size() <= 5 &&
                        std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || std::stoi(std::string(port)) == 0 || std::stoi(std::string(port)) > 65535) {
      return quoted(url) + " has the port " + quoted(port) + "; expected 1 to 65535";
    }
    authority = authority.substr(0, colon);
  }
  if (authority.empty()) return quoted(url) + " has no host";
  if (authority.find_first_of("[]:") != std::string_view::npos && !is_bracketed_ipv6(authority)) {
    return quoted(url) + " has no host; an IPv6 address stands in brackets, such as http://[::1]:9000";
  }
  return std::nullopt;
}

Complaint assign_url(std::string& target, std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  if (auto wrong = check_url(text)) return wrong;
  target = text;
  return std::nullopt;
}

// RFC 1123: letters, digits, hyphens in labels of at most 63.
Complaint assign_hostname(std::string& target, std::string_view text) {
  bool good = !text.empty() && text.size() <= kMaxHostname;
  std::size_t label = 0;
  for (std::size_t i = 0; good && i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      good = label != 0 && text[i - 1] != '-';
      label = 0;
    } else {
      good = is_alnum(c) || (c == '-' && label != 0);
      good = good && ++label <= kMaxHostnameLabel;
    }
  }
  good = good && label != 0 && text.back() != '-';
  if (!good)
    return quoted(text) + " is not a host name; expected letters, digits, hyphens and dots (RFC 1123)";
  target = text;
  return std::nullopt;
}

// Control characters and overrides of the writing direction make one value look like another.
bool is_printable(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return false;
    const std::string_view three = text.substr(i, 3);
    const bool override_2 = three >= "\u202a" && three <= "\u202e";
    const bool override_6 = three >= "\u2066" && three <= "\u2069";
    if (three.size() == 3 && (override_2 || override_6)) return false;
    if (text.substr(i, 2) >= "\u0080" && text.substr(i, 2) <= "\u009f") return false;
  }
  return true;
}

// "127.0.0.1:9101" or "[::1]:9101". What other hosts can reach would need a token; they ask the aggregator.
Complaint assign_loopback(std::string& target, std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view host = text.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const bool is_ipv4 =
      host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
  const bool is_port = !port.empty() && port.size() <= 5 &&
                       port.find_first_not_of("0123456789") == std::string_view::npos &&
                       std::stoi(std::string(port)) >= 1 && std::stoi(std::string(port)) <= 65535;
  if ((!is_ipv4 && host != "[::1]") || !is_port) {
    return quoted(text) + " is not a loopback address with a port; expected such as 127.0.0.1:9101";
  }
  target = text;
  return std::nullopt;
}

bool is_tag_key(std::string_view text) {
  if (text.empty() || text.size() > kMaxTagKey) return false;
  if (!is_alnum(text.front()) && text.front() != '_') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-' || c == ':'; });
}

Complaint assign_tags(Tags& target, const Tags& tags) {
  if (tags.size() > kMaxTags)
    return std::to_string(tags.size()) + " tags; expected at most " + std::to_string(kMaxTags);
  for (const Tag& tag : tags) {
    if (!is_tag_key(tag.key)) {
      return quoted(tag.key) + " is not the key of a tag; expected letters, digits and _.-: (at most " +
             std::to_string(kMaxTagKey) + ")";
    }
    if (tag.value.size() > kMaxTagValue || !is_printable(tag.value)) {
      return "the value of " + quoted(tag.key) + " is too long or not printable; expected at most " +
             std::to_string(kMaxTagValue) + " bytes";
    }
  }
  target = tags;
  return std::nullopt;
}

Complaint assign_list(std::vector<std::string>& target, const std::vector<std::string>& list) {
  for (const std::string& item : list) {
    if (item.empty() || !is_printable(item)) return quoted(item) + " is not a name";
  }
  target = list;
  return std::nullopt;
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ",") + item;
  return text;
}

std::string joined(const Tags& tags) {
  std::string text;
  for (const Tag& tag : tags) {
    if (!text.empty()) text += ',';
    text += tag.key;
    text += '=';
    text += tag.value;
  }
  return text;
}

constexpr std::array kModes = {std::pair{std::string_view("local"), AgentMode::local},
                               std::pair{std::string_view("distributed"), AgentMode::distributed}};
constexpr std::array kCompressions = {std::pair{std::string_view("gzip"), Compression::gzip},
                                      std::pair{std::string_view("none"), Compression::none}};
constexpr std::array kSyncs = {std::pair{std::string_view("deferred"), SpoolSync::deferred},
                               std::pair{std::string_view("always"), SpoolSync::always}};

using Shape = Setting::Shape;

constexpr std::array kSettings = {
    Setting{{"mode", "local", "local | distributed",
             "local: this machine alone, `sysmon up`; distributed: push to an aggregator."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) { return assign_word(c.mode, v.text, kModes); },
            [](const AgentConfig& c) {
              return std::string(c.mode == AgentMode::local ? "local" : "distributed");
            }},
    Setting{{"aggregator_url", "", "url",
             "Where to push, such as http://central-server:9000; distributed mode needs it."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) { return assign_url(c.aggregator_url, v.text); },
            [](const AgentConfig& c) { return c.aggregator_url; }},
    Setting{{"auth_token", "", "", "The aggregator's token; the file must then be private (0600).", true},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) -> Complaint {
              // The text is a secret: it is not quoted.
              if (!is_token(v.text)) return "the token is empty or has characters other than printable ASCII";
              c.auth_token = v.text;
              return std::nullopt;
            },
            [](const AgentConfig& c) { return c.auth_token; }},
    Setting{{"auth_token_file", "", "path",
             "A private file (0600) with the token; read anew whenever it is refused."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) { return assign_path(c.auth_token_file, v.text); },
            [](const AgentConfig& c) { return c.auth_token_file; }},
    Setting{{"push_interval", "10s", "duration", "How often the newest samples are pushed (50ms to 1h)."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) { return assign_interval(c.push_interval, v.text); },
            [](const AgentConfig& c) { return format_duration(c.push_interval); }},
    Setting{{"collect_interval", "push_interval", "duration",
             "How often samples are taken; shorter than push_interval gives several batches a push."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) { return assign_interval(c.collect_interval, v.text); },
            [](const AgentConfig& c) { return format_duration(c.collect_interval); }},
    Setting{{"hostname", "", "", "The name this host is shown under; default: the kernel's."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) { return assign_hostname(c.hostname, v.text); },
            [](const AgentConfig& c) { return c.hostname; }},
    Setting{{"host_tags", "", "map", "Tags of this host, such as datacenter and role; at most 16."},
            Shape::map,
            [](AgentConfig& c, const RawValue& v) { return assign_tags(c.host_tags, v.map); },
            [](const AgentConfig& c) { return joined(c.host_tags); }},
    Setting{
        {"compression", "gzip", "gzip | none",
         "How pushes are packed; none only to look at them on the wire."},
        Shape::text,
        [](AgentConfig& c, const RawValue& v) { return assign_word(c.compression, v.text, kCompressions); },
        [](const AgentConfig& c) {
          return std::string(c.compression == Compression::gzip ? "gzip" : "none");
        }},
    Setting{{"proxy", "", "url",
             "An HTTP proxy on the way to the aggregator; http_proxy and the like are not obeyed."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) { return assign_url(c.proxy, v.text); },
            [](const AgentConfig& c) { return c.proxy; }},
    Setting{{"spool.dir", "", "path",
             "The agent's private folder; default: /var/lib/sysmon/agent as root, else "
             "~/.local/share/sysmon/agent."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) { return assign_path(c.spool.dir, v.text); },
            [](const AgentConfig& c) { return c.spool.dir; }},
    Setting{{"spool.max_bytes", "64MiB", "size",
             "How much is kept while the aggregator is away (at least 64KiB)."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) -> Complaint {
              const auto size = parse_size(v.text);
              if (!size) return size.error().detail;
              if (*size < (64U << 10U)) return quoted(v.text) + " is too small; expected at least 64KiB";
              c.spool.max_bytes = *size;
              return std::nullopt;
            },
            [](const AgentConfig& c) { return format_size(c.spool.max_bytes); }},
    Setting{
        {"spool.max_age", "7d", "duration", "How long is kept while the aggregator is away (at least 5m)."},
        Shape::text,
        [](AgentConfig& c, const RawValue& v) -> Complaint {
          const auto age = parse_duration(v.text);
          if (!age) return age.error().detail;
          if (*age < std::chrono::minutes{5}) return quoted(v.text) + " is too short; expected at least 5m";
          c.spool.max_age = *age;
          return std::nullopt;
        },
        [](const AgentConfig& c) { return format_duration(c.spool.max_age); }},
    Setting{{"spool.sync", "deferred", "deferred | always",
             "When what is kept must be safe from a power loss: soon after, or before it is sent."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) { return assign_word(c.spool.sync, v.text, kSyncs); },
            [](const AgentConfig& c) {
              return std::string(c.spool.sync == SpoolSync::always ? "always" : "deferred");
            }},
    Setting{
        {"collectors.enable", "", "list", "Metrics or families that are off by default, such as softnet."},
        Shape::list,
        [](AgentConfig& c, const RawValue& v) { return assign_list(c.metrics.enable, v.list); },
        [](const AgentConfig& c) { return joined(c.metrics.enable); }},
    Setting{{"collectors.disable", "", "list", "Metrics or families to leave out; has the last word."},
            Shape::list,
            [](AgentConfig& c, const RawValue& v) { return assign_list(c.metrics.disable, v.list); },
            [](const AgentConfig& c) { return joined(c.metrics.disable); }},
    Setting{{"collectors.ignore_mounts", "", "list", "Mount points to leave out; a name may end in *."},
            Shape::list,
            [](AgentConfig& c, const RawValue& v) { return assign_list(c.devices.ignore_mounts, v.list); },
            [](const AgentConfig& c) { return joined(c.devices.ignore_mounts); }},
    Setting{
        {"collectors.ignore_interfaces", "", "list", "Network interfaces to leave out; a name may end in *."},
        Shape::list,
        [](AgentConfig& c, const RawValue& v) { return assign_list(c.devices.ignore_interfaces, v.list); },
        [](const AgentConfig& c) { return joined(c.devices.ignore_interfaces); }},
    Setting{{"collectors.ignore_devices", "", "list", "Disks to leave out; a name may end in *."},
            Shape::list,
            [](AgentConfig& c, const RawValue& v) { return assign_list(c.devices.ignore_devices, v.list); },
            [](const AgentConfig& c) { return joined(c.devices.ignore_devices); }},
    Setting{{"prometheus.listen", "", "address",
             "Where a Prometheus on this host may scrape it, such as 127.0.0.1:9101; default: nowhere."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) { return assign_loopback(c.prometheus.listen, v.text); },
            [](const AgentConfig& c) { return c.prometheus.listen; }},
    Setting{{"tls.ca_file", "", "path", "Certificates to trust instead of the system's (PEM)."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) { return assign_path(c.tls.ca_file, v.text); },
            [](const AgentConfig& c) { return c.tls.ca_file; }},
    Setting{{"tls.cert_file", "", "path", "This host's own certificate (PEM), with tls.key_file."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) { return assign_path(c.tls.cert_file, v.text); },
            [](const AgentConfig& c) { return c.tls.cert_file; }},
    Setting{{"tls.key_file", "", "path", "The key of tls.cert_file (PEM)."},
            Shape::text,
            [](AgentConfig& c, const RawValue& v) { return assign_path(c.tls.key_file, v.text); },
            [](const AgentConfig& c) { return c.tls.key_file; }},
};

}  // namespace

std::span<const Setting> settings() { return kSettings; }

std::span<const SettingInfo> agent_setting_table() {
  static const std::vector<SettingInfo> table = [] {
    std::vector<SettingInfo> infos;
    infos.reserve(kSettings.size());
    for (const Setting& setting : kSettings) infos.push_back(setting.info);
    return infos;
  }();
  return table;
}

const Setting* find_setting(std::string_view key) {
  const auto* found = std::find_if(kSettings.begin(), kSettings.end(),
                                   [&](const Setting& setting) { return setting.info.key == key; });
  return found == kSettings.end() ? nullptr : found;
}

void check_together(const AgentConfig& config, const Place& place, std::vector<ConfigIssue>& issues) {
  const auto complain = [&](ConfigIssue::Level level, std::string_view key, std::string message) {
    ConfigIssue issue = place(key);
    issue.level = level;
    issue.message = std::move(message);
    issues.push_back(std::move(issue));
  };
  using enum ConfigIssue::Level;
  if (config.mode == AgentMode::distributed && config.aggregator_url.empty()) {
    complain(error, "mode",
             "mode `distributed` needs aggregator_url, such as http://central-server:9000 (or "
             "SYSMON_AGGREGATOR_URL)");
    issues.back().key = "aggregator_url";  // what is missing; it is told where it is asked for
  }
  if (config.collect_interval > config.push_interval) {
    complain(error, "collect_interval",
             "collect_interval " + format_duration(config.collect_interval) +
                 " is longer than push_interval " + format_duration(config.push_interval) +
                 "; expected at most that");
  }
  if (config.tls.cert_file.empty() != config.tls.key_file.empty()) {
    const bool has_cert = !config.tls.cert_file.empty();
    complain(error, has_cert ? "tls.cert_file" : "tls.key_file",
             std::string("tls.cert_file and tls.key_file go together; ") +
                 (has_cert ? "tls.key_file" : "tls.cert_file") + " is missing");
  }
  if (!config.auth_token.empty() && !config.auth_token_file.empty()) {
    complain(warning, "auth_token_file", "auth_token is set too, and goes before auth_token_file");
  }
}

}  // namespace sysmon
