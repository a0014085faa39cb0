// Any blob: a key set or an error, never a crash; what loads is written back to the same keys.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/store/bytes.hpp"
#include "sysmon/key_sets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sysmon;  // NOLINT(google-build-using-namespace)
  std::string blob(reinterpret_cast<const char*>(data), size);
  put_fixed(blob, checksum(blob));
  KeySets sets;
  if (!sets.load(1, blob)) return 0;
  const KeySetPtr set = sets.find(1);
  KeySets again;
  if (!again.load(1, KeySets::blob(*set))) std::abort();
  const KeySetPtr same = again.find(1);
  if (same->keys.size() != set->keys.size()) std::abort();
  for (std::size_t i = 0; i < set->keys.size(); ++i) {
    if (same->keys[i]->text() != set->keys[i]->text()) std::abort();
    (void)set->keys[i]->tags();
  }
  return 0;
}
