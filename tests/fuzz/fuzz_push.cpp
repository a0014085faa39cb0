// Any body: batches or a fault, never a crash, and what is accepted can be read back.
//
// The first byte says plain or gzip; the decoder lives on, so that its caches meet strangers too.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "sysmon/journal.hpp"
#include "sysmon/push_decoder.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sysmon;  // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  static const auto key_sets = std::make_shared<KeySets>();
  static PushDecoder decoder(key_sets, PushLimits{.series_per_host = 64});

  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const DecodedPushes pushes = decoder.decode(body, data[0] % 2 == 1, 1'738'858'800'000);
  if (pushes.fault.has_value() != pushes.batches.empty()) std::abort();
  // Sent again it may be read another way, as the usual batch of its host: to the same end.
  for (int i = 0; i < 2; ++i) {
    const DecodedPushes again = decoder.decode(body, data[0] % 2 == 1, 1'738'858'800'000);
    if (again.fault.has_value() != pushes.fault.has_value()) std::abort();
    if (!std::ranges::equal(again.batches, pushes.batches, {}, &Push::accepted, &Push::accepted))
      std::abort();
  }
  RowSamples samples;
  for (const Push& push : pushes.batches) {
    std::size_t packed = 0;
    for (const Row& row : push.rows) {
      const Result<RowView> view = RowView::parse(row.payload);
      if (!view || key_sets->find(row.key_set) == nullptr) std::abort();
      view->read(samples);
      if (samples.values.size() != row.samples) std::abort();
      packed += row.samples;
    }
    if (packed != push.accepted) std::abort();
  }
  return 0;
}
