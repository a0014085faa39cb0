#include "sysmon/tag_text.hpp"

#include <algorithm>
#include <cstdint>

#include "core/utf8.hpp"

namespace sysmon {
namespace {

std::uint32_t byte_at(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

bool is_control(std::string_view character) {
  if (character.size() == 1) return byte_at(character, 0) < 0x20 || byte_at(character, 0) == 0x7F;
  return character.size() == 2 && byte_at(character, 0) == 0xC2 && byte_at(character, 1) < 0xA0;  // C1
}

void append_escaped(std::string& out, std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out += "\\x";
    out += kHex[byte_at(bytes, i) >> 4U];
    out += kHex[byte_at(bytes, i) & 15U];
  }
}

}  // namespace

std::string tag_text(std::string_view bytes, std::size_t max_bytes) {
  constexpr std::string_view kEllipsis = "…";
  std::string text;
  std::size_t fits = 0;  // length of the text that still leaves room for the ellipsis
  while (!bytes.empty()) {
    const std::size_t valid = utf8_length(bytes, 0);
    const std::string_view character = bytes.substr(0, std::max<std::size_t>(valid, 1));
    if (valid == 0 || is_control(character) || bytes.starts_with("\\x")) {
      append_escaped(text, character);
    } else {
      text += character;
    }
    bytes.remove_prefix(character.size());
    if (text.size() <= max_bytes - kEllipsis.size()) fits = text.size();
    if (text.size() > max_bytes) {
      text.resize(fits);
      text += kEllipsis;
      break;
    }
  }
  return text;
}

}  // namespace sysmon
