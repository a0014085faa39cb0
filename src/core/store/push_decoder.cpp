#include "sysmon/push_decoder.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <tuple>
#include <utility>

#include "core/store/batch_shape.hpp"
#include "core/store/bytes.hpp"
#include "core/store/inflate.hpp"
#include "core/store/key_sequences.hpp"
#include "core/store/push_parser.hpp"
#include "core/store/secret_hash.hpp"
#include "sysmon/facts.hpp"
#include "sysmon/journal.hpp"

namespace sysmon {

namespace {

// Buffers that grew past this are not kept: one large push must not cost memory for ever.
constexpr std::size_t kMaxKept = 1U << 20U;

// What one decoding needs; made once, used by one thread at a time.
struct Scratch {
  Inflater inflater;
  PaddedBuffer text;
  PaddedBuffer envelope;
  PushParser parser;
  SentSamples samples;
  RowSamples row;
  std::string identity;
};

Row make_row(const KeySet& set, std::uint32_t boot, std::int64_t time_ms,
             std::span<const std::uint32_t> positions, std::span<const double> values) {
  const RowHead head{set.id, boot, static_cast<std::uint32_t>(set.keys.size())};
  return {time_ms, set.id, static_cast<std::uint32_t>(values.size()), pack_row(head, positions, values)};
}

// Rows where samples have several times, come in another order than the set's, or were partly rejected.
// Appends a duplicate of a series at one time to `rejected`.
void sort_into_rows(const SentSamples& samples, const KeyMapping& mapping, std::uint32_t boot,
                    std::vector<SampleError>& rejected, RowSamples& row, Push& push) {
  struct Placed {
    std::int64_t time_ms;
    std::uint32_t position;
    std::uint32_t index;
  };
  std::vector<Placed> placed;
  placed.reserve(samples.values.size());
  for (std::uint32_t index = 0; index < samples.values.size(); ++index) {
    placed.push_back({samples.times[index], mapping.positions[index], index});
  }
  for (const auto& [index, code] : rejected) placed[index].position = KeyMapping::kNowhere;
  std::erase_if(placed, [](const Placed& sample) { return sample.position == KeyMapping::kNowhere; });
  std::ranges::sort(placed, {}, [](const Placed& sample) {
    return std::tuple(sample.time_ms, sample.position, sample.index);
  });
  for (std::size_t i = 0; i < placed.size();) {
    const std::int64_t time_ms = placed[i].time_ms;
    row.positions.clear();
    row.values.clear();
    for (; i < placed.size() && placed[i].time_ms == time_ms; ++i) {
      if (!row.positions.empty() && row.positions.back() == placed[i].position) {
        rejected.emplace_back(placed[i].index, "duplicate_sample");  // the first one won
        continue;
      }
      row.positions.push_back(placed[i].position);
      row.values.push_back(samples.values[placed[i].index]);
    }
    push.rows.push_back(make_row(*mapping.set, boot, time_ms, row.positions, row.values));
  }
}

// The samples of a batch -> rows and counts. The envelope of `push` is filled already.
void make_rows(const SentSamples& samples, const KeyMapping& mapping, RowSamples& row, Push& push) {
  if (samples.values.empty()) return;
  const std::uint32_t boot = hash_of_boot(push.boot_id.value_or(""));
  if (samples.is_one_time && samples.rejected.empty() && mapping.is_ascending) {  // nearly always
    push.rows.push_back(
        make_row(*mapping.set, boot, samples.times.front(), mapping.positions, samples.values));
    push.accepted = samples.values.size();
    return;
  }
  std::vector<SampleError> rejected = samples.rejected;
  rejected.insert(rejected.end(), mapping.rejected.begin(), mapping.rejected.end());
  sort_into_rows(samples, mapping, boot, rejected, row, push);
  // A sample may be wrong in its key and in its value: it counts once, with what was found first.
  std::ranges::stable_sort(rejected, {}, &SampleError::first);
  const auto same_index = [](const SampleError& a, const SampleError& b) { return a.first == b.first; };
  rejected.erase(std::unique(rejected.begin(), rejected.end(), same_index), rejected.end());
  push.rejected = rejected.size();
  push.accepted = samples.values.size() - rejected.size();
  rejected.resize(std::min(rejected.size(), Push::kMaxErrors));
  push.errors = std::move(rejected);
}

// A part of what is hashed to Push::identity. None of these texts holds a NUL.
void put_part(std::string& out, const std::optional<std::string>& text) {
  out.push_back(text ? '\1' : '\2');
  out.append(text.value_or(""));
  out.push_back('\0');
}

// The running kernel's; empty where it does not say.
const std::string& this_boot_id() {
  static const std::string boot_id = [] {
    Result<std::string> read = read_boot_id(ProcRoot());
    return read ? std::move(read.value()) : std::string();
  }();
  return boot_id;
}

}  // namespace

struct PushDecoder::Impl {
  Impl(std::shared_ptr<KeySets> sets, PushLimits given)
      : key_sets(std::move(sets)), limits(given), sequences(key_sets, given) {}

