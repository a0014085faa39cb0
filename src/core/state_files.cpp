#include "sysmon/state_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace sysmon {
namespace {

constexpr std::size_t kMaxFile = 64U << 10U;
constexpr mode_t kPrivateDirectory = 0700;
constexpr mode_t kPrivateFile = 0600;

// Every missing part of `path`. What exists is left as it is: the checks come when it is opened.
Result<void> make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), kPrivateDirectory) != 0 && errno != EEXIST) {
      return Error::from_errno(part, "mkdir", errno);
    }
    if (slash == std::string::npos) return {};
  }
}

Result<void> write_all(int fd, std::string_view text, const std::string& where) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error::from_errno(where, "write", errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) return Error::from_errno(where, "fsync", errno);
  return {};
}

}  // namespace

Result<std::unique_ptr<StateDirectory>> StateDirectory::open(const std::string& path) {
  if (auto made = make_directories(path); !made) return made.error();
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    Error error = Error::from_errno(path, "open", errno);
    // ENOTDIR is also what a symlink gives with both flags.
    if (errno == ELOOP || errno == ENOTDIR) {
      error = {Error::Kind::invalid, path, "is a symlink or no folder; expected a private folder", 0};
    }
    return error;
  }
  std::unique_ptr<StateDirectory> directory(new StateDirectory(path, fd));  // closes fd from here on
  struct stat info{};
  if (::fstat(fd, &info) != 0) return Error::from_errno(path, "fstat", errno);
  if (info.st_uid != ::geteuid()) {
    return Error{Error::Kind::invalid, path, "belongs to uid " + std::to_string(info.st_uid) + ", not to us",
                 0};
  }
  if ((info.st_mode & 077U) != 0) {
    return Error{Error::Kind::invalid, path, "is open to others. Fix: chmod 700 " + path, 0};
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error::from_errno(path, "flock", errno);
    return Error{Error::Kind::unavailable, path, "another agent uses it", 0};
  }
  return directory;
}

StateDirectory::~StateDirectory() { ::close(descriptor_); }

Result<std::string> StateDirectory::read(const std::string& name) {
  const std::string where = path_ + "/" + name;
  const int fd = ::openat(descriptor_, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Error::from_errno(where, "open", errno);
  std::string text(kMaxFile, '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  while (size < text.size() &&
         ((got = ::read(fd, text.data() + size, text.size() - size)) > 0 || (got < 0 && errno == EINTR))) {
    if (got > 0) size += static_cast<std::size_t>(got);
  }
  const int failed = got < 0 ? errno : 0;
  ::close(fd);
  if (failed != 0) return Error::from_errno(where, "read", failed);
  text.resize(size);
  return text;
}

Result<void> StateDirectory::write(const std::string& name, std::string_view text) {
  const std::string where = path_ + "/" + name;
  const std::string temporary = name + ".new";
  ::unlinkat(descriptor_, temporary.c_str(), 0);  // of a writer that was killed
  const int fd = ::openat(descriptor_, temporary.c_str(),
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kPrivateFile);
  if (fd < 0) return Error::from_errno(where, "create", errno);
  auto written = write_all(fd, text, where);
  ::close(fd);
  if (written && ::renameat(descriptor_, temporary.c_str(), descriptor_, name.c_str()) != 0) {
    written = Error::from_errno(where, "rename", errno);
  }
  if (!written) {
    ::unlinkat(descriptor_, temporary.c_str(), 0);
    return written;
  }
  if (::fsync(descriptor_) != 0) return Error::from_errno(path_, "fsync", errno);
  return {};
}

}  // namespace sysmon
