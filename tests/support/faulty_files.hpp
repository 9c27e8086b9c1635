#pragma once

#include "runtime/os/file_system.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A disk on which one call goes wrong, and all others do what the disk below does: who does not
/// look at that one result goes on and tells a wrong story. Calls are counted, so that a test can
/// make each of them go wrong in turn. Questions that cannot fail (`exists`, `is_directory`) are
/// none.
class FaultyFiles final : public FileSystem {
 public:
  enum class Fault {
    broken,      ///< the device fails: as the machine's disk says it, its node's fault
    full,        ///< there is no room
    short_read,  ///< a read gives half of what is there; other calls go well
    dead,        ///< this call and all after it: their process died just before
  };

  explicit FaultyFiles(FileSystem& below) : below_(below) {}
  /// Call number `call` from now on goes wrong.
  void fail_at(int call, Fault fault) {
    fails_at_ = calls_ + call;
    fault_ = fault;
  }
  void heal() { fails_at_ = -1; }
  /// What somebody else does just before call number `call` from now on.
  void before_call(int call, std::function<void()> happens) {
    happens_at_ = calls_ + call;
    happens_ = std::move(happens);
  }
  /// As on file systems that cannot swap two paths, nor rename only to a new name.
  void refuse_exchange() { can_exchange_ = false; }
  /// Whether it has.
  bool struck() const { return !struck_.empty(); }
  /// What was asked for: "read '/data/x.csv'".
  const std::string& asked() const { return struck_; }
  int calls() const { return calls_; }

  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> create_private(const std::string& path) override;
  Result<std::string> read(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
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
  class Readable;
  class Written;

  Result<std::unique_ptr<WritableFile>> written(const std::string& path,
                                                Result<std::unique_ptr<WritableFile>> file);
  bool strikes(std::string_view doing, const std::string& path);
  bool cuts(std::string_view doing, const std::string& path);
  Result<> call(std::string_view doing, const std::string& path);

  FileSystem& below_;
  int fails_at_ = -1;
  Fault fault_ = Fault::broken;
  std::atomic<int> calls_ = 0;
  std::string struck_;
  int happens_at_ = -1;
  std::function<void()> happens_;
  bool can_exchange_ = true;
};

}  // namespace troupe
