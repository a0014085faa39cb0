#include "sysmon/parse/sockstat.hpp"

#include <array>

#include "sysmon/parse/fields.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {
namespace {

struct Field {
  std::string_view line;
  std::string_view name;
  std::optional<std::uint64_t> Sockstat::* member;
};

constexpr std::array kFields = {
    Field{"sockets:", "used", &Sockstat::sockets_used}, Field{"TCP:", "inuse", &Sockstat::tcp_inuse},
    Field{"TCP:", "orphan", &Sockstat::tcp_orphan},     Field{"TCP:", "tw", &Sockstat::tcp_time_wait},
    Field{"TCP:", "alloc", &Sockstat::tcp_alloc},       Field{"TCP:", "mem", &Sockstat::tcp_memory_pages},
};

}  // namespace

Result<Sockstat> parse_sockstat(std::string_view text) {
  Sockstat sockstat;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    std::string_view rest = line;
    const std::string_view protocol = take_word(rest);
    for (std::string_view name = take_word(rest); !name.empty(); name = take_word(rest)) {
      const std::string_view word = take_word(rest);
      for (const Field& field : kFields) {
        if (field.line != protocol || field.name != name) continue;
        sockstat.*field.member = to_number<std::uint64_t>(word);
        if (!(sockstat.*field.member)) return Error::malformed("/proc/net/sockstat", tag_text(line));
      }
    }
  }
  return sockstat;
}

}  // namespace sysmon