  std::unique_ptr<Scratch> take_scratch() {
    const std::lock_guard lock(mutex);
    if (spare.empty()) return std::make_unique<Scratch>();
    std::unique_ptr<Scratch> scratch = std::move(spare.back());
    spare.pop_back();
    return scratch;
  }
  void give_back(std::unique_ptr<Scratch> scratch) {
    if (scratch->text.capacity() > kMaxKept || scratch->envelope.capacity() > kMaxKept ||
        scratch->parser.capacity() > kMaxKept)
      return;
    const std::lock_guard lock(mutex);
    spare.push_back(std::move(scratch));
  }

  void identify(Push& push, Scratch& scratch) const {
    std::string& text = scratch.identity;
    text.clear();
    put_part(text, push.hostname);
    for (const auto* part : {&push.agent_id, &push.boot_id, &push.version}) put_part(text, *part);
    put_fixed(text, push.interval_ms.value_or(0));
    text.push_back(push.tags ? '\1' : '\2');
    for (const Tag& tag : push.tags.value_or(Tags())) {
      put_part(text, tag.key);
      put_part(text, tag.value);
    }
    const Hash128 hash = identity_hash(text);
    static_assert(sizeof hash == sizeof push.identity);
    std::memcpy(push.identity.data(), &hash, sizeof hash);
  }

  std::optional<PushFault> decode_batch(std::string_view text, std::int64_t now_ms, std::size_t& samples_left,
                                        Scratch& scratch, std::vector<Push>& batches) {
    // The parser needs some twelve bytes for each of the text's: large ones go one by one.
    std::unique_lock one_large(large, std::defer_lock);
    if (text.size() > kMaxKept) one_large.lock();
    Push& push = batches.emplace_back();
    const BatchParts parts = BatchParts::of(text);
    const bool is_cut = has_envelope(parts, now_ms, push, scratch);
    std::shared_ptr<const KeyMapping> mapping = is_cut ? read_usual(parts, now_ms, push, scratch) : nullptr;
    Hash128 sequence;
    if (mapping == nullptr) {
      push = {};
      if (auto fault = scratch.parser.parse(text, limits, now_ms, push, scratch.samples)) return fault;
      sequence = sequences.hash(scratch.samples.sequence);
    }
    if (scratch.samples.values.size() > samples_left) {
      return PushFault{413, "too_many_samples",
                       "at most " + std::to_string(limits.samples) + " samples were expected in a request"};
    }
    samples_left -= scratch.samples.values.size();
    identify(push, scratch);
    if (scratch.samples.values.empty()) return std::nullopt;
    if (mapping == nullptr) {
      mapping = sequences.map(push.hostname, sequence, scratch.samples.sequence);
      if (is_cut && scratch.samples.is_one_time && scratch.samples.rejected.empty())
        shapes.note(push.hostname, parts, scratch.samples.values, sequence);
    }
    make_rows(scratch.samples, *mapping, scratch.row, push);
    return std::nullopt;
  }

  // Reads the envelope alone, as a batch without metrics. True: the batch was cut where its metrics are.
  bool has_envelope(const BatchParts& parts, std::int64_t now_ms, Push& push, Scratch& scratch) const {
    constexpr std::string_view kEnd = "]}";
    if (parts.metrics.empty()) return false;
    const std::size_t size = parts.envelope.size() + kEnd.size();
    char* text = scratch.envelope.reserve(size);
    parts.envelope.copy(text, parts.envelope.size());
    kEnd.copy(text + parts.envelope.size(), kEnd.size());
    return !scratch.parser.parse({text, size}, limits, now_ms, push, scratch.samples);
  }

  // Reads the values of a batch whose host sent the same text before, but for the numbers; nullptr where it did
  // not, and where the samples are not as good as that one's were.
  std::shared_ptr<const KeyMapping> read_usual(const BatchParts& parts, std::int64_t now_ms, const Push& push,
                                               Scratch& scratch) {
    if (push.time_ms > now_ms + kMaxFutureMs) return nullptr;
    const auto shape = shapes.find(push.hostname);
    SentSamples& samples = scratch.samples;
    if (shape == nullptr || !shape->read(parts.metrics, samples.values)) return nullptr;
    samples.times.assign(samples.values.size(), push.time_ms);
    return sequences.find(push.hostname, shape->sequence());
  }

