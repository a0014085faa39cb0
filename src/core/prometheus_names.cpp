// Names: the tables, the rule for what is not in them, and what they do to tags and values.
#include <algorithm>
#include <array>

#include "sysmon/prometheus.hpp"
#include "sysmon/registry.hpp"

namespace sysmon {
namespace {

struct Row {
  std::string_view metric;
  std::string_view when;
  std::string_view name;
  std::string_view changes;
  double divide;
  std::string_view other;
  std::string_view help;  // "" for the metric's own, or that of the first row of this name
};

constexpr Row kSysmon[] = {
#include "sysmon_names.inc"
};
constexpr Row kNode[] = {
#include "node_names.inc"
};

constexpr std::string_view kHost = "$host";
constexpr std::string_view kUnknown = "Sent by a host; not a metric of the registry.";
// node_exporter does not say what these are: they are whatever the kernel's file holds.
constexpr std::array<std::string_view, 2> kUntyped = {"node_netstat_", "node_vmstat_"};
constexpr double kPercent = 100;

// Cuts `text` at the first `separator` and returns what was before it.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view before = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return before;
}

std::string_view help_of(std::span<const Row> table, const Row& row, const MetricInfo& metric) {
  const auto first =
      std::find_if(table.begin(), table.end(), [&](const Row& one) { return one.name == row.name; });
  if (!first->help.empty()) return first->help;
  const MetricInfo* info = first->metric == metric.name ? &metric : find_metric(first->metric);
  return info == nullptr ? metric.help : info->help;
}

// False where the table does not have it.
bool add_from(std::span<const Row> table, const MetricInfo& metric, std::vector<PrometheusName>& out) {
  const std::size_t before = out.size();
  for (const Row& row : table) {
    if (row.metric != metric.name) continue;
    const bool is_untyped = std::any_of(kUntyped.begin(), kUntyped.end(),
                                        [&](std::string_view start) { return row.name.starts_with(start); });
    out.push_back({std::string(metric.name), std::string(row.name),
                   is_untyped ? std::string_view("untyped") : to_string(metric.kind),
                   help_of(table, row, metric), metric.tags, row.when, row.changes, row.divide, row.other});
  }
  return out.size() != before;
}

std::string allowed(std::string_view text) {
  std::string name(text);
  for (char& c : name) {
    const bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_good) c = '_';
  }
  return name;
}

// sysmon_ and the metric's own name: percentages as ratios of 1, counters as `_total`.
PrometheusName by_rule(std::string_view metric, const MetricInfo* info) {
  PrometheusName name{std::string(metric), "sysmon_" + allowed(metric), "gauge", kUnknown, ""};
  if (info == nullptr) return name;
  name.kind = to_string(info->kind);
  name.help = info->help;
  name.tags = info->tags;
  if (info->unit == Unit::percent) {
    constexpr std::string_view kEnd = "_percent";
    if (name.name.ends_with(kEnd)) name.name.resize(name.name.size() - kEnd.size());
    name.name += "_ratio";
    name.divide = kPercent;
  }
  if (info->kind == Kind::counter) name.name += "_total";
  return name;
}

// `mode=guest`, `mode!=guest|guest_nice`
bool holds(std::string_view when, const Tags& tags) {
  if (when.empty()) return true;
  std::string_view key = take_until(when, '=');
  const bool has_to_be = !key.ends_with('!');
  if (!has_to_be) key.remove_suffix(1);
  const auto tag = std::find_if(tags.begin(), tags.end(), [&](const Tag& one) { return one.key == key; });
  bool is_one = false;
  while (!when.empty()) {
    const std::string_view value = take_until(when, '|');
    is_one = is_one || (tag != tags.end() && tag->value == value);
  }
  return is_one == has_to_be;
}

}  // namespace

std::optional<NameSet> parse_name_set(std::string_view text) {
  if (text == "sysmon") return NameSet::sysmon;
  if (text == "node") return NameSet::node;
  if (text == "both") return NameSet::both;
  return std::nullopt;
}

std::vector<PrometheusName> prometheus_names(std::string_view metric, NameSet names) {
  std::vector<PrometheusName> found;
  const MetricInfo* info = find_metric(metric);
  if (names != NameSet::node && (info == nullptr || !add_from(kSysmon, *info, found))) {
    found.push_back(by_rule(metric, info));
  }
  if (names != NameSet::sysmon && info != nullptr) add_from(kNode, *info, found);
  return found;
}

std::string prometheus_label(std::string_view key) {
  std::string label = allowed(key);
  if (!label.starts_with("__")) return label;
  label.erase(0, label.find_first_not_of('_'));
  return label.empty() ? "_" : label;
}

std::optional<Tags> PrometheusName::labels_of(const Tags& series, std::string_view hostname) const {
  if (!holds(when, series)) return std::nullopt;
  Tags labels = series;
  std::string_view rest = changes;
  while (!rest.empty()) {
    std::string_view change = take_until(rest, ' ');
    const auto keyed = [&labels](std::string_view key) {
      return std::find_if(labels.begin(), labels.end(), [&](const Tag& one) { return one.key == key; });
    };
    if (change.starts_with('-')) {
      if (const auto tag = keyed(change.substr(1)); tag != labels.end()) labels.erase(tag);
    } else if (change.find('>') != std::string_view::npos) {
      const std::string_view old = take_until(change, '>');
      if (const auto tag = keyed(old); tag != labels.end()) tag->key = change;
    } else {
      const std::string_view key = take_until(change, '=');
      const std::string_view value = change == kHost ? hostname : change;
      const auto tag = keyed(key);
      if (tag != labels.end()) {
        tag->value = value;
      } else {
        labels.push_back({std::string(key), std::string(value)});
      }
    }
  }
  for (Tag& label : labels) label.key = prometheus_label(label.key);
  std::sort(labels.begin(), labels.end());
  return labels;
}

double PrometheusName::value_of(double value, double other_value) const {
  if (!other.empty()) value += other.front() == '-' ? -other_value : other_value;
  return divide == 1 ? value : value / divide;
}

}  // namespace sysmon
