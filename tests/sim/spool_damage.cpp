#include "spool_damage.hpp"

#include <algorithm>
#include <map>
#include <string>

#include "core/spool/cursor.hpp"
#include "core/spool/segment_log.hpp"

namespace sysmon::sim {
namespace {

using test::CrashFiles;
using test::Splitmix;

// The whole records of all segments, by their bytes, and what they speak of.
std::map<std::string, std::pair<Id128, SeqRange>> records_of(CrashFiles& disk) {
  std::map<std::string, std::pair<Id128, SeqRange>> records;
  for (const std::string& name : disk.segments()) {
    const std::string_view bytes = disk.content(name);
    for (std::size_t at = 0; at < bytes.size();) {
      const auto record = parse_record(bytes.substr(at));
      if (!record) {
        at = std::min(find_magic(bytes, at + 1), bytes.size());
        continue;
      }
      const std::size_t size = record->bytes();
      SeqRange range{record->seq, record->seq};
      if (const auto drop = decode_drop(*record)) range = drop->range;
      records[std::string(bytes.substr(at, size))] = {record->stream, range};
      at += size;
    }
  }
  return records;
}

// A record that a later version wrote: whole, and nothing this one can read.
void make_foreign(std::string& bytes, Splitmix& random) {
  const std::size_t at = find_magic(bytes, static_cast<std::size_t>(random.below(bytes.size())));
  if (at != std::string::npos && at + kRecordHeaderBytes < bytes.size()) bytes[at + 12] = 2;
}

void damage_segment(std::string& bytes, Splitmix& random) {
  if (bytes.empty()) return;
  const auto at = static_cast<std::size_t>(random.below(bytes.size()));
  const auto length = std::min(bytes.size() - at, 1 + static_cast<std::size_t>(random.below(900)));
  switch (random.below(6)) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
      break;
    case 1:
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), length, '\0');
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3:
      bytes.erase(at, length);
      break;
    case 4:
      bytes.insert(at, bytes.substr(static_cast<std::size_t>(random.below(bytes.size())), length));
      break;
    default:
      make_foreign(bytes, random);
      break;
  }
}

void damage_cursor(CrashFiles& disk, Splitmix& random) {
  if (!disk.has(kCursorFile)) return;
  std::string& bytes = disk.content(kCursorFile);
  switch (random.below(4)) {
    case 0:
      (void)disk.remove(kCursorFile);
      break;
    case 1:
      std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random.next()); });
      break;
    case 2:
      bytes.resize(static_cast<std::size_t>(random.below(bytes.size() + 1)));
      break;
    default:
      if (!bytes.empty()) bytes[static_cast<std::size_t>(random.below(bytes.size()))] ^= 1;
      break;
  }
}

}  // namespace

std::vector<std::string> describe_spool(CrashFiles& disk) {
  std::vector<std::string> lines;
  if (disk.has(kCursorFile)) {
    const auto slot = parse_cursor(disk.content(kCursorFile));
    std::string line = "  cursor ";
    if (slot) {
      line += std::to_string(slot->position.segment) + " at " + std::to_string(slot->position.offset) +
              ", expects " + to_text(slot->position.stream).substr(0, 8) + ":" +
              std::to_string(slot->position.seq);
    } else {
      line += "is none";
    }
    lines.push_back(line);
  }
  for (const std::string& name : disk.segments()) {
    const std::string_view bytes = disk.content(name);
    std::string line = "  " + name + ", " + std::to_string(bytes.size()) + " bytes:";
    for (std::size_t at = 0; at < bytes.size();) {
      const auto record = parse_record(bytes.substr(at));
      if (!record) {
        line += " ?";
        at = std::min(find_magic(bytes, at + 1), bytes.size());
        continue;
      }
      line += ' ' + to_text(record->stream).substr(0, 8) + ":" + std::to_string(record->seq);
      if (const auto drop = decode_drop(*record)) line += "-" + std::to_string(drop->range.last) + " gone";
      at += record->bytes();
    }
    lines.push_back(line);
  }
  return lines;
}

Touched damage_spool(CrashFiles& disk, Splitmix& random) {
  const auto before = records_of(disk);
  const auto names = disk.segments();
  const auto any = [&] { return names[static_cast<std::size_t>(random.below(names.size()))]; };
  switch (names.empty() ? 0 : random.below(8)) {
    case 0:
      damage_cursor(disk, random);
      break;
    case 1:
      (void)disk.remove(any());
      break;
    case 2: {  // twice there
      const std::string copy = disk.content(any());
      disk.put(segment_name(segment_number(names.back()) + 1 + random.below(3)), copy);
      break;
    }
    case 3:
      disk.put(segment_name(segment_number(names.back()) + 1 + random.below(3)), "none of ours");
      break;
    default:
      damage_segment(disk.content(any()), random);
      break;
  }
  const auto after = records_of(disk);
  Touched touched;
  for (const auto& [bytes, meant] : before) {
    if (!after.contains(bytes)) touched.push_back(meant);
  }
  return touched;
}

}  // namespace sysmon::sim
