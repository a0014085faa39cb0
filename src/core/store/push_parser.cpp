#include "core/store/push_parser.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/store/bytes.hpp"
#include "core/store/names.hpp"

namespace sysmon {

namespace {

namespace dom = simdjson::dom;
using Fault = std::optional<PushFault>;

constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxString = 4U << 10U;
constexpr std::size_t kMaxNumber = 64;
constexpr std::size_t kMaxIdentity = 128;        // agent_id, boot_id, version
constexpr std::size_t kMaxMember = 256U << 10U;  // facts, processes: JSON kept as it is
constexpr double kMaxUnixSeconds =
    253402300800.0;  // the year 10000: far beyond what a later check lets through

std::string_view type_name(dom::element element) {
  switch (element.type()) {
    case dom::element_type::ARRAY:
      return "an array";
    case dom::element_type::OBJECT:
      return "an object";
    case dom::element_type::STRING:
      return "a string";
    case dom::element_type::BOOL:
      return "a boolean";
    case dom::element_type::NULL_VALUE:
      return "null";
    default:
      return "a number";
  }
}

PushFault wrong_type(std::string_view member, std::string_view expected, dom::element came) {
  return {422, "wrong_type",
          std::string(member) + ": " + std::string(expected) + " was expected, " +
              std::string(type_name(came)) + " came"};
}

PushFault from_simdjson(simdjson::error_code error) {
  switch (error) {
    case simdjson::DEPTH_ERROR:
      return {400, "too_deep", "the JSON is nested deeper than " + std::to_string(kMaxDepth) + " levels"};
    case simdjson::UTF8_ERROR:
      return {400, "bad_utf8", "the body is not UTF-8"};
    case simdjson::NUMBER_ERROR:
      return {400, "bad_number",
              "a number is malformed, infinite as a double, or an integer of more than 64 bits"};
    case simdjson::EMPTY:
      return {400, "empty_body", "a JSON object was expected, nothing came"};
    case simdjson::MEMALLOC:
      throw std::bad_alloc();
    default:
      return {400, "bad_json",
              "one JSON object was expected: " + std::string(simdjson::error_message(error))};
  }
}

// ---- what simdjson does not check ----

bool is_number_char(char c) {
  return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

// Looks at every 64th byte only: a longer token cannot pass between. REQUIRES: valid JSON (strings are
// closed).
bool has_long_number(std::string_view text) {
  bool is_suspect = false;
  for (std::size_t probe = kMaxNumber; probe < text.size() && !is_suspect; probe += kMaxNumber) {
    if (!is_number_char(text[probe])) continue;
    std::size_t first = probe;
    std::size_t last = probe;
    while (first > 0 && probe - first <= kMaxNumber && is_number_char(text[first - 1])) --first;
    while (last + 1 < text.size() && last - first <= kMaxNumber && is_number_char(text[last + 1])) ++last;
    is_suspect = last - first >= kMaxNumber;
  }
  if (!is_suspect) return false;
  // It may lie in a string (an identity of digits): count again, outside of strings.
  bool is_in_string = false;
  std::size_t run = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      is_in_string = !is_in_string;
    }
    run = !is_in_string && is_number_char(c) ? run + 1 : 0;
    if (run > kMaxNumber) return true;
  }
  return false;
}

PushFault duplicate_key(std::string_view key) {
  return {400, "duplicate_key",
          "an object has the key \"" + std::string(key.substr(0, kMaxMetricName)) + "\" twice"};
}

Fault check_string(std::string_view text) {
  if (text.size() <= kMaxString) return std::nullopt;
  return PushFault{400, "string_too_long",
                   "a string is longer than " + std::to_string(kMaxString) + " bytes"};
}

Fault check_keys(dom::object object) {
  std::vector<std::string_view> keys;
  for (const dom::key_value_pair field : object) {
    if (Fault fault = check_string(field.key)) return fault;
    keys.push_back(field.key);
  }
  std::ranges::sort(keys);
  const auto twice = std::ranges::adjacent_find(keys);
  if (twice != keys.end()) return duplicate_key(*twice);
  return std::nullopt;
}

// Strings and keys of all that lies in an element. The depth is bounded by the parser's.
Fault check_tree(dom::element element) {  // NOLINT(misc-no-recursion)
  if (element.is_string()) return check_string(std::string_view(element));
  if (element.is_array()) {
    for (const dom::element item : dom::array(element)) {
      if (Fault fault = check_tree(item)) return fault;
    }
  }
  if (element.is_object()) {
    const dom::object object(element);
    if (Fault fault = check_keys(object)) return fault;
    for (const dom::key_value_pair field : object) {
      if (Fault fault = check_tree(field.value)) return fault;
    }
  }
  return std::nullopt;
}

// ---- values ----

// Unix seconds -> milliseconds; nullopt where it is no time at all.
std::optional<std::int64_t> to_time_ms(dom::element element) {
  double seconds = 0;
  if (element.get(seconds) != simdjson::SUCCESS || seconds < 0 || seconds >= kMaxUnixSeconds)
    return std::nullopt;
  return std::llround(seconds * 1e3);
}

Fault read_identity(std::string_view member, dom::element element, std::optional<std::string>& out) {
  std::string_view text;
  if (element.is_null()) return std::nullopt;
  if (element.get(text) != simdjson::SUCCESS) return wrong_type(member, "a string", element);
  if (text.empty() || text.size() > kMaxIdentity || !is_printable(text)) {
    return PushFault{
        422, "bad_identity",
        std::string(member) + ": 1 to " + std::to_string(kMaxIdentity) + " printable bytes were expected"};
  }
  out = text;
  return std::nullopt;
}

Fault read_host_tags(dom::element element, const PushLimits& limits, std::optional<Tags>& out) {
  if (element.is_null()) return std::nullopt;
  if (!element.is_object()) return wrong_type("tags", "an object", element);
  const dom::object object(element);
  if (Fault fault = check_keys(object)) return fault;
  Tags tags;
  for (const dom::key_value_pair field : object) {
    std::string_view value;
    const bool is_tag = is_name(field.key) && field.key.size() <= kMaxTagKey &&
                        field.value.get(value) == simdjson::SUCCESS && value.size() <= kMaxTagValue &&
                        is_printable(value);
    if (!is_tag || tags.size() == limits.tags_per_metric) {
      return PushFault{422, "bad_tags",
                       "tags: at most " + std::to_string(limits.tags_per_metric) +
                           " were expected, keys as names, values printable strings of at most " +
                           std::to_string(kMaxTagValue) + " bytes"};
    }
    tags.push_back({std::string(field.key), std::string(value)});
  }
  out = std::move(tags);
  return std::nullopt;
}

Fault read_kept(std::string_view member, dom::element element, bool is_array,
                std::optional<std::string>& out) {
  if (element.is_null()) return std::nullopt;
  if (is_array ? !element.is_array() : !element.is_object()) {
    return wrong_type(member, is_array ? "an array" : "an object", element);
  }
  if (Fault fault = check_tree(element)) return fault;
  std::string text = simdjson::minify(element);
  if (text.size() > kMaxMember) {
    return PushFault{422, "member_too_large",
                     std::string(member) + ": more than " + std::to_string(kMaxMember) + " bytes of JSON"};
  }
  out = std::move(text);
  return std::nullopt;
}

// The members of an element of `metrics`, as far as they are known.
struct Members {
  std::optional<dom::element> type;
  std::optional<dom::element> value;
  std::optional<dom::element> tags;
  std::optional<dom::element> timestamp;

