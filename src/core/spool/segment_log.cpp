#include "core/spool/segment_log.hpp"

#include <algorithm>
#include <charconv>

namespace sysmon {
namespace {

constexpr std::string_view kPrefix = "segment-";
constexpr std::size_t kDigits = 12;

}  // namespace

std::string segment_name(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string name(kPrefix);
  if (digits.size() < kDigits) name.append(kDigits - digits.size(), '0');
  return name + digits;
}

std::uint64_t segment_number(std::string_view name) {
  if (!name.starts_with(kPrefix)) return 0;
  std::uint64_t number = 0;
  const std::string_view digits = name.substr(kPrefix.size());
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  // Only the one spelling of a number: two files must not be the same segment.
  if (parsed.ec != std::errc{} || number > kMaxSegment || segment_name(number) != name) return 0;
  return number;
}

void SegmentLog::adopt(std::vector<SegmentFile> segments, std::uint64_t next_number, bool is_last_whole) {
  segments_.assign(segments.begin(), segments.end());
  next_number_ = next_number;
  may_append_ = is_last_whole && !segments_.empty();
  are_names_unsynced_ = !segments_.empty();  // whoever made them may have been killed before that
  bytes_ = 0;
  for (const SegmentFile& segment : segments_) {
    bytes_ += segment.bytes;
    found_.push_back(segment.number);
  }
}

void SegmentLog::adopt_late(const std::vector<SegmentFile>& found) {
  close_last();
  for (const SegmentFile& segment : found) {
    const auto at = std::ranges::lower_bound(segments_, segment.number, {}, &SegmentFile::number);
    if (at != segments_.end() && at->number == segment.number) {
      at->bytes = segment.bytes;
    } else {
      segments_.insert(at, segment);
    }
    bytes_ += segment.bytes;
    found_.push_back(segment.number);
    next_number_ = std::max(next_number_, segment.number + 1);
  }
  are_names_unsynced_ = true;
}

bool SegmentLog::is_ours(std::uint64_t number) const { return std::ranges::count(made_, number) > 0; }

Result<void> SegmentLog::open_last(std::uint64_t segment_bytes) {
  if (may_append_ && segments_.back().bytes >= segment_bytes) close_last();
  if (last_) return {};
  const bool is_new = !may_append_;
  if (is_new) {
    if (auto free = skip_taken_names(); !free) return free;
  }
  const std::uint64_t number = is_new ? next_number_ : segments_.back().number;
  auto opened = files_.open(segment_name(number), OpenMode::write);
  if (!opened) return opened.error();
  last_ = std::move(*opened);
  may_append_ = true;
  if (is_new) {
    ++next_number_;
    segments_.push_back({number, 0});
    made_.push_back(number);
    are_names_unsynced_ = true;
  }
  return {};
}

Result<void> SegmentLog::skip_taken_names() {
  for (;; ++next_number_) {
    const auto there = files_.open(segment_name(next_number_), OpenMode::read);
    if (there) continue;
    if (there.error().kind == Error::Kind::not_found) return {};
    return there.error();
  }
}

Result<RecordPlace> SegmentLog::append(std::string_view record, std::uint64_t segment_bytes) {
  if (auto opened = open_last(segment_bytes); !opened) return opened.error();
  SegmentFile& segment = segments_.back();
  if (auto written = last_->write_at(segment.bytes, record); !written) {
    (void)last_->truncate(segment.bytes);  // a part of it may be there; recovery skips that, too
    close_last();
    forget_empty_last();
    return written.error();
  }
  const RecordPlace place{segment.number, static_cast<std::uint32_t>(segment.bytes),
                          static_cast<std::uint32_t>(record.size())};
  segment.bytes += record.size();
  bytes_ += record.size();
  is_last_unsynced_ = true;
  return place;
}

void SegmentLog::close_last() {
  if (is_last_unsynced_ && last_) unsynced_.push_back(std::move(last_));
  last_.reset();
  is_last_unsynced_ = false;
  may_append_ = false;
}

void SegmentLog::forget_empty_last() {
  if (segments_.empty() || segments_.back().bytes != 0) return;
  // A full disk is tried again and again: not with a new file left behind each time.
  if (!files_.remove(segment_name(segments_.back().number))) return;
  std::erase(made_, segments_.back().number);
  segments_.pop_back();
}

Result<std::string> SegmentLog::read(const RecordPlace& place) {
  if (read_number_ != place.segment || !read_) {
    read_.reset();
    auto opened = files_.open(segment_name(place.segment), OpenMode::read);
    if (!opened) return opened.error();
    read_ = std::move(*opened);
    read_number_ = place.segment;
  }
  return read_->read_at(place.offset, place.bytes);
}

std::vector<std::uint64_t> SegmentLog::sync_found() {
  std::vector<std::uint64_t> refused;
  std::erase_if(found_, [&](std::uint64_t number) {
    auto file = files_.open(segment_name(number), OpenMode::write);
    if (file && !(*file)->sync()) refused.push_back(number);
    return file.ok();
  });
  if (!refused.empty()) close_last();  // it may be one of them
  return refused;
}

Result<void> SegmentLog::sync() {
  Result<void> outcome;
  for (const auto& file : unsynced_) {
    if (auto synced = file->sync(); !synced) outcome = synced.error();
  }
  unsynced_.clear();
  if (is_last_unsynced_) {
    is_last_unsynced_ = false;
    if (auto synced = last_->sync(); !synced) {
      outcome = synced.error();
      close_last();
    }
  }
  if (outcome && are_names_unsynced_) {
    outcome = files_.sync();
    if (outcome) are_names_unsynced_ = false;
  }
  if (!outcome) close_last();
  return outcome;
}

void SegmentLog::remove_before(std::uint64_t number) {
  while (!segments_.empty() && segments_.front().number < number && (segments_.size() > 1 || !may_append_)) {
    remove(segments_.front());
    segments_.pop_front();
  }
}

void SegmentLog::remove_one(std::uint64_t number) {
  const auto found = std::ranges::find(segments_, number, &SegmentFile::number);
  if (found == segments_.end()) return;
  remove(*found);
  segments_.erase(found);
}

void SegmentLog::abandon_from(std::uint64_t number) {
  while (!segments_.empty() && segments_.back().number >= number) {
    close_last();
    abandoned_.push_back(segments_.back().number);
    bytes_ -= segments_.back().bytes;
    segments_.pop_back();
  }
}

void SegmentLog::remove_abandoned() {
  for (const std::uint64_t number : abandoned_) remove_file(number);
  abandoned_.clear();
}

void SegmentLog::remove(const SegmentFile& segment) {
  remove_file(segment.number);
  bytes_ -= segment.bytes;
}

void SegmentLog::remove_file(std::uint64_t number) {
  if (read_number_ == number) read_.reset();
  std::erase(found_, number);
  // One that cannot be removed now is at the next start: the cursor is past it.
  if (files_.remove(segment_name(number))) std::erase(made_, number);
}

RecordPlace SegmentLog::end() const {
  if (!may_append_) return {next_number_, 0, 0};
  return {segments_.back().number, static_cast<std::uint32_t>(segments_.back().bytes), 0};
}

}  // namespace sysmon
