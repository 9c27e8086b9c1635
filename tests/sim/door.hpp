#pragma once

#include "runtime/os/file_system.hpp"
#include "tests/sim/mutation.hpp"
#include "tests/support/sim_disk.hpp"

#include <functional>

namespace troupe::sim {

/// The way of processes to a disk. What is left of a process that was killed may still try to
/// clean up, when its memory is taken apart here: it finds the door shut. Mistakes about disks are
/// planted here, too.
class Door final : public FileSystem {
 public:
  /// `shut` says whether who asks is dead.
  Door(Disk& disk, Mutation mutation, std::function<bool()> shut)
      : disk_(disk), mutation_(mutation), shut_(std::move(shut)) {}

  /// Hears of each file that is made.
  void on_create(std::function<void(const std::string& path)> heard) { heard_ = std::move(heard); }

  /// Is called before each change of the disk, which fails where it does; none: nobody.
  void meanwhile(std::function<Result<>(const std::string& path)> happens) {
    meanwhile_ = std::move(happens);
  }

  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override;
  Result<std::string> read(const std::string& path) override { return disk_.read(path); }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    return disk_.list(directory);
  }
  bool exists(const std::string& path) override;
  bool is_directory(const std::string& path) override { return disk_.is_directory(path); }
  Result<std::uint64_t> size(const std::string& path) override { return disk_.size(path); }
  Result<std::string> version(const std::string& path) override { return disk_.version(path); }
  Result<> make_directories(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> rename_new(const std::string& from, const std::string& to) override;
  Result<> exchange(const std::string& a, const std::string& b) override;
  Result<> remove_all(const std::string& path) override;
  Result<> sync_directory(const std::string& path) override;

 private:
  class File;
  Result<> open(const std::string& path) const;

  Disk& disk_;
  const Mutation mutation_;
  const std::function<bool()> shut_;
  std::function<void(const std::string&)> heard_;
  std::function<Result<>(const std::string&)> meanwhile_;
};

}  // namespace troupe::sim
