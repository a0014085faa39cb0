// Where the configuration and the token lie, and whether others may read them there.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "core/agent_config_table.hpp"
#include "sysmon/procfs.hpp"

namespace sysmon {
namespace {

constexpr std::size_t kMaxFile = 1U << 20U;
constexpr std::size_t kMaxToken = 4096;
constexpr std::string_view kSystemFile = "/etc/sysmon/agent.yaml";
constexpr std::string_view kUserFile = "/.sysmon/agent.yaml";

struct FileText {
  std::string text;
  std::string exposed;  // why a secret must not lie here; empty where it may
};

// systemd lets a service read its own credentials by an access list, which shows as the group's bits.
bool is_credential(const std::string& path, const struct stat& info) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  return folder != nullptr && info.st_uid == 0 && (info.st_mode & 037U) == 0 &&
         path.starts_with(std::string(folder) + "/");
}

// Owner and mode belong to the very descriptor that is read, so that nothing can be swapped in between.
Result<FileText> read_with_owner(const std::string& path, std::size_t max_bytes) {
  // O_NONBLOCK: a FIFO must not hold the agent up.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return Error::from_errno(path, "open", errno);
  struct stat info{};
  FileText file;
  std::optional<Error> failed;
  if (::fstat(fd, &info) != 0) {
    failed = Error::from_errno(path, "fstat", errno);
  } else if (!S_ISREG(info.st_mode)) {
    failed = Error{Error::Kind::invalid, path, "is not a regular file", 0};
  } else if (static_cast<std::uint64_t>(info.st_size) > max_bytes) {
    failed = Error{Error::Kind::too_large, path, "is longer than " + format_size(max_bytes), 0};
  } else {
    file.text.resize(static_cast<std::size_t>(info.st_size));
    std::size_t size = 0;
    while (size < file.text.size()) {
      const ssize_t got = ::read(fd, file.text.data() + size, file.text.size() - size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) failed = Error::from_errno(path, "read", errno);
      if (got <= 0) break;
      size += static_cast<std::size_t>(got);
    }
    file.text.resize(size);
    if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
      file.exposed = "it belongs to another user (uid " + std::to_string(info.st_uid) + ")";
    } else if ((info.st_mode & 077U) != 0 && !is_credential(path, info)) {
      file.exposed = "others may read or write it";
    }
  }
  ::close(fd);
  if (failed) return *failed;
  return file;
}

std::string home_of(const Environment& environment) { return environment("HOME").value_or(""); }

void expand_home(std::string& path, const std::string& home) {
  if (path.starts_with("~/") && !home.empty()) path = home + path.substr(1);
}

void expand_paths(AgentConfig& config, const std::string& home) {
  for (std::string* path : {&config.auth_token_file, &config.spool.dir, &config.tls.ca_file,
                            &config.tls.cert_file, &config.tls.key_file}) {
    expand_home(*path, home);
  }
}

std::string variable_of(std::string_view key) {
  std::string name = "SYSMON_";
  for (const char c : key)
    name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

bool exists(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0;
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

// The token's file, where neither the file nor a variable gave the token: systemd's credential is one too.
void find_token(LoadedConfig& loaded, const Environment& environment) {
  AgentConfig& config = loaded.config;
  if (config.auth_token.empty() && config.auth_token_file.empty()) {
    const auto credentials = environment("CREDENTIALS_DIRECTORY");
    if (credentials && exists(*credentials + "/auth_token"))
      config.auth_token_file = *credentials + "/auth_token";
  }
  if (config.mode != AgentMode::distributed) return;
  const auto token = read_auth_token(config);
  if (token) return;
  const bool has_file = !config.auth_token_file.empty();
  ConfigIssue issue;
  issue.file = has_file ? "" : loaded.file;
  issue.key = has_file ? "auth_token_file" : "auth_token";
  issue.message = token.error().message();
  issue.unsafe = has_file && token.error().kind == Error::Kind::invalid;
  loaded.issues.push_back(std::move(issue));
}

}  // namespace

std::optional<std::string> split_words(const Setting& setting, std::string_view text, RawValue& out) {
  if (setting.shape == Setting::Shape::text) {
    out.text = text;
    return std::nullopt;
  }
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string word = trimmed(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    if (word.empty()) continue;
    if (setting.shape == Setting::Shape::list) {
      out.list.push_back(word);
      continue;
    }
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) return "`" + word + "` has no value; expected key=value";
    out.map.push_back({trimmed(word.substr(0, equals)), trimmed(word.substr(equals + 1))});
  }
  return std::nullopt;
}

