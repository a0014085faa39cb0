#include "core/agent_identity.hpp"

namespace sysmon {
namespace {

constexpr std::size_t kUuidLength = 36;

std::string hexadecimal(std::uint64_t number) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = text.size(); i-- > 0; number >>= 4U) text[i] = kDigits[number & 15U];
  return text;
}

// RFC 9562: 122 random bits, version 4, variant 10.
std::string make_uuid(const Random& random) {
  const std::string high = hexadecimal((random() & ~0xf000ULL) | 0x4000ULL);
  const std::string low = hexadecimal((random() & ~(3ULL << 62U)) | (2ULL << 62U));
  return high.substr(0, 8) + "-" + high.substr(8, 4) + "-" + high.substr(12) + "-" + low.substr(0, 4) + "-" +
         low.substr(4);
}

bool is_uuid(std::string_view text) {
  if (text.size() != kUuidLength) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_hyphen_place = i == 8 || i == 13 || i == 18 || i == 23;
    const bool is_digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (is_hyphen_place ? text[i] != '-' : !is_digit) return false;
  }
  return true;
}

}  // namespace

std::string make_stream(const Random& random) { return hexadecimal(random()) + hexadecimal(random()); }

Result<std::string> read_agent_id(Files& files) {
  auto text = files.read(kAgentIdFile);
  if (!text) return text;
  while (text->ends_with('\n')) text->pop_back();
  if (!is_uuid(*text)) return Error::malformed(kAgentIdFile, "expected a UUID");
  return text;
}

Result<std::string> read_or_make_agent_id(Files& files, const Random& random) {
  auto known = read_agent_id(files);
  if (known) return known;
  const Error::Kind why = known.error().kind;
  if (why != Error::Kind::not_found && why != Error::Kind::malformed) return known;
  std::string made = make_uuid(random);
  if (auto kept = files.write(kAgentIdFile, made + "\n"); !kept) return kept.error();
  return made;
}

}  // namespace sysmon
