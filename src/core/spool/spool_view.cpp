#include "sysmon/spool_view.hpp"

#include <algorithm>
#include <map>

#include "core/agent_identity.hpp"
#include "core/spool/cursor.hpp"
#include "core/spool/quarantine.hpp"
#include "core/spool/recovery.hpp"

namespace sysmon {
namespace {

SpoolView::Batch batch_of(const SpoolView::Place& at, const Record& record) {
  SpoolView::Batch batch;
  batch.at = at;
  batch.stream = to_text(record.stream);
  batch.seq = record.seq;
  batch.sealed_ms = record.ts_first;
  batch.samples = record.samples;
  batch.bytes = at.bytes - kRecordHeaderBytes - (record.is_resealed() ? kNumberBytes : 0);
  batch.is_gzip = record.is_gzip();
  return batch;
}

SpoolView::Place place_of(const RecordPlace& place) {
  return {segment_name(place.segment), place.offset, place.bytes};
}

// An agent at work moves the cursor and then deletes what lies before it: only what was found between two equal
// readings of the cursor belongs together.
Recovered recover_steadily(Files& files, Cursor& cursor) {
  constexpr int kAttempts = 8;
  for (int attempt = 1;; ++attempt) {
    cursor.recover(files);
    Recovered found = Recovery(files, cursor).read();
    const CursorPosition before = cursor.position();
    cursor.recover(files);
    if (before == cursor.position() || attempt == kAttempts) return found;
  }
}

void add_found(SpoolView& view, const Recovered& found) {
  std::map<std::uint64_t, SpoolView::Segment> segments;
  for (const std::uint64_t number : found.stale) segments[number] = {segment_name(number), 0, 0, 0};
  for (const SegmentFile& file : found.segments)
    segments[file.number] = {segment_name(file.number), file.bytes, 0, 0};
  for (const FoundBatch& batch : found.batches) {
    ++segments[batch.place.segment].batches;
    view.waiting.push_back(batch_of(place_of(batch.place), batch.record));
  }
  for (const FoundDrop& drop : found.drops) {
    const bool is_recorded = drop.place.segment != 0;
    if (is_recorded) ++segments[drop.place.segment].drops;
    view.dropped.push_back(
        {to_text(drop.drop.stream), drop.drop.range, drop.drop.samples, drop.drop.reason, is_recorded});
  }
  for (auto& [number, segment] : segments) view.segments.push_back(std::move(segment));
  for (const DamagedPlace& place : found.damage)
    view.damage.push_back({segment_name(place.segment), place.offset, place.bytes});
  if (found.torn_bytes > 0) {
    const SegmentFile& last = found.segments.back();
    view.unfinished = {segment_name(last.number), last.bytes, found.torn_bytes};
  }
}

void add_quarantined(SpoolView& view, Files& files) {
  const auto file = files.open(kQuarantineFile, OpenMode::read);
  const auto bytes = file ? (*file)->read_at(0, kMaxQuarantineBytes) : Result<std::string>(file.error());
  if (!bytes) {
    if (bytes.error().kind != Error::Kind::not_found) view.damage.push_back({kQuarantineFile, 0, 0});
    return;
  }
  for_each_record(
      *bytes, 0,
      [&](std::size_t offset, const Record& record) {
        view.quarantined.push_back(batch_of({kQuarantineFile, offset, record.bytes()}, record));
      },
      [&](std::size_t offset, std::size_t size) { view.damage.push_back({kQuarantineFile, offset, size}); });
}

bool is_ours(const std::string& name) {
  return name == kCursorFile || name == kQuarantineFile || name == kAgentIdFile || segment_number(name) != 0;
}

}  // namespace

SpoolView view_spool(Files& files) {
  SpoolView view;
  if (const auto id = read_agent_id(files)) view.agent_id = *id;
  Cursor cursor;
  add_found(view, recover_steadily(files, cursor));
  if (cursor.is_known()) {
    const CursorPosition& at = cursor.position();
    SpoolView::Cursor shown;
    shown.at = {segment_name(at.segment), at.offset, 0};
    if (at.seq > 0) shown.stream = to_text(at.stream);
    shown.seq = at.seq;
    view.cursor = std::move(shown);
  } else if (const auto garbage = files.read(kCursorFile); garbage && !garbage->empty()) {
    view.damage.push_back({kCursorFile, 0, 0});
  }
  add_quarantined(view, files);
  return view;
}

Result<SpoolView> look_at_spool(const std::string& folder) {
  const auto directory = StateDirectory::open_to_look(folder);
  if (!directory) return directory.error();
  const auto names = (*directory)->list();
  if (!names) return names.error();
  if (!names->empty() && std::none_of(names->begin(), names->end(), is_ours)) {
    return Error{Error::Kind::not_found, folder, "is no spool: it holds other files", 0};
  }
  SpoolView view = view_spool(**directory);
  view.folder = folder;
  return view;
}

std::vector<SpoolRange> ranges_of(const SpoolView& view) {
  std::vector<SpoolRange> ranges;
  const auto add = [&](const SpoolView::Batch& batch, std::string_view fate) {
    SpoolRange* const before = ranges.empty() ? nullptr : &ranges.back();
    if (before == nullptr || before->fate != fate || before->stream != batch.stream ||
        before->seqs.last + 1 != batch.seq) {
      ranges.push_back({fate, batch.stream, {batch.seq, batch.seq}, 0, 0, 0, batch.sealed_ms, 0, ""});
    }
    SpoolRange& range = ranges.back();
    range.seqs.last = batch.seq;
    ++range.batches;
    range.samples += batch.samples;
    range.bytes += batch.bytes;
    range.until_ms = batch.sealed_ms;
  };
  for (const SpoolView::Batch& batch : view.waiting) add(batch, "waiting");
  for (const SpoolView::Drop& drop : view.dropped) {
    const std::uint64_t batches = drop.range.last - drop.range.first + 1;
    ranges.push_back(
        {"dropped", drop.stream, drop.range, batches, drop.samples, 0, 0, 0, to_string(drop.reason)});
  }
  for (const SpoolView::Batch& batch : view.quarantined) add(batch, "quarantined");
  return ranges;
}

}  // namespace sysmon
