#include "ledger.hpp"

#include <algorithm>

#include "core/spool/segment_log.hpp"
#include "violation.hpp"

namespace sysmon::sim {
namespace {

constexpr std::uint64_t kMostSeqs = 10'000'000;

std::string name_of(const Id128& stream, std::uint64_t seq) {
  return to_text(stream).substr(0, 8) + ":" + std::to_string(seq);
}

}  // namespace

Ledger::Entry& Ledger::at(const Id128& stream, std::uint64_t seq) {
  if (seq == 0 || seq > kMostSeqs) throw Violation(Kind::error, "absurd number " + name_of(stream, seq));
  Stream& seqs = streams_[stream];
  if (seqs.size() <= seq) seqs.resize(static_cast<std::size_t>(seq) + 1);
  return seqs[static_cast<std::size_t>(seq)];
}

const Ledger::Entry* Ledger::find(const Id128& stream, std::uint64_t seq) const {
  const auto found = streams_.find(stream);
  if (found == streams_.end() || seq >= found->second.size()) return nullptr;
  const Entry& entry = found->second[static_cast<std::size_t>(seq)];
  return entry.digest == 0 ? nullptr : &entry;
}

void Ledger::wrote(std::string_view file, std::string_view bytes, std::int64_t now) {
  if (!file.starts_with("segment-")) return;
  while (!bytes.empty()) {
    const auto record = parse_record(bytes);
    if (!record) throw Violation(Kind::corrupt, "a write that is no record");
    wrote_record(segment_number(file), *record, now);
    bytes.remove_prefix(record->bytes());
  }
}

std::uint64_t Ledger::resealed(std::uint64_t digest) const {
  const auto found = resealed_digests_.find(digest);
  return found == resealed_digests_.end() ? 0 : found->second;
}

void Ledger::wrote_record(std::uint64_t segment, const Record& record, std::int64_t now) {
  if (!record.is_batch()) return;
  if (record.is_resealed()) {
    at(record.before.stream, record.before.seq).is_resealed = true;
    ++resealed_;
    ++resealed_digests_[digest_of(record.payload)];
  }
  Entry& entry = at(record.stream, record.seq);
  entry.written_at = now;
  entry.is_unsafe = false;
  recent_.push_back({record.stream, record.seq, segment});
  const std::uint64_t digest = digest_of(record.payload);
  if (entry.digest == 0) {
    entry.digest = digest;
    ++sealed_;
  } else if (entry.digest != digest) {
    throw Violation(Kind::corrupt, "the bytes of " + name_of(record.stream, record.seq) + " have changed");
  }
}

void Ledger::synced(std::string_view file, bool is_good, std::int64_t now) {
  if (!is_good) {  // all that was not known to be safe has to be written again
    failed_at_ = now;
    for (const Write& write : recent_) at(write.stream, write.seq).is_unsafe = true;
    for (const Write& write : unnamed_) at(write.stream, write.seq).is_unsafe = true;
    recent_.clear();
    unnamed_.clear();
  } else if (file == ".") {
    unnamed_.clear();
  } else {
    const std::uint64_t segment = segment_number(file);
    const auto first = std::stable_partition(recent_.begin(), recent_.end(),
                                             [&](const Write& write) { return write.segment != segment; });
    unnamed_.insert(unnamed_.end(), first, recent_.end());
    recent_.erase(first, recent_.end());
  }
}

void Ledger::lost_power(std::int64_t now, std::int64_t window) {
  for (auto& [name, stream] : streams_) {
    for (Entry& entry : stream) entry.is_excused = entry.is_excused || entry.is_unsafe;
  }
  // A disk that would not sync is asked again after a second.
  constexpr std::int64_t kRetry = 1'100'000'000;
  const bool is_failing = failed_at_ > 0 && now - failed_at_ <= kRetry;
  recent_.insert(recent_.end(), unnamed_.begin(), unnamed_.end());
  for (const Write& write : recent_) {
    Entry& entry = at(write.stream, write.seq);
    entry.is_excused = entry.is_excused || is_failing || entry.written_at >= now - window;
  }
  recent_.clear();
  unnamed_.clear();
}

void Ledger::written_back() {
  recent_.clear();
  unnamed_.clear();
}

void Ledger::damaged(const Id128& stream, std::uint64_t seq) {
  Entry& entry = at(stream, seq);
  entry.is_excused = entry.is_damaged = true;
}

}  // namespace sysmon::sim
