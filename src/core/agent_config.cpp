// The text of an agent's YAML file -> AgentConfig.
//
// yaml-cpp parses; everything else is checked here against the table of settings, because its conversions
// lose the position and it neither sees keys given twice nor keys that nobody knows.
#include "sysmon/agent_config.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <numeric>
#include <sstream>

#include "core/agent_config_table.hpp"
#include "core/utf8.hpp"

namespace sysmon {
namespace {

constexpr std::size_t kMaxText = 1U << 20U;
constexpr std::string_view kRoot = "agent";

struct Mark {
  int line = 0;
  int column = 0;
};

Mark mark_of(const YAML::Mark& mark) {
  // yaml-cpp counts from 0, and has -1 for nodes that stand nowhere.
  return {std::max(0, mark.line + 1), std::max(0, mark.column + 1)};
}

std::string_view kind_of(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return "a single value";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Map:
      return "a mapping";
    default:
      return "nothing";
  }
}

class DocumentStarts final : public YAML::EventHandler {
 public:
  std::vector<YAML::Mark> marks;

  void OnDocumentStart(const YAML::Mark& mark) override { marks.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnScalar(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {}
  void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {}
  void OnMapEnd() override {}
};

// Where the first two documents begin. (YAML::LoadAll finds documents without end, until memory has one, where a
// text begins with a comma.)
std::vector<YAML::Mark> document_starts(const std::string& yaml) {
  std::istringstream stream(yaml);
  YAML::Parser parser(stream);
  DocumentStarts starts;
  while (starts.marks.size() < 2 && parser.HandleNextDocument(starts)) {
  }
  return std::move(starts.marks);
}

// The first line, from 1, that is indented with a tab: the usual reason why a file is not YAML, and yaml-cpp
// speaks of something else then. 0 where there is none.
int line_with_tab(std::string_view text) {
  for (int line = 1; !text.empty(); ++line) {
    const std::string_view indent = text.substr(0, text.find_first_not_of(" \t"));
    if (indent.find('\t') != std::string_view::npos) return line;
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return 0;
}

class Parser {
 public:
  Parser(std::string_view filename, UnknownKeys unknown) : filename_(filename), unknown_(unknown) {
    set_.resize(settings().size());
    marks_.resize(settings().size());
  }

  void parse(std::string_view text) {
    if (text.size() > kMaxText) {
      complain({1, 1}, "", "the file is longer than 1MiB; expected a few lines of YAML");
      return;
    }
    if (!is_utf8(text) || text.find('\0') != std::string_view::npos) {
      complain({1, 1}, "", "this is not text in UTF-8");
      return;
    }
    try {
      const std::string yaml(text);
      if (const auto starts = document_starts(yaml); starts.size() > 1) {
        complain(mark_of(starts[1]), "", "a second YAML document; expected one");
        return;
      }
      root(YAML::Load(yaml));
    } catch (const YAML::Exception& failure) {
      if (const int line = line_with_tab(text); line > 0) {
        complain({line, 1}, "", "a tab indents this line; YAML wants spaces");
      } else {
        complain(mark_of(failure.mark), "", "this is not YAML: " + failure.msg);
      }
    } catch (const std::exception& failure) {
      complain({1, 1}, "", std::string("this is not YAML: ") + failure.what());
    }
  }

  // Fills the place of a key: where it was set, or where the file begins.
  [[nodiscard]] ConfigIssue place(std::string_view key) const {
    ConfigIssue issue;
    issue.file = filename_;
    issue.key = key;
    const std::size_t index = index_of(key);
    if (index < set_.size() && set_[index]) {
      issue.line = marks_[index].line;
      issue.column = marks_[index].column;
    }
    return issue;
  }

  AgentConfig config;
  std::vector<ConfigIssue> issues;
  [[nodiscard]] std::vector<bool>& is_set() { return set_; }

 private:
  static std::size_t index_of(std::string_view key) {
    const auto all = settings();
    return static_cast<std::size_t>(
        std::find_if(all.begin(), all.end(), [&](const Setting& s) { return s.info.key == key; }) -
        all.begin());
  }

  void complain(Mark mark, std::string_view key, std::string message,
                ConfigIssue::Level level = ConfigIssue::Level::error) {
    issues.push_back({level, filename_, mark.line, mark.column, std::string(key), std::move(message), false});
  }

  void root(const YAML::Node& node) {
    if (node.IsNull()) return;
    if (!node.IsMap()) {
      complain(mark_of(node.Mark()), "", std::string(kind_of(node)) + " at the top; expected `agent:`");
      return;
    }
    each(node, "", [&](const std::string& name, Mark mark, const YAML::Node& value) {
      if (name == kRoot) {
        section(value, "");
      } else {
        unknown(name, mark, {std::string(kRoot)},
                find_setting(name) != nullptr ? "it belongs below `agent:`" : "");
      }
    });
  }

  // The keys below `agent:` (prefix "") or below a group such as `spool:` (prefix "spool.").
  void section(const YAML::Node& node, const std::string& prefix) {
    if (node.IsNull()) return;
    if (!node.IsMap()) {
      const std::string name = prefix.empty() ? std::string(kRoot) : prefix.substr(0, prefix.size() - 1);
      complain(mark_of(node.Mark()), name,
               "`" + name + "` is " + std::string(kind_of(node)) + "; expected a mapping");
      return;
    }
    each(node, prefix, [&](const std::string& name, Mark mark, const YAML::Node& value) {
      const std::string key = prefix + name;
      if (is_group(key)) {
        section(value, key + ".");
      } else if (const Setting* setting = find_setting(key)) {
        assign(*setting, mark, value);
      } else {
        unknown(key, mark, known_below(prefix), "");
      }
    });
  }

  template <class Visit>
  void each(const YAML::Node& map, const std::string& prefix, Visit&& visit) {
    std::vector<std::string> seen;
    for (const auto& entry : map) {
      const Mark mark = mark_of(entry.first.Mark());
      if (!entry.first.IsScalar()) {
        complain(mark, "", "a key that is " + std::string(kind_of(entry.first)) + "; expected a word");
        continue;
      }
      const std::string& name = entry.first.Scalar();
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
        std::string key = prefix;
        key += name;
        complain(mark, key, "`" + key + "` is given twice; expected once");
        continue;
      }
      seen.push_back(name);
      visit(name, mark, entry.second);
    }
  }

  void assign(const Setting& setting, Mark mark, const YAML::Node& node) {
    if (node.IsNull()) return;  // `hostname:` with nothing behind it: the default
    const std::string key(setting.info.key);
    RawValue value;
    std::optional<std::string> wrong;
    if (setting.shape == Setting::Shape::list && node.IsSequence()) {
      for (const YAML::Node& item : node) {
        if (item.IsScalar()) {
          value.list.push_back(item.Scalar());
        } else {
          wrong = std::string(kind_of(item)) + " in the list; expected words";
        }
      }
    } else if (setting.shape == Setting::Shape::map && node.IsMap()) {
      for (const auto& entry : node) {
        if (entry.first.IsScalar() && entry.second.IsScalar()) {
          value.map.push_back({entry.first.Scalar(), entry.second.Scalar()});
        } else {
          wrong = std::string(kind_of(entry.second)) + " in the mapping; expected single values";
        }
      }
    } else if (node.IsScalar()) {
      wrong = split_words(setting, node.Scalar(), value);
    } else {
      constexpr std::string_view kExpected[] = {"a single value", "a list", "a mapping"};
      wrong = std::string(kind_of(node)) + "; expected " +
              std::string(kExpected[static_cast<std::size_t>(setting.shape)]);
    }
    if (!wrong) wrong = setting.assign(config, value);
    const std::size_t index = index_of(key);
    marks_[index] = mark;
    if (wrong) {
      const Mark at = node.Mark().is_null() ? mark : mark_of(node.Mark());
      complain(at, key, key + ": " + *wrong);
    } else {
      set_[index] = true;
    }
  }

  static bool is_group(const std::string& key) {
    const auto all = settings();
    return std::any_of(all.begin(), all.end(), [&](const Setting& s) {
      return s.info.key.size() > key.size() && s.info.key.starts_with(key) && s.info.key[key.size()] == '.';
    });
  }

  // The words that may stand at this level.
  static std::vector<std::string> known_below(const std::string& prefix) {
    std::vector<std::string> names;
    for (const Setting& setting : settings()) {
      if (!setting.info.key.starts_with(prefix)) continue;
      const std::string_view rest = setting.info.key.substr(prefix.size());
      names.push_back(prefix + std::string(rest.substr(0, rest.find('.'))));
    }
    return names;
  }

  void unknown(const std::string& key, Mark mark, const std::vector<std::string>& known,
               std::string_view hint) {
    std::string message = "unknown key `" + key + "`";
    const std::string_view meant = nearest(key, known);
    if (!hint.empty()) {
      message += "; " + std::string(hint);
    } else if (!meant.empty()) {
      message += "; did you mean `" + std::string(meant) + "`?";
    }
    complain(mark, key, message,
             unknown_ == UnknownKeys::reject ? ConfigIssue::Level::error : ConfigIssue::Level::warning);
  }

  std::string filename_;
  UnknownKeys unknown_;
  std::vector<bool> set_;  // by position in the table
  std::vector<Mark> marks_;
};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, changed});
    }
  }
  return row.back();
}

