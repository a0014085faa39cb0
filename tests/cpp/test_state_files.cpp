#include "sysmon/state_files.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
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

// Less of something than there was, for as long as this lives.
class Limit {
 public:
  Limit(__rlimit_resource_t which, rlim_t most) : which_(which) {
    REQUIRE(::getrlimit(which_, &before_) == 0);
    const rlimit less{most, before_.rlim_max};
    REQUIRE(::setrlimit(which_, &less) == 0);
  }
  ~Limit() { ::setrlimit(which_, &before_); }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

 private:
  __rlimit_resource_t which_;
  rlimit before_{};
};

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

TEST_CASE("a file is read and written where it is asked, and cut") {
  const Folder folder;
  auto state = StateDirectory::open(folder / "agent");
  REQUIRE(state.ok());
  CHECK((*state)->open("segment", OpenMode::read).error().kind == Error::Kind::not_found);
  auto file = (*state)->open("segment", OpenMode::write);
  REQUIRE(file.ok());
  CHECK((*file)->write_at(0, "0123456789").ok());
  CHECK((*file)->write_at(4, "xy").ok());
  CHECK(*(*file)->read_at(3, 4) == "3xy6");
  CHECK(*(*file)->read_at(8, 100) == "89");
  CHECK((*file)->read_at(50, 1)->empty());
  CHECK((*file)->truncate(5).ok());
  CHECK((*file)->sync().ok());
  CHECK(*(*file)->read_at(0, 100) == "0123x");
  CHECK(mode_of((folder / "agent/segment")) == 0600);
  CHECK((*state)->sync().ok());
  auto names = (*state)->list();
  REQUIRE(names.ok());
  CHECK(*names == std::vector<std::string>{"segment"});
  CHECK((*state)->remove("segment").ok());
  CHECK((*state)->remove("segment").error().kind == Error::Kind::not_found);
  CHECK((*state)->list()->empty());
}

TEST_CASE("what the disk refuses is an error that says which call") {
  const Folder folder;
  auto state = StateDirectory::open(folder / "agent");
  REQUIRE(state.ok());
  REQUIRE((*state)->write("small", "text").ok());
  const auto says = [](const auto& result, std::string_view call) {
    return !result.ok() && result.error().message().find(call) != std::string::npos;
  };

  auto reading = (*state)->open("small", OpenMode::read);
  REQUIRE(reading.ok());
  CHECK(says((*reading)->write_at(0, "x"), "write"));
  CHECK(says((*reading)->truncate(0), "truncate"));
  CHECK(says((*reading)->read_at(UINT64_MAX / 2 + 1, 1), "read"));  // a negative offset

  // A folder in a file's place.
  std::filesystem::create_directory(folder.path / "agent" / "folder");
  CHECK(says((*state)->read("folder"), "read"));
  CHECK(says((*state)->open("folder", OpenMode::read), "no regular file"));
  CHECK(says((*state)->write("folder", "x"), "rename"));
  CHECK(!std::filesystem::exists(folder.path / "agent" / "folder.new"));

  CHECK(says(StateDirectory::open(folder / "agent/small/below"), "mkdir"));
  {
    std::signal(SIGXFSZ, SIG_IGN);
    const Limit full(RLIMIT_FSIZE, 4096);  // of one file
    CHECK(says((*state)->write("large", std::string(10'000, 'x')), "write"));
    auto writing = (*state)->open("segment", OpenMode::write);
    REQUIRE(writing.ok());
    CHECK(says((*writing)->write_at(4000, std::string(1'000, 'x')), "write"));
  }
  CHECK(!std::filesystem::exists(folder.path / "agent" / "large"));
  {
    const Limit none(RLIMIT_NOFILE, 0);
    CHECK(says((*state)->read("small"), "open"));
    CHECK(says((*state)->open("small", OpenMode::write), "open"));
    CHECK(says((*state)->write("small", "x"), "create"));
    CHECK(says((*state)->list(), "open"));
    CHECK(says(StateDirectory::open_to_look(folder / "agent"), "open"));
  }
  CHECK(*(*state)->read("small") == "text");
}

TEST_CASE("to look at a folder takes nothing from the agent that holds it") {
  const Folder folder;
  const std::string path = folder / "agent";
  CHECK(StateDirectory::open_to_look(path).error().kind == Error::Kind::not_found);
  auto agent = StateDirectory::open(path);
  REQUIRE(agent.ok());
  REQUIRE((*agent)->write("agent_id", "one").ok());
  auto looked = StateDirectory::open_to_look(path);
  REQUIRE(looked.ok());
  CHECK(*(*looked)->read("agent_id") == "one");
  agent->reset();
  CHECK(StateDirectory::open(path).ok());  // although somebody still looks
  ::chmod(path.c_str(), 0750);
  CHECK(StateDirectory::open_to_look(path).error().kind == Error::Kind::invalid);
}

TEST_CASE("a folder of somebody else is refused; root may look" * doctest::skip(::geteuid() != 0)) {
  const Folder folder;
  const std::string path = folder / "agent";
  REQUIRE(StateDirectory::open(path).ok());
  REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
  CHECK(kind_of(path) == Error::Kind::invalid);
  CHECK(StateDirectory::open_to_look(path).ok());
}
