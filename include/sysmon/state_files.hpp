// Files: the few small files an agent keeps; StateDirectory: where they are on disk.
//
// The directory is private (0700, ours), opened without following a symlink at its end, and held by one
// process at a time; every file below it is opened from that descriptor, so nothing can be swapped in on the
// way.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

class Files {
 public:
  virtual ~Files() = default;
  // Error not_found where there is none.
  [[nodiscard]] virtual Result<std::string> read(const std::string& name) = 0;
  // All of it or nothing, also through a power loss: a temporary file, synced, then renamed. Mode 0600.
  [[nodiscard]] virtual Result<void> write(const std::string& name, std::string_view text) = 0;
};

class StateDirectory final : public Files {
 public:
  // Opens `path`, making it and its parents (0700) where they are missing.
  // Error invalid: it is a symlink, another user's, or open to others; unavailable: another agent holds it.
  static Result<std::unique_ptr<StateDirectory>> open(const std::string& path);
  ~StateDirectory() override;  // lets go of it
  StateDirectory(const StateDirectory&) = delete;
  StateDirectory& operator=(const StateDirectory&) = delete;

  [[nodiscard]] Result<std::string> read(const std::string& name) override;
  [[nodiscard]] Result<void> write(const std::string& name, std::string_view text) override;

 private:
  StateDirectory(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  std::string path_;
  int descriptor_;
};

}  // namespace sysmon
