#include "sysmon/state_files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace sysmon;

namespace {

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sysmon-state-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string operator/(const char* name) const { return (path / name).string(); }
};

unsigned mode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777U;
}

Error::Kind kind_of(const std::string& path) {
  const auto state = StateDirectory::open(path);
  REQUIRE(!state.ok());
  return state.error().kind;
}

}  // namespace

TEST_CASE("the state directory is made private, and so is what lies in it") {
  const Folder folder;
  const std::string path = folder / "a/b/agent";
  auto state = StateDirectory::open(path);
  REQUIRE(state.ok());
  CHECK(mode_of(path) == 0700);
  CHECK((*state)->read("agent_id").error().kind == Error::Kind::not_found);
  REQUIRE((*state)->write("agent_id", "one\n").ok());
  REQUIRE((*state)->write("agent_id", "two\n").ok());
  CHECK(*(*state)->read("agent_id") == "two\n");
  CHECK(mode_of(path + "/agent_id") == 0600);
  CHECK(!std::filesystem::exists(path + "/agent_id.new"));
}

TEST_CASE("one agent at a time") {
  const Folder folder;
  const std::string path = folder / "agent";
  auto first = StateDirectory::open(path);
  REQUIRE(first.ok());
  CHECK(kind_of(path) == Error::Kind::unavailable);
  first->reset();
  CHECK(StateDirectory::open(path).ok());
}

TEST_CASE("a directory that others could tamper with is refused") {
  const Folder folder;
  std::filesystem::create_directory(folder.path / "open");
  ::chmod((folder / "open").c_str(), 0755);
  CHECK(kind_of(folder / "open") == Error::Kind::invalid);

  std::filesystem::create_directory(folder.path / "target");
  ::chmod((folder / "target").c_str(), 0700);
  std::filesystem::create_symlink(folder.path / "target", folder.path / "link");
  CHECK(kind_of(folder / "link") == Error::Kind::invalid);

  std::ofstream(folder / "file") << "x";
  CHECK(kind_of(folder / "file") == Error::Kind::invalid);
}

TEST_CASE("a symlink in the place of a file is not followed") {
  const Folder folder;
  auto state = StateDirectory::open(folder / "agent");
  REQUIRE(state.ok());
  std::ofstream(folder / "secret") << "untouched";
  std::filesystem::create_symlink(folder.path / "secret", folder.path / "agent" / "agent_id");
  std::filesystem::create_symlink(folder.path / "secret", folder.path / "agent" / "agent_id.new");
  CHECK(!(*state)->read("agent_id").ok());
  REQUIRE((*state)->write("agent_id", "mine").ok());
  CHECK(*(*state)->read("agent_id") == "mine");
  std::string text;
  std::ifstream(folder / "secret") >> text;
  CHECK(text == "untouched");
}