// An interval that was not set follows the other.
void derive(AgentConfig& config, const std::vector<bool>& is_set) {
  const auto* setting = find_setting("collect_interval");
  if (!is_set[static_cast<std::size_t>(setting - settings().data())])
    config.collect_interval = config.push_interval;
}

bool has_no_errors(const std::vector<ConfigIssue>& issues) {
  return std::none_of(issues.begin(), issues.end(),
                      [](const ConfigIssue& issue) { return issue.level == ConfigIssue::Level::error; });
}

}  // namespace

std::string_view nearest(std::string_view name, std::span<const std::string> known) {
  std::string_view best;
  // Two letters (one exchange) may be wrong, or a third of a long word.
  std::size_t least = (name.size() < 4 ? 1 : std::max<std::size_t>(name.size() / 3, 2)) + 1;
  if (name.size() > 64) return best;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string ConfigIssue::text() const {
  std::string line_text = file;
  if (line > 0) line_text += ":" + std::to_string(line) + ":" + std::to_string(column);
  if (!line_text.empty()) line_text += ": ";
  return line_text + message;
}

bool ParsedConfig::ok() const { return has_no_errors(issues); }

ParsedConfig parse_agent_config(std::string_view text, std::string_view filename,
                                const Environment& environment, UnknownKeys unknown) {
  Parser parser(filename, unknown);
  parser.parse(text);
  if (environment) apply_environment(parser.config, environment, parser.is_set(), parser.issues);
  derive(parser.config, parser.is_set());
  if (has_no_errors(parser.issues)) {
    check_together(parser.config, [&](std::string_view key) { return parser.place(key); }, parser.issues);
  }
  return {std::move(parser.config), std::move(parser.issues)};
}

std::vector<ConfigIssue> validate_agent_config(std::string_view text, std::string_view filename) {
  return parse_agent_config(text, filename, {}, UnknownKeys::reject).issues;
}

std::vector<ConfigSetting> agent_settings(std::string_view text, std::string_view filename) {
  Parser parser(filename, UnknownKeys::warn);
  parser.parse(text);
  derive(parser.config, parser.is_set());
  std::vector<ConfigSetting> values;
  for (std::size_t i = 0; i < settings().size(); ++i) {
    const Setting& setting = settings()[i];
    values.push_back({setting.info, setting.canonical(parser.config), parser.is_set()[i]});
  }
  return values;
}

}  // namespace sysmon
