// BatchShape: the text of a batch's metrics with its numbers cut out.
//
//     {"type":"cpu.user","value":          <- a fixed text, then a number, and so on
//     },{"type":"disk.reads","tags":{"device":"sda"},"value":
//     }
//
// An agent sends the same text at every tick but for the numbers. Where everything between them is byte for
// byte what was once parsed strictly, the numbers are all that is left to be read, and JSON is JSON.
//
// Threads: a shape is immutable; BatchShapes may be called by any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/store/secret_hash.hpp"
#include "core/store/two_generations.hpp"

namespace sysmon {

// A batch whose last member is `metrics`, cut where its array begins and ends.
struct BatchParts {
  std::string_view envelope;  // up to and with the '['
  std::string_view metrics;   // between the brackets; empty where the text is not of this form

  // Looks for the first `"metrics":[`, and no further. If `envelope` with "]}" after it is a batch by itself,
  // that was the member and not a text like it; otherwise the parts say nothing.
  static BatchParts of(std::string_view text);
};

class BatchShape {
 public:
  // The shape of the metrics of a batch that was parsed; nullptr where a number in them is anything but the
  // value of a sample (a time of its own, a member we do not know).
  // `sequence` is the hash of the keys (KeySequences), which are the same in every batch of this shape.
  static std::shared_ptr<const BatchShape> of(std::string_view metrics, std::span<const double> values,
                                              const Hash128& sequence);

  // The values of a batch of this shape, the same doubles that a parser makes of them; false where it has
  // another, or a number needs a closer look. `values` is then not to be used.
  bool read(std::string_view metrics, std::vector<double>& values) const;

  [[nodiscard]] const Hash128& sequence() const { return sequence_; }
  [[nodiscard]] const std::string& fixed() const { return fixed_; }

 private:
  std::string fixed_;                   // the texts between the numbers, one after the other
  std::vector<std::uint32_t> lengths_;  // of each; one more than there are numbers
  Hash128 sequence_;
};

// The shapes in use: shared by the hosts that send alike, forgotten when nobody did for long.
class BatchShapes {
 public:
  BatchShapes();

  // The shape that the host's batches had last; nullptr where it has none.
  std::shared_ptr<const BatchShape> find(const std::string& hostname);
  // Says that a batch of the host was parsed. It becomes the host's shape when the keys were the same twice in
  // a row: one that leaves out something else at each tick would only make work.
  void note(const std::string& hostname, const BatchParts& parts, std::span<const double> values,
            const Hash128& sequence);

 private:
  struct Habit {
    Hash128 sequence;  // of the last batch that was parsed
    Hash128 shape;     // zeros: none
  };

  SecretHash hash_;
  std::mutex mutex_;  // guards the two below
  TwoGenerations<std::string, Habit> hosts_;
  TwoGenerations<Hash128, std::shared_ptr<const BatchShape>, HashOfHash> shapes_;
};

}  // namespace sysmon
