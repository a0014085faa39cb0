#include "sysmon/parse/mdstat.hpp"

#include "sysmon/parse/fields.hpp"
#include "sysmon/percent.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {
namespace {

struct Pair {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

// "3/2" -> {3, 2}
std::optional<Pair> to_pair(std::string_view text) {
  const auto first = to_number<std::uint64_t>(take_until(text, '/'));
  const auto second = to_number<std::uint64_t>(text);
  if (!first || !second) return std::nullopt;
  return Pair{*first, *second};
}

// "sdc1[2](F)", "sdb1[1](W)(S)"
void parse_member(std::string_view word, MdArray& array) {
  if (word.find('[') == std::string_view::npos) return;  // the level, or "(read-only)"
  ++array.members;
  if (word.find("(F)") != std::string_view::npos) ++array.failed;
  if (word.find("(S)") != std::string_view::npos) ++array.spare;
}

bool parse_head(std::string_view line, MdArray& array) {
  array.name = tag_text(take_word(line));
  take_word(line);  // ":"
  const std::string_view state = take_word(line);
  array.is_active = state == "active";
  if (!array.is_active && state != "inactive") return false;
  while (!line.empty()) parse_member(take_word(line), array);
  return true;
}

// The indented lines below an array's first.
void parse_detail(std::string_view line, MdArray& array) {
  if (line.find("super external:") != std::string_view::npos &&
      line.find("super external:/") == std::string_view::npos) {
    array.is_container = true;  // its arrays say "external:/md127/0"
  }
  const bool has_progress = line.find(" = ") != std::string_view::npos;
  while (!line.empty()) {
    const std::string_view word = take_word(line);
    if (word.size() < 2) continue;
    const auto pair = to_pair(word.substr(1, word.size() - 2));
    if (!pair) continue;
    if (word.front() == '[' && word.back() == ']' && !has_progress) {
      // More slots than a disk number has room for is nonsense.
      if (pair->first > UINT16_MAX || pair->second > UINT16_MAX) continue;
      array.slots = static_cast<std::uint32_t>(pair->first);
      array.in_sync = static_cast<std::uint32_t>(pair->second);
    } else if (word.front() == '(' && word.back() == ')' && has_progress && pair->second > 0) {
      array.sync_percent = percent_of(static_cast<double>(pair->first), static_cast<double>(pair->second));
    }
  }
}

}  // namespace

Result<void> parse_mdstat(std::string_view text, std::vector<MdArray>& out) {
  MdArray* array = nullptr;  // whose detail lines follow
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty() || line.front() == ' ' || line.front() == '\t') {
      if (array != nullptr) parse_detail(line, *array);
      continue;
    }
    array = nullptr;
    if (line.starts_with("Personalities") || line.starts_with("unused devices") ||
        line.starts_with("read_ahead")) {
      continue;
    }
    MdArray next;
    if (!parse_head(line, next)) return Error::malformed("mdstat", tag_text(line));
    out.push_back(std::move(next));
    array = &out.back();
  }
  return {};
}

}  // namespace sysmon
