#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A file being written. Bytes are durable after `sync` and not before.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual Result<> append(std::string_view bytes) = 0;
  /// A failed sync is final: the caller must give the file up, never retry (the kernel may have
  /// dropped the pages it could not write).
  virtual Result<> sync() = 0;
  virtual Result<> close() = 0;
};

/// A file being read, at any place. It holds no position, so threads may share it.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  /// Fills `into` with the bytes from `offset` on and returns their number: smaller only if the
  /// file ends before.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) = 0;
  /// The size now: somebody else may be writing to it.
  virtual Result<std::uint64_t> size() = 0;
  /// All bytes that it has now, for as long as the result lives. The machine's disk maps them into
  /// memory, other disks keep the default and read them. Of a mapped file the bytes are read when
  /// they are touched: who changes it meanwhile changes them, and who cuts it short ends this
  /// process by SIGBUS. So only for those who asked for it.
  virtual Result<std::shared_ptr<const std::string_view>> map();
};

/// The door to a disk, for our own files and those of users; there is no other. `main` chooses the
/// disk and hands it down (`OperatorRegistry`, `OperatorContext`, the services of an actor), so a
/// test can give any part of the system one that fails. All calls block.
///
/// Failures of the machine alone (a device that fails, a mount that is gone) are a node fault
/// (`runtime/base/node_fault.hpp`); a full disk is `unavailable`; an impossible path is the
/// caller's mistake.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  /// Opens for reading. `invalid_argument` for a directory, `unsupported` for a pipe or another
  /// file without positions. A simulated disk keeps the default: the bytes of `read`, in memory.
  virtual Result<std::unique_ptr<ReadableFile>> open(const std::string& path);
  virtual Result<std::unique_ptr<WritableFile>> create(const std::string& path) = 0;
  /// Like `create`, but from its first byte on only the owner can read the file. A disk without
  /// users (a simulated one) keeps the defaults of these three.
  virtual Result<std::unique_ptr<WritableFile>> create_private(const std::string& path) {
    return create(path);
  }
  /// True if only the owner may read or write it.
  virtual Result<bool> is_private(const std::string&) { return true; }
  /// Makes it private: a directory 0700, a file 0600.
  virtual Result<> make_private(const std::string&) { return {}; }
  virtual Result<std::string> read(const std::string& path) = 0;
  /// `length` bytes from `offset` on; fewer only if the file ends before.
  Result<std::string> read_range(const std::string& path, std::uint64_t offset,
                                 std::uint64_t length);
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  virtual bool exists(const std::string& path) = 0;
  virtual bool is_directory(const std::string& path) = 0;
  virtual Result<std::uint64_t> size(const std::string& path) = 0;
  /// A text that changes whenever the content may have changed: made from size, inode and time of
  /// the last change. Two nodes that share a storage see the same.
  virtual Result<std::string> version(const std::string& path);
  /// The path that a symbolic link leads to in the end, whether it exists or not; a path that is no
  /// link is its own answer. A disk without links keeps this default.
  virtual Result<std::string> follow_links(const std::string& path) { return path; }
  virtual Result<> make_directories(const std::string& path) = 0;
  /// Like `make_directories`; the new ones are private.
  virtual Result<> make_private_directories(const std::string& path) {
    return make_directories(path);
  }
  /// Atomic if source and target are on one file system; the target is replaced.
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  /// `rename` to a free name: `already_exists` if it is taken (renameat2 RENAME_NOREPLACE);
  /// `unsupported` if the file system cannot check and rename in one step.
  virtual Result<> rename_new(const std::string& from, const std::string& to) = 0;
  /// Swaps two existing paths in one step (renameat2 RENAME_EXCHANGE); `unsupported` if the file
  /// system cannot.
  virtual Result<> exchange(const std::string& a, const std::string& b) = 0;
  virtual Result<> remove_all(const std::string& path) = 0;
  /// Makes names created, renamed or removed in this directory durable.
  virtual Result<> sync_directory(const std::string& path) = 0;
};

/// The machine's disk. Stateless, shared by all. Only for `main` and the like, which build things;
/// everything else is given its disk (`.ci/tidy.py`).
FileSystem& system_files();

/// Writes `bytes` beside `path`, syncs, renames over it and syncs the directory: a reader sees the
/// old content or the new one, also after a power cut.
Result<> write_atomically(FileSystem& files, const std::string& path, std::string_view bytes);

}  // namespace troupe
