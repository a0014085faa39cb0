#include "sysmon/procfs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace sysmon {
namespace {

constexpr std::size_t kFirstBuffer = 4096;
// No kernel file we read comes near; a FIFO or a device bound over one would never end.
constexpr std::size_t kMaxKernelFile = 8U << 20U;

// The kernel fills a page or what was asked for, whichever is less, with whole records; of the files that are read
// each tick none has records this long. So a short reading below it is the end, and saves asking for more.
constexpr ssize_t kSurelyWhole = 2048;

// Reads `fd` from offset 0 to its end into `buffer`, which only grows. Returns the size, or -1 with errno
// set.
ssize_t pread_whole(int fd, std::string& buffer, std::size_t max_bytes) {
  std::size_t size = 0;
  if (buffer.size() < kFirstBuffer) buffer.resize(kFirstBuffer);
  for (;;) {
    if (size == buffer.size()) {
      if (size >= max_bytes) {
        errno = EFBIG;
        return -1;
      }
      buffer.resize(std::min(buffer.size() * 2, max_bytes));
    }
    const ssize_t got = ::pread(fd, buffer.data() + size, buffer.size() - size, static_cast<off_t>(size));
    if (got < 0) {
      if (errno == EINTR) continue;
      return -1;
    }
    const bool is_first = size == 0;
    size += static_cast<std::size_t>(got);
    if (got == 0 || (is_first && got < kSurelyWhole && size < buffer.size()))
      return static_cast<ssize_t>(size);
  }
}

int open_for_reading(const std::string& path) {
  // O_NONBLOCK: a FIFO in the place of a file must not stop the tick.
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

Error too_large(const std::string& path, std::size_t max_bytes) {
  return {Error::Kind::too_large, path, "longer than " + std::to_string(max_bytes) + " bytes", 0};
}

}  // namespace

std::string ProcRoot::path(std::string_view absolute) const {
  std::string joined;
  path_into(joined, absolute);
  return joined;
}

void ProcRoot::path_into(std::string& out, std::string_view absolute) const {
  out.clear();
  if (!is_live()) {
    out = prefix_;
    if (out.back() == '/') out.pop_back();
  }
  out += absolute;
}

std::vector<ProcRoot> ProcRoot::steps() const {
  struct stat info{};
  const std::string first = path("/t0");
  const std::string second = path("/t1");
  if (!is_live() && ::stat(first.c_str(), &info) == 0 && ::stat(second.c_str(), &info) == 0) {
    return {ProcRoot(first), ProcRoot(second)};
  }
  return {*this};
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  const int fd = open_for_reading(path);
  if (fd < 0) return Error::from_errno(path, "open", errno);
  std::string text;
  const ssize_t size = pread_whole(fd, text, max_bytes);
  const int failed = errno;
  ::close(fd);
  if (size < 0) {
    if (failed == EFBIG) return too_large(path, max_bytes);
    return Error::from_errno(path, "read", failed);
  }
  text.resize(static_cast<std::size_t>(size));
  return text;
}

KernelFile::~KernelFile() { close(); }

void KernelFile::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  fresh_ = false;
}

Result<std::string_view> KernelFile::read() {
  if (fresh_) return std::string_view(buffer_.data(), size_);
  const bool was_open = fd_ >= 0;
  auto text = read_now();
  if (text || !was_open) return text;
  // The device behind a kept descriptor may have been replaced by another of the same name.
  close();
  return read_now();
}

Result<std::string_view> KernelFile::read_now() {
  if (fd_ < 0) {
    fd_ = open_for_reading(path_);
    if (fd_ < 0) return Error::from_errno(path_, "open", errno);
  }
  const ssize_t size = pread_whole(fd_, buffer_, kMaxKernelFile);
  if (size < 0) {
    const int failed = errno;
    close();
    if (failed == EFBIG) return too_large(path_, kMaxKernelFile);
    return Error::from_errno(path_, "read", failed);
  }
  size_ = static_cast<std::size_t>(size);
  fresh_ = true;
  return std::string_view(buffer_.data(), size_);
}

KernelFile& KernelFiles::file(std::string_view absolute_path) {
  const auto known = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.absolute_path == absolute_path; });
  if (known != entries_.end()) return *known->file;
  entries_.push_back({std::string(absolute_path), std::make_unique<KernelFile>(root_.path(absolute_path))});
  return *entries_.back().file;
}

std::optional<std::string_view> KernelFiles::read_attribute(std::string_view absolute_path) {
  root_.path_into(attribute_path_, absolute_path);
  const int fd = open_for_reading(attribute_path_);
  if (fd < 0) return std::nullopt;
  ssize_t size = 0;
  do {
    size = ::read(fd, attribute_.data(), attribute_.size());
  } while (size < 0 && errno == EINTR);
  ::close(fd);
  if (size < 0) return std::nullopt;
  return std::string_view(attribute_.data(), static_cast<std::size_t>(size));
}

void KernelFiles::forget(std::string_view absolute_path) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.absolute_path == absolute_path; });
}

void KernelFiles::next_tick() {
  for (Entry& entry : entries_) entry.file->fresh_ = false;
}

void KernelFiles::set_root(ProcRoot root) {
  root_ = std::move(root);
  for (Entry& entry : entries_) {
    entry.file->close();
    entry.file->path_ = root_.path(entry.absolute_path);
  }
}

}  // namespace sysmon
