// ProcRoot: where /proc and /sys are read from; KernelFiles: whole-file reading, at most once a tick.
//
// A recorded tree (tests/fixtures/proc/<host>) is read through the same code as the live machine. Beside
// proc/ and sys/ it may hold etc/, run/, and two text files for what is a system call on a live machine:
// statvfs and adjtimex (tests/fixtures/proc/README.md). A tree with t0/ and t1/ is a pair: the first tick
// reads t0, every later one t1.
//
// Not thread-safe: one KernelFiles belongs to one thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/result.hpp"

namespace sysmon {

class ProcRoot {
 public:
  ProcRoot() = default;  // the live machine
  explicit ProcRoot(std::string prefix)
      : prefix_(std::move(prefix)) {}  // a recorded tree; "" or "/" is the live machine

  [[nodiscard]] bool is_live() const { return prefix_.empty() || prefix_ == "/"; }
  // "/proc/stat" -> "<prefix>/proc/stat". REQUIRES: `absolute` starts with '/'.
  [[nodiscard]] std::string path(std::string_view absolute) const;
  // The same into a buffer that is reused.
  void path_into(std::string& out, std::string_view absolute) const;
  // The trees to read in order: {t0, t1} of a pair, else just this one.
  [[nodiscard]] std::vector<ProcRoot> steps() const;

 private:
  std::string prefix_;
};

// Reads a whole file that is too rare to be kept open. st_size lies in /proc, so it reads to the end.
// Error: not_found, permission, io; too_large past `max_bytes`.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = 4U << 20U);

// A kernel file kept open; `read` preads it whole into a buffer it reuses.
class KernelFile {
 public:
  explicit KernelFile(std::string path) : path_(std::move(path)) {}
  ~KernelFile();
  KernelFile(const KernelFile&) = delete;
  KernelFile& operator=(const KernelFile&) = delete;

  // The text as of this tick: a second call within the tick returns the same view without a system call.
  // The view is valid until the next tick's first read. A descriptor that went stale (ENODEV, ESTALE) is
  // reopened once.
  Result<std::string_view> read();

 private:
  friend class KernelFiles;
  Result<std::string_view> read_now();
  void close();

  std::string path_;
  int fd_ = -1;
  bool fresh_ = false;  // buffer_ holds this tick's text
  std::string buffer_;
  std::size_t size_ = 0;
};

class KernelFiles {
 public:
  explicit KernelFiles(ProcRoot root) : root_(std::move(root)) {}

  // The file at this absolute path ("/proc/stat"); the same path gives the same file. Not opened before its
  // first read. The reference stays valid for the life of this object, or until `forget`.
  KernelFile& file(std::string_view absolute_path);
  // Reads a small file that is read too seldom, or of which there are too many, to be kept open (the
  // attributes of a device in /sys). nullopt where it cannot be read. The view is valid until the next call.
  // Allocates nothing after the first calls.
  std::optional<std::string_view> read_attribute(std::string_view absolute_path);
  // Closes a file whose device has gone. The reference dies.
  void forget(std::string_view absolute_path);

  // Every file must be read anew from here on.
  void next_tick();
  // Reads another tree from here on (the t1 of a pair). Also a next_tick.
  void set_root(ProcRoot root);
  [[nodiscard]] const ProcRoot& root() const { return root_; }

 private:
  struct Entry {
    std::string absolute_path;
    std::unique_ptr<KernelFile> file;
  };
  ProcRoot root_;
  std::vector<Entry> entries_;  // some dozens: a linear search at set-up beats a map
  std::string attribute_path_;
  std::array<char, 4096> attribute_{};  // sysfs gives a page at most
};

}  // namespace sysmon