  std::optional<dom::element>* find(std::string_view key) {
    if (key == "type") return &type;
    if (key == "value") return &value;
    if (key == "tags") return &tags;
    if (key == "timestamp") return &timestamp;
    return nullptr;
  }
};

// REQUIRES: an object.
Fault split(dom::element metric, Members& members) {
  bool has_unknown = false;
  for (const dom::key_value_pair field : dom::object(metric)) {
    std::optional<dom::element>* slot = members.find(field.key);
    if (slot == nullptr) {
      has_unknown = true;
    } else if (slot->has_value()) {
      return duplicate_key(field.key);
    } else {
      *slot = field.value;
    }
  }
  return has_unknown ? check_tree(metric) : std::nullopt;
}

// Writes the key of a sample, or kNoKey with a rejection. Names and values are not judged here: that is done
// once per sequence (key_sequences.cpp).
Fault put_key(const Members& members, const PushLimits& limits, SentSamples& samples) {
  std::string_view type;
  if (!members.type || members.type->get(type) != simdjson::SUCCESS) {
    samples.reject("type_missing");
    samples.put_no_key();
    return std::nullopt;
  }
  if (Fault fault = check_string(type)) return fault;
  const std::size_t start = samples.sequence.size();
  samples.put_string(type);
  samples.put_tag_count(0);
  if (!members.tags || members.tags->is_null()) return std::nullopt;

  const auto reject = [&](std::string_view code) {
    samples.sequence.resize(start);
    samples.reject(code);
    samples.put_no_key();
    return std::nullopt;
  };
  if (!members.tags->is_object()) return reject("tags_not_an_object");
  const std::size_t count_at = samples.sequence.size() - 1;
  std::vector<std::string_view>& keys = samples.tag_keys;
  keys.clear();
  const std::size_t most = std::min(limits.tags_per_metric, std::size_t{UINT8_MAX});
  for (const dom::key_value_pair field : dom::object(*members.tags)) {
    if (keys.size() == most) {
      if (Fault fault = check_tree(*members.tags)) return fault;
      return reject("too_many_tags");
    }
    std::string_view value;
    if (field.value.get(value) != simdjson::SUCCESS) {
      if (Fault fault = check_tree(*members.tags)) return fault;
      return reject("tag_value_not_a_string");
    }
    if (Fault fault = check_string(field.key)) return fault;
    if (Fault fault = check_string(value)) return fault;
    if (std::ranges::find(keys, field.key) != keys.end()) return duplicate_key(field.key);
    keys.push_back(field.key);
    samples.put_string(field.key);
    samples.put_string(value);
  }
  samples.sequence[count_at] = static_cast<char>(keys.size());
  return std::nullopt;
}

// The code of what is wrong with value or time; empty where nothing is.
std::string_view read_sample(const Members& members, std::int64_t batch_ms, std::int64_t now_ms,
                             double& value, std::int64_t& time_ms) {
  time_ms = batch_ms;
  if (members.timestamp && !members.timestamp->is_null()) {
    const std::optional<std::int64_t> own = to_time_ms(*members.timestamp);
    if (!own) return "bad_timestamp";
    time_ms = *own;
  }
  // The batch's own time is judged by whoever knows the sender's clock, and may put it right.
  if (time_ms > std::max(now_ms, batch_ms) + kMaxFutureMs) return "too_far_future";
  if (!members.value) return "value_missing";
  if (members.value->get(value) != simdjson::SUCCESS) return "value_not_a_number";
  return {};
}

Fault read_metrics(dom::array metrics, const PushLimits& limits, std::int64_t batch_ms, std::int64_t now_ms,
                   SentSamples& samples) {
  for (const dom::element element : metrics) {
    if (samples.values.size() == limits.metrics_per_batch) {
      return PushFault{
          413, "too_many_metrics",
          "metrics: at most " + std::to_string(limits.metrics_per_batch) + " were expected in a batch"};
    }
    if (!element.is_object()) {
      if (Fault fault = check_tree(element)) return fault;
      samples.reject("not_an_object");
      samples.put_no_key();
      samples.add(0, batch_ms);
      continue;
    }
    Members members;
    if (Fault fault = split(element, members)) return fault;
    const std::size_t rejected = samples.rejected.size();
    if (Fault fault = put_key(members, limits, samples)) return fault;
    double value = 0;
    std::int64_t time_ms = 0;
    const std::string_view code = read_sample(members, batch_ms, now_ms, value, time_ms);
    if (!code.empty() && samples.rejected.size() == rejected) samples.reject(code);
    samples.add(value, samples.rejected.size() == rejected ? time_ms : batch_ms);
  }
  return std::nullopt;
}

}  // namespace

