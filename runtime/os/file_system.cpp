#include "runtime/os/file_system.hpp"

#include "runtime/base/node_fault.hpp"
#include "runtime/os/os_error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe {
namespace {

/// The kernel's own limit.
constexpr int links_max = 40;
/// Times that a removal begins again because somebody else removed a part of it.
constexpr int removal_rounds_max = 100;

/// What any other machine may well do: the device fails, the mount is gone, the process has no room
/// for one more open file.
bool machine_failed(int number) {
  switch (number) {
    case EIO:
    case ENXIO:
    case ENODEV:
    case ESTALE:
    case EREMOTEIO:
    case EUCLEAN:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

/// Bytes of a file in the memory of the process.
struct Mapping {
  std::string_view bytes;

  Mapping(const void* begin, std::size_t size) : bytes(static_cast<const char*>(begin), size) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { ::munmap(const_cast<char*>(bytes.data()), bytes.size()); }
};

class ReadSystemFile final : public ReadableFile {
 public:
  ReadSystemFile(int descriptor, std::string path)
      : descriptor_(descriptor), path_(std::move(path)) {}
  ~ReadSystemFile() override { ::close(descriptor_); }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    std::size_t filled = 0;
    while (filled < into.size()) {
      const ssize_t count = ::pread(descriptor_, into.data() + filled, into.size() - filled,
                                    static_cast<off_t>(offset + filled));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return os_error("read", path_, errno);
      if (count == 0) break;
      filled += static_cast<std::size_t>(count);
    }
    return filled;
  }

  Result<std::uint64_t> size() override {
    struct stat info;
    if (::fstat(descriptor_, &info) != 0) return os_error("read the size of", path_, errno);
    return static_cast<std::uint64_t>(info.st_size);
  }

  Result<std::shared_ptr<const std::string_view>> map() override {
    const std::size_t bytes = TRY(size());
    if (bytes == 0) return std::make_shared<const std::string_view>();  // cannot be mapped
    void* begin = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, descriptor_, 0);
    if (begin == MAP_FAILED) return os_error("map", path_, errno);
    const auto mapping = std::make_shared<const Mapping>(begin, bytes);
    return std::shared_ptr<const std::string_view>(mapping, &mapping->bytes);
  }

 private:
  const int descriptor_;
  const std::string path_;
};

/// A file of a disk that can only be read as a whole.
class WholeText final : public ReadableFile {
 public:
  explicit WholeText(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    return offset < bytes_.size() ? bytes_.copy(into.data(), into.size(), offset) : 0;
  }
  Result<std::uint64_t> size() override { return bytes_.size(); }

 private:
  const std::string bytes_;
};

class SystemFile final : public WritableFile {
 public:
  SystemFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~SystemFile() override {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  Result<> append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return os_error("write", path_, errno);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  Result<> sync() override {
    if (::fsync(descriptor_) != 0) return os_error("sync", path_, errno);
    return {};
  }

  Result<> close() override {
    const int descriptor = std::exchange(descriptor_, -1);
    if (descriptor >= 0 && ::close(descriptor) != 0) return os_error("close", path_, errno);
    return {};
  }

 private:
  int descriptor_;
  std::string path_;
};

class SystemFiles final : public FileSystem {
 public:
  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return os_error("open", path, errno);
    auto file = std::make_unique<ReadSystemFile>(descriptor, path);
    struct stat info;
    if (::fstat(descriptor, &info) != 0) return os_error("look at", path, errno);
    if (S_ISDIR(info.st_mode)) return os_error("open", path, EISDIR);
    // Fails for a pipe or a terminal: `pread` could not read these.
    if (::lseek(descriptor, 0, SEEK_CUR) < 0) return os_error("open", path, errno);
    return std::unique_ptr<ReadableFile>(std::move(file));
  }

  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override {
    return open_new(path, 0644);
  }

  Result<std::unique_ptr<WritableFile>> create_private(const std::string& path) override {
    // A file of that name that is there already would keep its own permissions.
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return os_error("replace", path, errno);
    auto file = TRY(open_new(path, 0600));
    // The umask may take rights of the owner away, too.
    TRY(make_private(path));
    return file;
  }

  Result<bool> is_private(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) return os_error("read the mode of", path, errno);
    return (info.st_mode & 077) == 0;
  }

  Result<> make_private(const std::string& path) override {
    if (::chmod(path.c_str(), is_directory(path) ? 0700 : 0600) != 0) {
      return os_error("set the mode of", path, errno);
    }
    return {};
  }

