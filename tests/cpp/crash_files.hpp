// CrashFiles: a folder in memory that fails as a disk does. Any call may give an error, and a power loss keeps of
// what was not synced everything, nothing, a prefix with its last write torn, or any part in any order; a name
// that was made or removed since the folder was last synced may be there or not. Any call may also be the last one of
// a process that is killed: `fault` then throws, or returns kKilled for a write of which a part is there.
#pragma once

#include <cerrno>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sysmon/state_files.hpp"

namespace sysmon::test {

// Ends a process within a call: caught by whoever plays the process.
struct Killed {};
inline constexpr int kKilled = -1;  // as the answer of CrashFiles::fault

class CrashFiles final : public Files {
 public:
  // What the next call does: 0 to succeed, else its errno, or kKilled. Asked with "open", "read", "write", "truncate",
  // "sync", "list", "remove" and "sync names".
  std::function<int(std::string_view call)> fault;
  std::function<std::uint64_t()> random = [] { return std::uint64_t{0}; };
  std::uint64_t capacity = UINT64_MAX;  // bytes; past it writes fail with ENOSPC
  std::uint64_t syncs = 0;              // of files, counted
  // A test that the tests notice: a sync that says yes and does nothing.
  bool is_sync_real = true;
  bool is_names_sync_real = true;
  // Told of every sync: "." is the folder.
  std::function<void(const std::string& name, bool is_good)> synced;
  // Told of every write to an open file that is whole, be it that its caller never learns of it.
  std::function<void(const std::string& name, std::string_view bytes)> wrote;

  [[nodiscard]] Result<std::string> read(const std::string& name) override {
    if (const int failed = ask("read")) return Error::from_errno(name, "read", failed);
    const auto found = names_.find(name);
    if (found == names_.end()) return Error::from_errno(name, "open", ENOENT);
    return found->second->now;
  }

  [[nodiscard]] Result<void> write(const std::string& name, std::string_view text) override {
    if (const int failed = ask("write")) return Error::from_errno(name, "write", failed);
    auto node = std::make_shared<Node>();
    node->now = node->synced = text;
    names_[name] = node;  // renamed into place, which a power loss may undo
    if (const int failed = ask("sync names")) return Error::from_errno(".", "fsync", failed);
    synced_names_[name] = node;
    return {};
  }

  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode) override {
    if (const int failed = ask("open")) return Error::from_errno(name, "open", failed);
    std::shared_ptr<Node>& node = names_[name];
    if (!node) {
      if (mode == OpenMode::read) {
        names_.erase(name);
        return Error::from_errno(name, "open", ENOENT);
      }
      node = std::make_shared<Node>();  // made, which a power loss may undo
    }
    return std::unique_ptr<File>(std::make_unique<OpenFile>(*this, name, node, mode));
  }

  [[nodiscard]] Result<std::vector<std::string>> list() override {
    if (const int failed = ask("list")) return Error::from_errno(".", "list", failed);
    std::vector<std::string> names;
    for (const auto& [name, node] : names_) names.push_back(name);
    return names;
  }

  [[nodiscard]] Result<void> remove(const std::string& name) override {
    if (const int failed = ask("remove")) return Error::from_errno(name, "unlink", failed);
    if (names_.erase(name) == 0) return Error::from_errno(name, "unlink", ENOENT);
    return {};
  }

  [[nodiscard]] Result<void> sync() override {
    const int failed = ask("sync names");
    if (synced) synced(".", failed == 0);
    if (failed != 0) return Error::from_errno(".", "fsync", failed);
    if (is_names_sync_real) synced_names_ = names_;
    return {};
  }

  // The kernel has had its half minute: what was written and made is on the disk.
  void write_back() {
    synced_names_ = names_;
    for (const auto& [name, node] : names_) node->write_back();
  }

  // The power goes and comes back.
  void lose_power() {
    std::map<std::string, std::shared_ptr<Node>> after;
    std::map<std::string, std::shared_ptr<Node>> all = names_;
    all.insert(synced_names_.begin(), synced_names_.end());
    for (const auto& [name, node] : all) {
      const auto before = synced_names_.find(name);
      const auto now = names_.find(name);
      const bool is_same =
          before != synced_names_.end() && now != names_.end() && before->second == now->second;
      const auto& chosen = is_same || random() % 2 == 0 ? before : now;
      if (chosen == synced_names_.end() || chosen == names_.end()) continue;
      after[name] = chosen->second;
    }
    for (const auto& [name, node] : after) node->lose_power(random);
    names_ = after;
    synced_names_ = after;
  }

  // For damage by hand.
  [[nodiscard]] std::string& content(const std::string& name) {
    Node& node = *names_.at(name);
    node.is_ahead = true;
    return node.now;
  }
  [[nodiscard]] bool has(const std::string& name) const { return names_.contains(name); }
  void put(const std::string& name, std::string text) {
    auto node = std::make_shared<Node>();
    node->now = node->synced = std::move(text);
    names_[name] = synced_names_[name] = node;
  }
  // Everything that `other` holds, synced: a copy of the folder.
  void copy_from(const CrashFiles& other) {
    clear();
    for (const auto& [name, node] : other.names_) put(name, node->now);
  }
  void clear() {
    names_.clear();
    synced_names_.clear();
  }
  [[nodiscard]] std::vector<std::string> segments() const {
    std::vector<std::string> found;
    for (const auto& [name, node] : names_) {
      if (name.starts_with("segment-")) found.push_back(name);
    }
    return found;
  }
  [[nodiscard]] std::uint64_t used() const {
    std::uint64_t bytes = 0;
    for (const auto& [name, node] : names_) bytes += node->now.size();
    return bytes;
  }

