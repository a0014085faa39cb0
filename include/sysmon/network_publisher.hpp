// NetworkPublisher: takes batches from the ring, seals them, and gets them to the aggregator, once.
//
// Sealed means: written as JSON, gzipped, numbered in this run's stream, and in the spool; the bytes never change
// after that. A batch is kept until a reply names it, or until one of the spool's bounds drops the oldest, which
// is then declared to the aggregator (spool.hpp).
//
// Two lanes. Live: the newest batch, alone, once per push interval, whatever the backoff says. Backlog:
// everything older, oldest first, in bundles, with backoff. So after an outage the newest sample is visible
// at once while hours of backlog follow. What each status does is docs/formats/wire.md's table
// (push_reply.hpp).
//
// Time, network and disk are the interfaces Clock, Transport and Files: a test lets three days pass in a
// second.
//
// Threads: step, flush and reconfigure on one thread, the ring's consumer. stats() and ledger() may be read by
// any.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sysmon/agent_config.hpp"
#include "sysmon/batch_encoder.hpp"
#include "sysmon/clock.hpp"
#include "sysmon/http_client.hpp"
#include "sysmon/log.hpp"
#include "sysmon/loss_reason.hpp"
#include "sysmon/ring_buffer.hpp"
#include "sysmon/sample.hpp"
#include "sysmon/spool.hpp"
#include "sysmon/state_files.hpp"

namespace sysmon {

struct PublisherOptions {
  std::string aggregator_url{};  // without a trailing slash
  std::chrono::milliseconds push_interval{10'000};
  std::chrono::milliseconds collect_interval{10'000};
  // Shifts the second push and with it all later ones, so that a fleet that was started at once spreads out.
  // 0: none.
  std::chrono::milliseconds phase{0};
  std::string hostname{};
  Tags host_tags{};
  std::string boot_id{};
  Compression compression = Compression::gzip;
  SpoolOptions spool{};  // without its boot_id, which is the one above
  // The token as it is now; asked at the start and again while the aggregator refuses us.
  std::function<Result<std::string>()> token{};
  // What the host is, as a JSON object; empty while unknown. The view lives until the next call.
  std::function<std::string_view()> facts{};
  std::function<std::uint64_t()> random{};
  Log log{};
};

// Counted since the start. Written by one thread each and only ever read by others: relaxed everywhere.
struct PublisherStats {
  std::atomic<std::uint64_t> samples_collected{0};
  std::atomic<std::uint64_t> samples_acked{0};
  std::array<std::atomic<std::uint64_t>, kLossReasons> samples_dropped{};
  std::atomic<std::uint64_t> send_failures{0};
  std::atomic<std::uint64_t> queue_bytes{0};
  std::atomic<std::int64_t> oldest_ns{0};    // monotonic time of the oldest batch that waits; 0: none
  std::atomic<std::int64_t> last_ack_ns{0};  // monotonic; 0: none yet
};

// The agent's side of the conservation law (docs/delivery.md), in batches. At every moment
//   sealed + recovered = acked + spooled + the sum of dropped.
struct PublisherLedger {
  std::uint64_t sealed = 0;     // by this run
  std::uint64_t recovered = 0;  // of earlier runs: waited in the spool at the start, or were found lost there
  std::uint64_t acked = 0;
  std::uint64_t spooled = 0;  // wait to be acknowledged
  std::array<std::uint64_t, kLossReasons> dropped{};
  std::uint64_t corrupt_records = 0;  // places where the spool was damaged

  friend bool operator==(const PublisherLedger&, const PublisherLedger&) = default;
};

class NetworkPublisher {
 public:
  // Reads or makes agent_id in `files`, and recovers the spool there. The references must outlive the publisher.
  NetworkPublisher(PublisherOptions options, RingBuffer<SampleBatch>& ring, const Clock& clock,
                   Transport& transport, Files& files);
  ~NetworkPublisher();
  NetworkPublisher(const NetworkPublisher&) = delete;
  NetworkPublisher& operator=(const NetworkPublisher&) = delete;

  // Seals what is in the ring and sends at most one request. Returns the monotonic time of the next call; a
  // batch that comes into the ring before is a reason to call earlier.
  std::int64_t step(std::int64_t now_ns);

  // The last push: seals everything and sends what it can until `deadline_ns`, the newest first.
  void flush(std::int64_t deadline_ns);

  // Other options from now on; the spool, the stream and agent_id stay. A refusal is forgotten: the next push
  // is now. `transport` replaces the present one.
  void reconfigure(PublisherOptions options, Transport& transport);

  // One second while somebody watches this host, else the options' collect_interval.
  [[nodiscard]] std::chrono::milliseconds wanted_interval(std::int64_t now_ns) const;

  [[nodiscard]] PublisherStats& stats();
  // As of one moment. A batch is in it before it leaves the ring.
  [[nodiscard]] PublisherLedger ledger() const;
  [[nodiscard]] const std::string& agent_id() const;  // empty where it could not be kept
  [[nodiscard]] const std::string& stream() const;    // 32 hexadecimal digits
  [[nodiscard]] const Spool& spool() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sysmon
