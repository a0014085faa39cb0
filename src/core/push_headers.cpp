#include "core/push_headers.hpp"

namespace sysmon {
namespace {

constexpr std::size_t kMaxDrops = 32;  // a header of 3 KB; the rest comes with the next request

std::string range_text(SeqRange range) {
  return std::to_string(range.first) + "-" + std::to_string(range.last);
}

}  // namespace

std::string& PushHeaders::next(std::string_view name) {
  if (lines_.size() == used_) lines_.emplace_back();
  return lines_[used_++].assign(name) += ": ";
}

void PushHeaders::add(std::string_view name, std::string_view value) { next(name) += value; }

void PushHeaders::add_seq(SeqRange range) {
  next("X-SysMon-Seq") += range.first == range.last ? std::to_string(range.first) : range_text(range);
}

void PushHeaders::add_now(const Clock& clock, std::string_view boot_id) {
  std::string& line = next("X-SysMon-Now");
  line += std::to_string(clock.wall_ms());
  line += ';';
  line += boot_id;
  line += ';';
  line += std::to_string(clock.boottime_ms());
}

std::size_t PushHeaders::add_drops(const Spool& spool, std::string_view stream) {
  std::size_t count = 0;
  std::string* line = nullptr;
  for (std::size_t i = 0; i < spool.drops() && count < kMaxDrops; ++i) {
    const DeclaredDrop drop = spool.drop(i);
    if (drop.stream != stream) continue;
    if (line == nullptr) {
      line = &next("X-SysMon-Dropped");
    } else {
      *line += ", ";
    }
    *line += range_text(drop.range) + ";samples=" + std::to_string(drop.samples) + ";reason=";
    *line += to_string(drop.reason);
    ++count;
  }
  return count;
}

}  // namespace sysmon
