#include "sysmon/parse/utmp.hpp"

#include <cstdint>
#include <cstring>
#include <string>

namespace sysmon {

Result<std::size_t> parse_utmp_users(std::string_view bytes, std::size_t record_bytes) {
  constexpr std::int16_t kUserProcess = 7;
  if (bytes.size() % record_bytes != 0) {
    return Error::malformed("utmp", std::to_string(bytes.size()) + " bytes are no whole number of records");
  }
  std::size_t users = 0;
  for (; !bytes.empty(); bytes.remove_prefix(record_bytes)) {
    std::int16_t type = 0;  // ut_type is the first field, in the machine's own byte order
    std::memcpy(&type, bytes.data(), sizeof type);
    if (type == kUserProcess) ++users;
  }
  return users;
}

}  // namespace sysmon
