#include "sysmon/tag_text.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using sysmon::tag_text;

TEST_CASE("tag text is valid UTF-8 without control characters") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"/mnt/data disk", "/mnt/data disk"},
      {"/mnt/Müller·数", "/mnt/Müller·数"},
      {"a\nb\x1b[31m\x7f", "a\\x0ab\\x1b[31m\\x7f"},
      {std::string("nul\0byte", 8), "nul\\x00byte"},
      {"c1 \xc2\x9b", "c1 \\xc2\\x9b"},
      {"latin1 \xe9t\xe9", "latin1 \\xe9t\\xe9"},
      {"overlong \xc0\xaf \xe0\x80\xaf", "overlong \\xc0\\xaf \\xe0\\x80\\xaf"},
      {"surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80"},
      {"too high \xf4\x90\x80\x80", "too high \\xf4\\x90\\x80\\x80"},
      {"cut \xe2\x82", "cut \\xe2\\x82"},
      {"looks escaped \\x1b", "looks escaped \\x5cx1b"},
      {"dos\\path", "dos\\path"},
  };
  for (const auto& [bytes, text] : cases) CHECK(tag_text(bytes) == text);
}

TEST_CASE("tag text is cut at 128 bytes, between characters") {
  CHECK(tag_text(std::string(128, 'a')) == std::string(128, 'a'));
  CHECK(tag_text(std::string(129, 'a')) == std::string(125, 'a') + "…");
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "ü";
  CHECK(tag_text(wide) == wide.substr(0, 124) + "…");
  CHECK(tag_text(std::string(4096, '\x01')).size() <= sysmon::kMaxTagBytes);
}
