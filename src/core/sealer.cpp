#include "core/sealer.hpp"

#include <algorithm>

namespace sysmon {
namespace {

constexpr std::int64_t kFactsEvery = 3600LL * 1'000'000'000;
constexpr std::size_t kBatchSamples = 2'000;  // the aggregator's limit of metrics in a batch

}  // namespace

void Sealer::configure(const PublisherOptions& options, const std::string& agent_id) {
  encoder_.set_envelope(
      {options.hostname, options.host_tags, options.push_interval, agent_id, options.boot_id});
  compression_ = options.compression;
  read_facts_ = options.facts;
}

std::size_t Sealer::seal(const SampleBatch& batch, std::int64_t now_ns) {
  const std::span<const Sample> all = batch.samples;
  std::size_t batches = 0;
  std::size_t from = 0;
  do {
    const auto part = all.subspan(from, std::min(kBatchSamples, all.size() - from));
    const std::string_view text = encoder_.json(batch, part, facts_to_send(now_ns));
    const bool is_gzip = compression_ == Compression::gzip;
    spool_.append(stream_, take_seq(), static_cast<std::uint32_t>(part.size()),
                  is_gzip ? encoder_.gzip(text) : text, is_gzip);
    ++batches;
    from += part.size();
  } while (from < all.size());
  return batches;
}

std::string_view Sealer::heartbeat(std::int64_t wall_ms, std::int64_t boottime_ms) {
  SampleBatch empty;
  empty.wall_ms = wall_ms;
  empty.boottime_ms = boottime_ms;
  return encoder_.json(empty, {});
}

void Sealer::start_stream(std::string stream) {
  stream_ = std::move(stream);
  next_seq_ = 1;
}

std::string_view Sealer::facts_to_send(std::int64_t now_ns) {
  const std::string_view present = read_facts_ ? read_facts_() : std::string_view();
  if (present.empty() || (present == facts_ && now_ns < facts_due_ns_)) return {};
  facts_ = present;
  facts_due_ns_ = now_ns + kFactsEvery;
  return facts_;
}

}  // namespace sysmon
