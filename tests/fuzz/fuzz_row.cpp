// Any payload: a row or an error, never a crash. The checksum is put right first, or nothing behind it would
// be reached.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/store/bytes.hpp"
#include "sysmon/journal.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sysmon;  // NOLINT(google-build-using-namespace)
  std::string payload(reinterpret_cast<const char*>(data), size);
  (void)RowView::parse(payload);
  put_fixed(payload, checksum(payload));
  const Result<RowView> row = RowView::parse(payload);
  if (!row) return 0;

  RowSamples all;
  row->read(all);
  if (all.values.size() != row->samples() || all.positions.size() != row->samples()) std::abort();
  for (std::size_t i = 0; i < all.positions.size(); ++i) {
    if (all.positions[i] >= row->set_size() || (i > 0 && all.positions[i] <= all.positions[i - 1]))
      std::abort();
  }
  // Every other position read alone is what reading all of them gave.
  std::vector<std::uint32_t> wanted;
  for (std::size_t i = 0; i < all.positions.size(); i += 2) wanted.push_back(all.positions[i]);
  RowSamples some;
  row->read_some(wanted, some);
  if (some.values.size() != wanted.size()) std::abort();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (std::memcmp(&some.values[i], &all.values[2 * i], sizeof(double)) != 0) std::abort();
  }
  return 0;
}