void SentSamples::clear() {
  sequence.clear();
  values.clear();
  times.clear();
  rejected.clear();
  is_one_time = true;
}

void SentSamples::add(double value, std::int64_t time_ms) {
  values.push_back(value);
  times.push_back(time_ms);
  is_one_time = is_one_time && time_ms == times.front();
}

void SentSamples::reject(std::string_view code) {
  rejected.emplace_back(static_cast<std::uint32_t>(values.size()), code);
}

void SentSamples::put_string(std::string_view text) {
  // One growth for both: this runs some five hundred times a push.
  const auto size = static_cast<std::uint16_t>(text.size());
  const std::size_t at = sequence.size();
  sequence.resize(at + sizeof size + size);
  std::memcpy(sequence.data() + at, &size, sizeof size);
  std::memcpy(sequence.data() + at + sizeof size, text.data(), size);
}

void SentSamples::put_no_key() { put_fixed(sequence, kNoKey); }

struct PushParser::Impl {
  Impl() {
    // simdjson counts the document itself as a level.
    if (parser.allocate(64U << 10U, kMaxDepth + 1) != simdjson::SUCCESS) throw std::bad_alloc();
  }
  dom::parser parser;
};

PushParser::PushParser() : impl_(std::make_unique<Impl>()) {}
PushParser::~PushParser() = default;
std::size_t PushParser::capacity() const { return impl_->parser.capacity(); }

