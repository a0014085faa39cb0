// Files: what an agent keeps, in one folder; StateDirectory: where that is on disk.
//
// The directory is private (0700, ours), opened without following a symlink at its end, and held by one
// process at a time; every file below it is opened from that descriptor, so nothing can be swapped in on the
// way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/result.hpp"

namespace sysmon {

// An open file. What was written survives a power loss only once sync has said so; after a sync that failed
// nothing is known of what was written before, and it must not be asked again.
class File {
 public:
  virtual ~File() = default;
  // At most `size` bytes from `offset` on; fewer only at the file's end.
  [[nodiscard]] virtual Result<std::string> read_at(std::uint64_t offset, std::size_t size) = 0;
  // All of it. After an error any part of it may be there.
  [[nodiscard]] virtual Result<void> write_at(std::uint64_t offset, std::string_view bytes) = 0;
  [[nodiscard]] virtual Result<void> truncate(std::uint64_t size) = 0;
  [[nodiscard]] virtual Result<void> sync() = 0;
};

enum class OpenMode : std::uint8_t {
  read,  // Error not_found where there is none
  write  // made where it is missing, mode 0600
};

class Files {
 public:
  virtual ~Files() = default;
  // A small file, whole. Error not_found where there is none.
  [[nodiscard]] virtual Result<std::string> read(const std::string& name) = 0;
  // All of it or nothing, also through a power loss: a temporary file, synced, then renamed. Mode 0600.
  [[nodiscard]] virtual Result<void> write(const std::string& name, std::string_view text) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode) = 0;
  // The names of all files, in no order.
  [[nodiscard]] virtual Result<std::vector<std::string>> list() = 0;
  [[nodiscard]] virtual Result<void> remove(const std::string& name) = 0;
  // Which files there are survives a power loss from here on.
  [[nodiscard]] virtual Result<void> sync() = 0;
};

class StateDirectory final : public Files {
 public:
  // Opens `path`, making it and its parents (0700) where they are missing.
  // Error invalid: it is a symlink, another user's, or open to others; unavailable: another agent holds it.
  static Result<std::unique_ptr<StateDirectory>> open(const std::string& path);
  // To look at what another agent may hold: nothing is made, nothing locked, and nothing may be written. Root may
  // look at anybody's.
  // Error not_found; permission; invalid: as above.
  static Result<std::unique_ptr<StateDirectory>> open_to_look(const std::string& path);
  ~StateDirectory() override;  // lets go of it
  StateDirectory(const StateDirectory&) = delete;
  StateDirectory& operator=(const StateDirectory&) = delete;

  [[nodiscard]] Result<std::string> read(const std::string& name) override;
  [[nodiscard]] Result<void> write(const std::string& name, std::string_view text) override;
  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode) override;
  [[nodiscard]] Result<std::vector<std::string>> list() override;
  [[nodiscard]] Result<void> remove(const std::string& name) override;
  [[nodiscard]] Result<void> sync() override;

 private:
  StateDirectory(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  std::string path_;
  int descriptor_;
};

}  // namespace sysmon
