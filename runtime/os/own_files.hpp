#pragma once

#include "runtime/os/file_system.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// The door to what a node keeps for itself: its data directory, keys, kept partitions, overflow of
/// operators. Another disk below, seen in two ways:
///
/// - Whatever is made is its owner's alone from its first byte on: 0600, directories 0700, whatever
///   the umask. Rows are in there, and keys.
/// - Whatever fails is this node's fault (`runtime/base/node_fault.hpp`), never the job's: also
/// what
///   would be the job's with its own files, a directory that is gone or closed.
///
/// What users read and write (`formats`, `connectors`) does not go through here.
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

/// That door on the machine's disk. Stateless, shared by all.
FileSystem& own_files();

/// What of `directory` and of all that is in it others than its owner may reach, at most
/// `loose_named_max` of them; none where nothing. Blocks.
Result<std::vector<std::string>> loose_files(FileSystem& files, const std::string& directory);

inline constexpr std::size_t loose_named_max = 3;

}  // namespace troupe
