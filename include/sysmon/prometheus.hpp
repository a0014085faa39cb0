// What a metric is called in Prometheus, ours (`sysmon_…`) or as node_exporter has it, and the text that says so.
//
// Both translations are tables (src/core/data/*_names.csv). A metric that is not in the first one follows a rule, so
// that metrics of ten-line scripts have a name too; one that is not in the second has no such name.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/sample.hpp"

namespace sysmon {

enum class NameSet : std::uint8_t { sysmon, node, both };

[[nodiscard]] std::optional<NameSet> parse_name_set(std::string_view text);  // "sysmon", "node", "both"

// One way to say a metric. The views have static storage.
struct PrometheusName {
  std::string metric;
  std::string name;
  std::string_view kind;  // "gauge", "counter", "untyped"
  std::string_view help;
  std::string_view tags;    // as MetricInfo::tags
  std::string_view when{};  // only series with such a tag: `mode=guest`, `mode!=guest|guest_nice`; "" for all
  std::string_view changes{};  // of tags, by spaces: `old>new`, `-old`, `new=value` ($host is the hostname)
  double divide = 1;
  std::string_view other{};  // a metric of the same tags that is added or taken away: `+name`, `-name`

  // The labels of a series with these tags, sorted; nullopt for a series this name is not for.
  [[nodiscard]] std::optional<Tags> labels_of(const Tags& series, std::string_view hostname) const;
  // The value in Prometheus' unit; `other_value` is that of `other`.
  [[nodiscard]] double value_of(double value, double other_value = 0) const;
};

// What a metric is called; empty where node_exporter has no name for it. Names of metrics that are not in the
// registry are made by the rule.
[[nodiscard]] std::vector<PrometheusName> prometheus_names(std::string_view metric, NameSet names);

// A tag's key as a label: Prometheus allows letters, digits and _, and keeps names that begin with __ for itself.
[[nodiscard]] std::string prometheus_label(std::string_view key);

// The exposition format 0.0.4: families with their help and type, each with its samples together.
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
class PrometheusPage {
 public:
  void add(const PrometheusName& name, const Tags& labels, double value);
  [[nodiscard]] std::string text() const;

 private:
  struct Family {
    std::string head;
    std::map<std::string, std::string> lines;  // by labels: no series comes twice
  };
  std::map<std::string, Family> families_;
};

}  // namespace sysmon
