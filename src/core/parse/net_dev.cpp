#include "sysmon/parse/net_dev.hpp"

#include "sysmon/parse/line_cursor.hpp"

namespace sysmon {
namespace {

bool skip_numbers(LineCursor& cursor, int count) {
  std::uint64_t ignored = 0;
  for (int i = 0; i < count; ++i) {
    if (!cursor.number(ignored)) return false;
  }
  return true;
}

bool take_interface(LineCursor& cursor, NetDev& device) {
  // Aliases hold a colon of their own ("eth0:1"), but are no devices since 2.2 and not in this file.
  device.interface = cursor.word_until(':');
  return !device.interface.empty() && cursor.number(device.bytes_recv) &&
         cursor.number(device.packets_recv) && cursor.number(device.errors_in) &&
         cursor.number(device.drops_in) && skip_numbers(cursor, 4) &&  // fifo, frame, compressed, multicast
         cursor.number(device.bytes_sent) && cursor.number(device.packets_sent) &&
         cursor.number(device.errors_out) && cursor.number(device.drops_out);
}

}  // namespace

Result<void> parse_net_dev(std::string_view text, std::vector<NetDev>& out) {
  out.clear();
  LineCursor cursor(text);
  for (int heading = 0; heading < 2; ++heading) {
    if (cursor.line().find('|') == std::string_view::npos)
      return Error::malformed("/proc/net/dev", cursor.line());
    cursor.next_line();
  }
  for (; !cursor.at_end(); cursor.next_line()) {
    NetDev device;
    if (!take_interface(cursor, device)) return Error::malformed("/proc/net/dev", cursor.line());
    out.push_back(device);
  }
  return {};
}

}  // namespace sysmon