  std::optional<PushFault> decode_gzip(std::string_view body, std::int64_t now_ms, Scratch& scratch,
                                       std::vector<Push>& batches) {
    std::size_t bytes_left = limits.inflated_bytes;
    std::size_t samples_left = limits.samples;
    do {
      if (batches.size() == limits.batches) {
        return PushFault{413, "too_many_batches",
                         "at most " + std::to_string(limits.batches) + " batches were expected in a request"};
      }
      std::string_view text;
      std::uint32_t digest = 0;
      if (auto fault = scratch.inflater.next(body, bytes_left, limits.ratio, scratch.text, text, digest))
        return fault;
      if (auto fault = decode_batch(text, now_ms, samples_left, scratch, batches)) return fault;
      batches.back().digest = digest;
    } while (!body.empty());
    return std::nullopt;
  }

  std::optional<PushFault> decode_plain(std::string_view body, std::int64_t now_ms, Scratch& scratch,
                                        std::vector<Push>& batches) {
    if (body.size() > limits.inflated_bytes) {
      return PushFault{413, "inflated_too_large",
                       "the body is larger than " + std::to_string(limits.inflated_bytes) + " bytes"};
    }
    char* text = scratch.text.reserve(body.size());
    std::memcpy(text, body.data(), body.size());
    std::size_t samples_left = limits.samples;
    if (auto fault = decode_batch({text, body.size()}, now_ms, samples_left, scratch, batches)) return fault;
    batches.back().digest = libdeflate_crc32(0, body.data(), body.size());
    return std::nullopt;
  }

  std::shared_ptr<KeySets> key_sets;
  const PushLimits limits;
  KeySequences sequences;
  BatchShapes shapes;
  SecretHash identity_hash;
  std::mutex large;
  std::mutex mutex;  // guards spare
  std::vector<std::unique_ptr<Scratch>> spare;
};

PushDecoder::PushDecoder(std::shared_ptr<KeySets> key_sets, PushLimits limits)
    : impl_(std::make_unique<Impl>(std::move(key_sets), limits)) {}
PushDecoder::~PushDecoder() = default;

DecodedPushes PushDecoder::decode(std::string_view body, bool gzip, std::int64_t now_ms) {
  if (body.empty()) return {{}, PushFault{400, "empty_body", "a JSON object was expected, nothing came"}};
  std::unique_ptr<Scratch> scratch = impl_->take_scratch();
  DecodedPushes out;
  out.fault = gzip ? impl_->decode_gzip(body, now_ms, *scratch, out.batches)
                   : impl_->decode_plain(body, now_ms, *scratch, out.batches);
  if (out.fault) out.batches.clear();
  impl_->give_back(std::move(scratch));
  return out;
}

Push PushDecoder::pack(const SampleBatch& batch, std::string_view hostname, std::int64_t interval_ms) {
  Push push;
  push.hostname = hostname;
  push.version = SYSMON_VERSION;
  push.interval_ms = interval_ms;
  push.boottime_ms = batch.boottime_ms;
  push.time_ms = batch.wall_ms;
  push.has_time = true;
  if (!this_boot_id().empty()) push.boot_id = this_boot_id();

  std::unique_ptr<Scratch> scratch = impl_->take_scratch();
  impl_->identify(push, *scratch);
  SentSamples& samples = scratch->samples;
  samples.clear();
  for (const Sample& sample : batch.samples) {
    const Series& series = (*batch.series)[sample.series];
    samples.put_string(series.metric->name);
    samples.put_tag_count(series.tags.size());
    for (const Tag& tag : series.tags) {
      samples.put_string(tag.key);
      samples.put_string(tag.value);
    }
    samples.add(sample.value, batch.wall_ms);
  }
  if (!samples.values.empty()) {
    const Hash128 hash = impl_->sequences.hash(samples.sequence);
    make_rows(samples, *impl_->sequences.map(push.hostname, hash, samples.sequence), scratch->row, push);
  }
  impl_->give_back(std::move(scratch));
  return push;
}

void PushDecoder::remember(std::string_view hostname, KeySetId key_set) {
  if (KeySetPtr set = impl_->key_sets->find(key_set)) impl_->sequences.remember(std::string(hostname), set);
}

}  // namespace sysmon