 private:
  struct Change {
    std::uint64_t offset = 0;
    std::string bytes;
    bool is_truncation = false;
  };

  struct Node {
    std::string now;     // what a read gives
    std::string synced;  // what a power loss leaves in any case
    std::deque<Change> changes;
    bool is_ahead = false;  // `now` is ahead of `synced` by more than `changes`

    static void apply(std::string& to, const Change& change, std::size_t size) {
      if (change.is_truncation) return to.resize(change.offset, '\0');
      const auto offset = static_cast<std::size_t>(change.offset);
      if (to.size() < offset + size) to.resize(offset + size, '\0');
      to.replace(offset, size, change.bytes, 0, size);
    }

    void change(Change one) {
      apply(now, one, one.bytes.size());
      changes.push_back(std::move(one));
      // The kernel writes back by itself, too.
      constexpr std::size_t kMostDirty = 512;
      if (changes.size() <= kMostDirty) return;
      apply(synced, changes.front(), changes.front().bytes.size());
      changes.pop_front();
    }

    void write_back() {
      if (std::exchange(is_ahead, false)) {
        synced = now;
      } else {
        for (const Change& one : changes) apply(synced, one, one.bytes.size());
      }
      changes.clear();
    }

    // What the kernel did not get onto the disk it may show as if it had.
    void forget() {
      is_ahead = true;
      changes.clear();
    }

    void lose_power(const std::function<std::uint64_t()>& random) {
      const std::uint64_t manner = random() % 4;
      std::size_t kept = changes.size();
      if (manner == 1) kept = 0;
      if (manner == 2) kept = static_cast<std::size_t>(random() % (changes.size() + 1));
      for (std::size_t i = 0; i < kept; ++i) {
        if (manner == 3 && random() % 2 == 0) continue;
        const std::size_t whole = changes[i].bytes.size();
        const bool is_torn = manner >= 2 && i + 1 == kept && whole > 0;
        apply(synced, changes[i], is_torn ? static_cast<std::size_t>(random() % whole) : whole);
      }
      changes.clear();
      now = synced;
      is_ahead = false;
    }
  };

  class OpenFile final : public File {
   public:
    OpenFile(CrashFiles& disk, std::string name, std::shared_ptr<Node> node, OpenMode mode)
        : disk_(disk), name_(std::move(name)), node_(std::move(node)), mode_(mode) {}

    [[nodiscard]] Result<std::string> read_at(std::uint64_t offset, std::size_t size) override {
      if (const int failed = disk_.ask("read")) return Error::from_errno(name_, "read", failed);
      if (offset >= node_->now.size()) return std::string();
      return node_->now.substr(static_cast<std::size_t>(offset), size);
    }

    [[nodiscard]] Result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
      if (mode_ == OpenMode::read) return Error::from_errno(name_, "write", EBADF);
      int failed = disk_.fault ? disk_.fault("write") : 0;
      const std::uint64_t end = offset + bytes.size();
      const std::uint64_t grows = end > node_->now.size() ? end - node_->now.size() : 0;
      if (failed == 0 && grows > 0 && disk_.capacity != UINT64_MAX && disk_.used() + grows > disk_.capacity)
        failed = ENOSPC;
      if (failed != 0) bytes = bytes.substr(0, disk_.random() % (bytes.size() + 1));  // a short write
      if (failed == 0 || !bytes.empty()) node_->change({offset, std::string(bytes), false});
      const bool is_whole = bytes.size() == end - offset && (failed == 0 || failed == kKilled);
      if (disk_.wrote && is_whole) disk_.wrote(name_, bytes);
      if (failed == kKilled) throw Killed{};
      if (failed != 0) return Error::from_errno(name_, "write", failed);
      return {};
    }

    [[nodiscard]] Result<void> truncate(std::uint64_t size) override {
      if (const int failed = disk_.ask("truncate")) return Error::from_errno(name_, "truncate", failed);
      node_->change({size, "", true});
      return {};
    }

    [[nodiscard]] Result<void> sync() override {
      ++disk_.syncs;
      const int failed = disk_.ask("sync");
      if (disk_.synced) disk_.synced(name_, failed == 0);
      if (failed != 0) {
        if (disk_.random() % 2 == 0) node_->forget();
        return Error::from_errno(name_, "fdatasync", failed);
      }
      if (!disk_.is_sync_real) return {};
      node_->write_back();
      return {};
    }

   private:
    CrashFiles& disk_;
    std::string name_;
    std::shared_ptr<Node> node_;
    OpenMode mode_;
  };

  int ask(std::string_view call) {
    const int failed = fault ? fault(call) : 0;
    if (failed == kKilled) throw Killed{};
    return failed;
  }

  std::map<std::string, std::shared_ptr<Node>> names_;
  std::map<std::string, std::shared_ptr<Node>> synced_names_;
};

}  // namespace sysmon::test
