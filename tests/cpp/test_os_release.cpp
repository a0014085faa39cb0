#include "sysmon/parse/os_release.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

TEST_CASE("os-release: the name for people, from whatever is there") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nID=debian\n",
       "Debian GNU/Linux 12 (bookworm)"},
      {"NAME='Alpine Linux'\nVERSION_ID=3.20.1\n", "Alpine Linux 3.20.1"},
      {"NAME=Arch\n", "Arch"},
      {"PRETTY_NAME=\"say \\\"hi\\\" \\$1\"", "say \"hi\" $1"},
      {"PRETTY_NAME='a\\b'trailing", "a\\b"},
      {"PRETTY_NAME=\"never closed\nNAME=x", "never closed"},
      {"PRETTY_NAME=\"crlf\"\r\n", "crlf"},
      {"# comment\n\nno assignment\n=\nPRETTY_NAME=", ""},
      {"PRETTY_NAME=\"ends in \\", "ends in \\"},
      {"", ""},
      {std::string("\xff\0\x01=", 4), ""},
  };
  for (const auto& [text, name] : cases) {
    CAPTURE(text);
    CHECK(sysmon::parse_os_release(text) == name);
  }
}