std::optional<PushFault> PushParser::parse(std::string_view text, const PushLimits& limits,
                                           std::int64_t now_ms, Push& push, SentSamples& samples) {
  samples.clear();
  if (text.starts_with("\xEF\xBB\xBF")) {
    return PushFault{400, "bad_json", "the body begins with a byte order mark; plain UTF-8 was expected"};
  }
  dom::element root;
  if (const auto error =
          impl_->parser.parse(text.data(), text.size(), /*realloc_if_needed=*/false).get(root)) {
    return from_simdjson(error);
  }
  if (has_long_number(text)) {
    return PushFault{400, "number_too_long",
                     "a number has more than " + std::to_string(kMaxNumber) + " characters"};
  }
  if (!root.is_object()) return wrong_type("the body", "an object", root);
  const dom::object envelope(root);
  if (Fault fault = check_keys(envelope)) return fault;

  bool has_hostname = false;
  std::optional<dom::array> metrics;
  for (const dom::key_value_pair field : envelope) {
    const std::string_view member = field.key;
    const dom::element value = field.value;
    Fault fault;
    if (member == "metrics") {
      if (!value.is_array()) return wrong_type(member, "an array", value);
      metrics = dom::array(value);
    } else if (member == "hostname") {
      if (!value.is_string()) return wrong_type(member, "a string", value);
      push.hostname = std::string_view(value);
      has_hostname = true;
    } else if (member == "version") {
      fault = read_identity(member, value, push.version);
    } else if (member == "agent_id") {
      fault = read_identity(member, value, push.agent_id);
    } else if (member == "boot_id") {
      fault = read_identity(member, value, push.boot_id);
    } else if (member == "boottime_ms") {
      std::int64_t ms = 0;
      if (value.get(ms) != simdjson::SUCCESS || ms < 0)
        return wrong_type(member, "a whole number of milliseconds", value);
      push.boottime_ms = ms;
    } else if (member == "interval") {
      const std::optional<std::int64_t> ms = to_time_ms(value);
      if (!ms || *ms == 0) return wrong_type(member, "a positive number of seconds", value);
      push.interval_ms = ms;
    } else if (member == "timestamp") {
      if (value.is_null()) continue;
      const std::optional<std::int64_t> ms = to_time_ms(value);
      if (!ms) return wrong_type(member, "Unix seconds", value);
      push.time_ms = *ms;
      push.has_time = true;
    } else if (member == "tags") {
      fault = read_host_tags(value, limits, push.tags);
    } else if (member == "facts") {
      fault = read_kept(member, value, /*is_array=*/false, push.facts);
    } else if (member == "processes") {
      fault = read_kept(member, value, /*is_array=*/true, push.processes);
    } else {
      fault = check_tree(value);  // a newer agent's: allowed, and ignored
    }
    if (fault) return fault;
  }
  if (!has_hostname)
    return PushFault{422, "hostname_missing", "hostname: a string was expected, nothing came"};
  if (!is_hostname(push.hostname)) {
    return PushFault{
        422, "bad_hostname",
        "hostname: letters, digits, hyphens and dots were expected (RFC 1123), at most 253 of them"};
  }
  if (!metrics) return PushFault{422, "metrics_missing", "metrics: an array was expected, nothing came"};
  if (!push.has_time) push.time_ms = now_ms;
  return read_metrics(*metrics, limits, push.time_ms, now_ms, samples);
}

}  // namespace sysmon