  Result<std::string> read(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return os_error("open", path, errno);
    std::string bytes;
    char block[1 << 16];
    for (;;) {
      const ssize_t count = ::read(descriptor, block, sizeof block);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        const Error error = os_error("read", path, errno);
        ::close(descriptor);
        return error;
      }
      if (count == 0) break;
      bytes.append(block, static_cast<std::size_t>(count));
    }
    ::close(descriptor);
    return bytes;
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    DIR* handle = ::opendir(directory.c_str());
    if (handle == nullptr) return os_error("list", directory, errno);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(handle)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    ::closedir(handle);
    std::sort(names.begin(), names.end());
    return names;
  }

  bool exists(const std::string& path) override {
    struct stat info;
    return ::lstat(path.c_str(), &info) == 0;
  }

  bool is_directory(const std::string& path) override {
    struct stat info;
    return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  }

  Result<std::uint64_t> size(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) return os_error("read the size of", path, errno);
    return static_cast<std::uint64_t>(info.st_size);
  }

  Result<> make_directories(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return os_error("create the directory", path, error.value());
    return {};
  }

  Result<std::string> version(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) return os_error("look at", path, errno);
    return fmt::format("{}-{}-{}.{:09}", info.st_size, info.st_ino, info.st_mtim.tv_sec,
                       info.st_mtim.tv_nsec);
  }

  Result<std::string> follow_links(const std::string& path) override {
    std::filesystem::path at(path);
    std::error_code error;
    for (int link = 0; std::filesystem::is_symlink(at, error); ++link) {
      if (link == links_max) return os_error("follow the links of", path, ELOOP);
      const auto target = std::filesystem::read_symlink(at, error);
      if (error) return os_error("read the link", at.string(), error.value());
      at = target.is_absolute() ? target : at.parent_path() / target;
    }
    return at.string();
  }

  Result<> make_private_directories(const std::string& path) override {
    std::vector<std::string> made;
    std::filesystem::path at(path);
    if (!at.has_filename()) at = at.parent_path();
    for (; !at.empty() && !exists(at); at = at.parent_path()) made.push_back(at);
    for (auto one = made.rbegin(); one != made.rend(); ++one) {
      if (::mkdir(one->c_str(), 0700) == 0) {
        TRY(make_private(*one));
      } else if (errno != EEXIST) {
        return os_error("create the directory", *one, errno);
      }
    }
    if (!is_directory(path)) return os_error("create the directory", path, ENOTDIR);
    return {};
  }

  Result<> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      return os_error("rename", from + "' to '" + to, errno);
    }
    return {};
  }

  Result<> rename_new(const std::string& from, const std::string& to) override {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
      return os_error("rename", from + "' to '" + to, errno);
    }
    return {};
  }

  Result<> exchange(const std::string& a, const std::string& b) override {
    if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) != 0) {
      return os_error("exchange", a + "' with '" + b, errno);
    }
    return {};
  }

  /// Somebody else may remove parts of it at the same time. Then the walk fails half way, although
  /// nothing is wrong: it begins again with what is left.
  Result<> remove_all(const std::string& path) override {
    std::error_code error;
    for (int round = 0; round < removal_rounds_max; ++round) {
      std::filesystem::remove_all(path, error);
      if (!error) return {};
      if (error != std::errc::no_such_file_or_directory) break;
    }
    return os_error("remove", path, error.value());
  }

  Result<> sync_directory(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return os_error("open", path, errno);
    const int outcome = ::fsync(descriptor);
    const int number = errno;
    ::close(descriptor);
    if (outcome != 0) return os_error("sync", path, number);
    return {};
  }

 private:
  static Result<std::unique_ptr<WritableFile>> open_new(const std::string& path, mode_t mode) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (descriptor < 0) return os_error("create", path, errno);
    return std::unique_ptr<WritableFile>(std::make_unique<SystemFile>(descriptor, path));
  }
};

}  // namespace

Error os_error(std::string_view doing, const std::string& path, int number) {
  ErrorCode code = ErrorCode::unavailable;
  if (number == ENOENT || number == ENOTDIR) code = ErrorCode::not_found;
  if (number == EEXIST || number == ENOTEMPTY) code = ErrorCode::already_exists;
  if (number == EACCES || number == EPERM || number == EROFS || number == EISDIR) {
    code = ErrorCode::invalid_argument;
  }
  if (number == ELOOP || number == ENAMETOOLONG) code = ErrorCode::invalid_argument;
  if (number == EINVAL || number == ENOSYS || number == ENOTSUP || number == ESPIPE) {
    code = ErrorCode::unsupported;
  }
  const Error error = make_error(code, "cannot {} '{}': {}", doing, path, std::strerror(number));
  return machine_failed(number) ? node_fault(error) : error;
}

Result<std::string> FileSystem::version(const std::string& path) {
  return std::to_string(TRY(size(path)));
}

Result<std::shared_ptr<const std::string_view>> ReadableFile::map() {
  struct Whole {
    std::string text;
    std::string_view bytes;
  };
  const auto whole = std::make_shared<Whole>();
  whole->text.resize(TRY(size()));
  whole->text.resize(TRY(read_at(0, whole->text)));
  whole->bytes = whole->text;
  return std::shared_ptr<const std::string_view>(whole, &whole->bytes);
}

Result<std::unique_ptr<ReadableFile>> FileSystem::open(const std::string& path) {
  return std::unique_ptr<ReadableFile>(std::make_unique<WholeText>(TRY(read(path))));
}

Result<std::string> FileSystem::read_range(const std::string& path, std::uint64_t offset,
                                           std::uint64_t length) {
  const auto file = TRY(open(path));
  std::string bytes(length, '\0');
  bytes.resize(TRY(file->read_at(offset, bytes)));
  return bytes;
}

FileSystem& system_files() {
  static SystemFiles files;
  return files;
}

Result<> write_atomically(FileSystem& files, const std::string& path, std::string_view bytes) {
  const std::string beside = path + ".new";
  {
    auto file = TRY(files.create(beside));
    TRY(file->append(bytes));
    TRY(file->sync());
    TRY(file->close());
  }
  TRY(files.rename(beside, path));
  const auto slash = path.rfind('/');
  return files.sync_directory(slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

}  // namespace troupe
