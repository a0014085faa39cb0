#include "core/spool/recovery.hpp"

#include <algorithm>
#include <utility>

#include "core/spool/attempts.hpp"

namespace sysmon {
namespace {

// A segment has 1 MiB and the record that crossed the mark; more than this is not ours.
constexpr std::size_t kMaxSegmentRead = 4U << 20U;
constexpr std::uint64_t kFarAhead = 1'000'000;  // segments: past what may be there and was not seen

Result<std::string> read_segment(Files& files, std::uint64_t number) {
  auto file = files.open(segment_name(number), OpenMode::read);
  return file ? (*file)->read_at(0, kMaxSegmentRead) : file.error();
}

}  // namespace

Recovery::Recovery(Files& files, const Cursor& cursor)
    : files_(files), from_(cursor.position()), is_cursor_unread_(cursor.is_unread()), scan_(from_) {}

Recovered Recovery::read() {
  std::uint64_t highest = from_.segment;
  std::vector<DamagedPlace> not_given;
  if (const auto names = read_patiently([&] { return files_.list(); })) {
    sort_out(*names);
    highest = std::max(highest, last_);
  } else {  // nobody knows what is there: nothing of it is touched
    is_folder_unread_ = true;
    highest += kFarAhead;
    not_given.push_back({first_unread(), 0, 0});
  }
  std::vector<SegmentFile> kept;
  std::erase_if(unread_, [&](std::uint64_t number) {
    const auto bytes = read_patiently([&] { return read_segment(files_, number); });
    if (bytes) {
      scan_.segment(number, *bytes, number == last_);
    } else if (bytes.error().kind != Error::Kind::not_found) {  // else its agent is done with it
      not_given.push_back({number, 0, 0});
      kept.push_back({number, 0});
      return false;
    }
    return true;
  });
  Recovered found = scan_.take_found(is_whole());
  found.stale = std::exchange(stale_, {});
  found.damage.insert(found.damage.end(), not_given.begin(), not_given.end());
  found.segments.insert(found.segments.end(), kept.begin(), kept.end());
  std::ranges::sort(found.segments, {}, &SegmentFile::number);
  if (is_cursor_unread_) {  // should it be seen again, what is new must lie behind it
    found.is_last_whole = false;
    highest += kFarAhead;
  }
  // Never the cursor's own segment once that is gone: what is new must lie behind the cursor.
  found.next_number = highest + 1;
  return found;
}

Recovered Recovery::read_rest(const std::function<bool(std::uint64_t)>& is_ours) {
  if (is_folder_unread_) {
    const auto names = files_.list();
    if (!names) return {};
    is_folder_unread_ = false;
    std::vector<std::string> theirs = *names;
    std::erase_if(theirs, [&](const std::string& name) { return is_ours(segment_number(name)); });
    sort_out(theirs);
  }
  // Up to the first that fails again: a broken disk takes its time over every attempt, and live batches wait.
  bool is_given = true;
  std::erase_if(unread_, [&](std::uint64_t number) {
    if (!is_given) return false;
    const auto bytes = read_segment(files_, number);
    if (bytes) scan_.segment(number, *bytes, number == last_);
    is_given = bytes || bytes.error().kind == Error::Kind::not_found;
    return is_given;
  });
  Recovered found = scan_.take_found(is_whole());
  found.stale = std::exchange(stale_, {});
  std::ranges::sort(found.segments, {}, &SegmentFile::number);
  return found;
}

std::uint64_t Recovery::first_unread() const {
  return is_folder_unread_ ? std::max<std::uint64_t>(from_.segment, 1) : unread_.front();
}

void Recovery::sort_out(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::uint64_t number = segment_number(name);
    if (number == 0) continue;
    (number < from_.segment ? stale_ : unread_).push_back(number);
  }
  std::ranges::sort(unread_);
  if (!unread_.empty()) last_ = unread_.back();
}

}  // namespace sysmon
