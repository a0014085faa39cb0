#include "sysmon/parse/mountinfo.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace sysmon;

TEST_CASE("mountinfo: every column, escapes undone, optional fields skipped") {
  std::vector<Mount> mounts;
  const auto result = parse_mountinfo(
      "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard,resuid=65534\n"
      "36 35 98:0 /mnt1 /mnt\\0402 ro,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue\n"
      "40 27 0:45 / /mnt/\\011tab\\012line\\134back\\043 rw shared:5 - nfs4 server:/my\\040export "
      "ro,vers=4.2\n"
      "41 27 0:46 / /mnt/Daten-Größe rw - tmpfs  rw\n"  // mounted without a source
      "42 27 0:47 / /odd\\9\\04 rw - fuse.sshfs a@b: rw,user_id=0",
      mounts);
  REQUIRE(result.ok());
  const std::vector<Mount> expected = {
      {"254:0", "/", "/", "rw,relatime", "ext4", "/dev/vda", "rw,discard,resuid=65534"},
      {"98:0", "/mnt1", "/mnt 2", "ro,noatime", "ext3", "/dev/root", "rw,errors=continue"},
      {"0:45", "/", "/mnt/\ttab\nline\\back#", "rw", "nfs4", "server:/my export", "ro,vers=4.2"},
      {"0:46", "/", "/mnt/Daten-Größe", "rw", "tmpfs", "", "rw"},
      {"0:47", "/", "/odd\\9\\04", "rw", "fuse.sshfs", "a@b:", "rw,user_id=0"},
  };
  CHECK(mounts == expected);
  CHECK_FALSE(mounts[1].is_readonly());  // a read-only bind of a writable file system
  CHECK(mounts[2].is_readonly());
}

TEST_CASE("mountinfo: an empty text has no mounts") {
  std::vector<Mount> mounts;
  CHECK(parse_mountinfo("", mounts).ok());
  CHECK(mounts.empty());
}

TEST_CASE("mountinfo: bad texts are errors that quote the line") {
  for (const std::string text : {
           "\n",
           "27",
           "27 1 254:0 / / rw,relatime",                   // cut before the hyphen
           "27 1 254:0 / / rw,relatime -",                 // and after it
           "27 1 254:0 / / rw,relatime - ext4",            //
           "27 1 254:0 / / rw,relatime - ext4 /dev/vda",   //
           "27 1 254:0 / / rw,relatime - ext4 /dev/vda ",  // no super options
           "27 1 254 / / rw - ext4 /dev/vda rw",           // no device number
           "27 1 254:0 / relative rw - ext4 /dev/vda rw",
           "- - - - - - - - -",
           "\xff\xfe\0\x01 binary",
       }) {
    CAPTURE(text);
    std::vector<Mount> mounts;
    const auto result = parse_mountinfo(text, mounts);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == Error::Kind::malformed);
  }
}
