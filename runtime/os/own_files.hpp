#pragma once

#include "runtime/os/file_system.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// The door to the files that a node keeps for itself: its data directory, keys, kept partitions,
/// overflow of operators. It adds two things to the disk below:
///
/// - All that it makes is private from its first byte on: files 0600, directories 0700, whatever
///   the umask. Rows are in there, and keys.
/// - All that fails is this node's fault (`runtime/base/node_fault.hpp`), never the job's. So is a
///   directory that is gone or closed, which would be a mistake of the job for its own files.
///
/// Files that users read and write (`formats`, `connectors`) do not go through here.
class OwnFiles final : public FileSystem {
 public:
  explicit OwnFiles(FileSystem& below) : below_(below) {}

  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> create_private(const std::string& path) override;
  Result<bool> is_private(const std::string& path) override;
  Result<> make_private(const std::string& path) override;
  Result<std::string> read(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  bool exists(const std::string& path) override { return below_.exists(path); }
  bool is_directory(const std::string& path) override { return below_.is_directory(path); }
  Result<std::uint64_t> size(const std::string& path) override;
  Result<std::string> version(const std::string& path) override;
  Result<std::string> follow_links(const std::string& path) override;
  Result<> make_directories(const std::string& path) override;
  Result<> make_private_directories(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> rename_new(const std::string& from, const std::string& to) override;
  Result<> exchange(const std::string& a, const std::string& b) override;
  Result<> remove_all(const std::string& path) override;
  Result<> sync_directory(const std::string& path) override;

 private:
  FileSystem& below_;
};

/// This door, on the machine's disk. Stateless, shared by all.
FileSystem& own_files();

/// Paths that other users than the owner may reach: `directory` itself and all that is in it are
/// looked at, at most `exposed_named_max` are returned. Blocks.
Result<std::vector<std::string>> exposed_files(FileSystem& files, const std::string& directory);

inline constexpr std::size_t exposed_named_max = 3;

}  // namespace troupe
