#include "sysmon/state_files.hpp"

#include <dirent.h>
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

class DiskFile final : public File {
 public:
  DiskFile(std::string where, int descriptor) : where_(std::move(where)), descriptor_(descriptor) {}
  ~DiskFile() override { ::close(descriptor_); }
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;

  [[nodiscard]] Result<std::string> read_at(std::uint64_t offset, std::size_t size) override {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got =
          ::pread(descriptor_, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Error::from_errno(where_, "read", errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
  }

  [[nodiscard]] Result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Error::from_errno(where_, "write", errno);
      offset += static_cast<std::uint64_t>(written);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  [[nodiscard]] Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) == 0) return {};
    return Error::from_errno(where_, "truncate", errno);
  }

  [[nodiscard]] Result<void> sync() override {
    if (::fdatasync(descriptor_) == 0) return {};
    return Error::from_errno(where_, "fdatasync", errno);
  }

 private:
  std::string where_;
  int descriptor_;
};

// The folder itself: ours, and open to nobody else.
Result<int> open_private(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    Error error = Error::from_errno(path, "open", errno);
    // ENOTDIR is also what a symlink gives with both flags.
    if (errno == ELOOP || errno == ENOTDIR) {
      error = {Error::Kind::invalid, path, "is a symlink or no folder; expected a private folder", 0};
    }
    return error;
  }
  return fd;
}

Result<void> check_private(int fd, const std::string& path, bool may_be_anybodys) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return Error::from_errno(path, "fstat", errno);
  if (info.st_uid != ::geteuid() && !may_be_anybodys) {
    return Error{Error::Kind::invalid, path, "belongs to uid " + std::to_string(info.st_uid) + ", not to us",
                 0};
  }
  if ((info.st_mode & 077U) != 0) {
    return Error{Error::Kind::invalid, path, "is open to others. Fix: chmod 700 " + path, 0};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<StateDirectory>> StateDirectory::open(const std::string& path) {
  if (auto made = make_directories(path); !made) return made.error();
  const auto opened = open_private(path);
  if (!opened) return opened.error();
  std::unique_ptr<StateDirectory> directory(new StateDirectory(path, *opened));  // closes it from here on
  if (auto is_private = check_private(*opened, path, false); !is_private) return is_private.error();
  if (::flock(*opened, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error::from_errno(path, "flock", errno);
    return Error{Error::Kind::unavailable, path, "another agent uses it", 0};
  }
  return directory;
}

Result<std::unique_ptr<StateDirectory>> StateDirectory::open_to_look(const std::string& path) {
  const auto opened = open_private(path);
  if (!opened) return opened.error();
  std::unique_ptr<StateDirectory> directory(new StateDirectory(path, *opened));
  if (auto is_private = check_private(*opened, path, ::geteuid() == 0); !is_private)
    return is_private.error();
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

Result<std::unique_ptr<File>> StateDirectory::open(const std::string& name, OpenMode mode) {
  const std::string where = path_ + "/" + name;
  const unsigned access = (mode == OpenMode::read ? unsigned{O_RDONLY} : unsigned{O_RDWR}) |
                          unsigned{O_NOFOLLOW} | unsigned{O_CLOEXEC} | unsigned{O_NONBLOCK};
  constexpr unsigned kMade = unsigned{O_CREAT} | unsigned{O_EXCL};  // what is made was not there before
  int fd = ::openat(descriptor_, name.c_str(), static_cast<int>(access));
  if (fd < 0 && errno == ENOENT && mode == OpenMode::write) {
    fd = ::openat(descriptor_, name.c_str(), static_cast<int>(access | kMade), kPrivateFile);
  }
  if (fd < 0) return Error::from_errno(where, "open", errno);
  std::unique_ptr<File> file = std::make_unique<DiskFile>(where, fd);
  struct stat info{};
  if (::fstat(fd, &info) != 0) return Error::from_errno(where, "fstat", errno);
  if (!S_ISREG(info.st_mode)) return Error{Error::Kind::invalid, where, "is no regular file", 0};
  return file;
}

Result<std::vector<std::string>> StateDirectory::list() {
  const int fd = ::openat(descriptor_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Error::from_errno(path_, "open", errno);
  DIR* const folder = ::fdopendir(fd);  // owns fd
  if (folder == nullptr) {
    const int failed = errno;
    ::close(fd);
    return Error::from_errno(path_, "fdopendir", failed);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name(static_cast<const char*>(entry->d_name));
    if (name != "." && name != "..") names.push_back(name);
  }
  const int failed = errno;
  ::closedir(folder);
  if (failed != 0) return Error::from_errno(path_, "readdir", failed);
  return names;
}

Result<void> StateDirectory::remove(const std::string& name) {
  if (::unlinkat(descriptor_, name.c_str(), 0) == 0) return {};
  return Error::from_errno(path_ + "/" + name, "unlink", errno);
}

Result<void> StateDirectory::sync() {
  if (::fsync(descriptor_) == 0) return {};
  return Error::from_errno(path_, "fsync", errno);
}

}  // namespace sysmon
