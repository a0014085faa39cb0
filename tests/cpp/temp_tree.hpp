// TempTree: a tree of small files like /proc and /sys, written by a test and removed with it.
#pragma once

#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "sysmon/procfs.hpp"

namespace sysmon {

class TempTree {
 public:
  TempTree() {
    std::string name = (std::filesystem::temp_directory_path() / "sysmon-tree-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempTree() { std::filesystem::remove_all(path_); }
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;

  // `absolute` as on a live machine: "/proc/mdstat".
  void write(std::string_view absolute, std::string_view text) const {
    const std::filesystem::path file = at(absolute);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  void link(std::string_view absolute, const std::string& target) const {
    const std::filesystem::path file = at(absolute);
    std::filesystem::create_directories(file.parent_path());
    std::filesystem::create_symlink(target, file);
  }
  void remove(std::string_view absolute) const { std::filesystem::remove_all(at(absolute)); }
  [[nodiscard]] ProcRoot root() const { return ProcRoot(path_.string()); }

 private:
  [[nodiscard]] std::filesystem::path at(std::string_view absolute) const {
    return path_ / absolute.substr(1);
  }
  std::filesystem::path path_;
};

}  // namespace sysmon