void apply_environment(AgentConfig& config, const Environment& environment, std::vector<bool>& is_set,
                       std::vector<ConfigIssue>& issues) {
  for (std::size_t i = 0; i < settings().size(); ++i) {
    const Setting& setting = settings()[i];
    const std::string name = variable_of(setting.info.key);
    const auto text = environment(name);
    if (!text || text->empty()) continue;
    RawValue value;
    auto wrong = split_words(setting, *text, value);
    if (!wrong) wrong = setting.assign(config, value);
    if (wrong) {
      issues.push_back({ConfigIssue::Level::error, name, 0, 0, std::string(setting.info.key), *wrong, false});
    } else {
      is_set[i] = true;
      // What the environment says about the token goes before what a file says, whichever of the two keys it
      // is.
      if (setting.info.key == "auth_token_file" && !environment("SYSMON_AUTH_TOKEN"))
        config.auth_token.clear();
      if (setting.info.key == "auth_token") config.auth_token_file.clear();
    }
  }
}

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

bool LoadedConfig::ok() const {
  return std::none_of(issues.begin(), issues.end(),
                      [](const ConfigIssue& issue) { return issue.level == ConfigIssue::Level::error; });
}

bool LoadedConfig::unsafe() const {
  return std::any_of(issues.begin(), issues.end(), [](const ConfigIssue& issue) { return issue.unsafe; });
}

LoadedConfig load_agent_config(const std::string& path, const Environment& environment, UnknownKeys unknown) {
  LoadedConfig loaded;
  const std::string home = home_of(environment);
  loaded.file = path;
  if (path.empty()) {
    for (const std::string& candidate :
         {home.empty() ? "" : home + std::string(kUserFile), std::string(kSystemFile)}) {
      if (!candidate.empty() && exists(candidate)) {
        loaded.file = candidate;
        break;
      }
    }
  }

  FileText file;
  if (!loaded.file.empty()) {
    auto read = read_with_owner(loaded.file, kMaxFile);
    if (!read) {
      loaded.issues.push_back({ConfigIssue::Level::error, "", 0, 0, "", read.error().message(), false});
      return loaded;
    }
    file = std::move(*read);
  }
  const bool secret_in_file =
      !loaded.file.empty() && !parse_agent_config(file.text, loaded.file).config.auth_token.empty();
  ParsedConfig parsed = parse_agent_config(file.text, loaded.file, environment, unknown);
  loaded.config = std::move(parsed.config);
  loaded.issues = std::move(parsed.issues);
  loaded.is_unconfigured = loaded.file.empty() && loaded.config.mode == AgentMode::local;
  expand_paths(loaded.config, home);
  if (secret_in_file && !file.exposed.empty()) {
    loaded.issues.push_back({ConfigIssue::Level::error, loaded.file, 0, 0, "auth_token",
                             "the file holds auth_token, and " + file.exposed + ". Fix: chmod 600 " +
                                 loaded.file + ", or put the token into SYSMON_AUTH_TOKEN",
                             true});
  }
  if (loaded.ok()) find_token(loaded, environment);
  return loaded;
}

Result<std::string> read_auth_token(const AgentConfig& config) {
  if (!config.auth_token.empty()) return config.auth_token;
  const auto invalid = [&](std::string detail) {
    return Error{Error::Kind::invalid, config.auth_token_file, std::move(detail), 0};
  };
  if (config.auth_token_file.empty()) {
    Error none = invalid(
        "there is no token. Fix: put the aggregator's into auth_token, a private auth_token_file or "
        "SYSMON_AUTH_TOKEN");
    none.kind = Error::Kind::not_found;
    return none;
  }
  auto file = read_with_owner(config.auth_token_file, kMaxToken);
  if (!file) return file.error();
  if (!file->exposed.empty()) return invalid(file->exposed + ". Fix: chmod 600 " + config.auth_token_file);
  std::string token = trimmed(file->text);
  const bool printable =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (token.empty() || !printable) {
    Error empty = invalid("holds no token; expected one line of printable ASCII");
    empty.kind = Error::Kind::malformed;
    return empty;
  }
  return token;
}

std::string state_directory(const AgentConfig& config, const Environment& environment) {
  if (!config.spool.dir.empty()) return config.spool.dir;
  if (const auto given = environment("STATE_DIRECTORY"); given && !given->empty()) {
    // systemd lists several with colons. A folder of our own below it: for a dynamic user the given one is a
    // symlink.
    return given->substr(0, given->find(':')) + "/agent";
  }
  if (::geteuid() == 0) return "/var/lib/sysmon/agent";
  const std::string home = home_of(environment);
  return home.empty() ? "" : home + "/.local/share/sysmon/agent";
}

}  // namespace sysmon
