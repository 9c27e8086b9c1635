#pragma once

#include "runtime/os/file_system.hpp"
#include "runtime/os/os_error.hpp"

#include <atomic>
#include <cerrno>
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

  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override {
    TRY(call("open", path));
    return std::unique_ptr<ReadableFile>(
        std::make_unique<Readable>(*this, path, TRY(below_.open(path))));
  }
  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override {
    TRY(call("create", path));
    return written(path, below_.create(path));
  }
  Result<std::unique_ptr<WritableFile>> create_private(const std::string& path) override {
    TRY(call("create", path));
    return written(path, below_.create_private(path));
  }
  Result<std::string> read(const std::string& path) override {
    TRY(call("read", path));
    return below_.read(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    TRY(call("list", path));
    return below_.list(path);
  }
  bool exists(const std::string& path) override { return below_.exists(path); }
  bool is_directory(const std::string& path) override { return below_.is_directory(path); }
  Result<std::uint64_t> size(const std::string& path) override {
    TRY(call("read the size of", path));
    return below_.size(path);
  }
  Result<std::string> version(const std::string& path) override {
    TRY(call("look at", path));
    return below_.version(path);
  }
  Result<std::string> follow_links(const std::string& path) override {
    TRY(call("follow the links of", path));
    return below_.follow_links(path);
  }
  Result<> make_directories(const std::string& path) override {
    TRY(call("create the directory", path));
    return below_.make_directories(path);
  }
  Result<> make_private_directories(const std::string& path) override {
    TRY(call("create the directory", path));
    return below_.make_private_directories(path);
  }
  Result<> rename(const std::string& from, const std::string& to) override {
    TRY(call("rename", from));
    return below_.rename(from, to);
  }
  Result<> rename_new(const std::string& from, const std::string& to) override {
    TRY(call("rename", from));
    if (!can_exchange_) return os_error("rename", from, ENOTSUP);
    return below_.rename_new(from, to);
  }
  Result<> exchange(const std::string& a, const std::string& b) override {
    TRY(call("exchange", a));
    if (!can_exchange_) return os_error("exchange", a, ENOTSUP);
    return below_.exchange(a, b);
  }
  Result<> remove_all(const std::string& path) override {
    TRY(call("remove", path));
    return below_.remove_all(path);
  }
  Result<> sync_directory(const std::string& path) override {
    TRY(call("sync", path));
    return below_.sync_directory(path);
  }

 private:
  class Readable final : public ReadableFile {
   public:
    Readable(FaultyFiles& files, std::string path, std::unique_ptr<ReadableFile> below)
        : files_(files), path_(std::move(path)), below_(std::move(below)) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
      const bool cut = into.size() > 1 && files_.cuts("read", path_);
      if (!cut) TRY(files_.call("read", path_));
      return below_->read_at(offset, cut ? into.first(into.size() / 2) : into);
    }
    Result<std::uint64_t> size() override {
      TRY(files_.call("read the size of", path_));
      return below_->size();
    }

   private:
    FaultyFiles& files_;
    const std::string path_;
    const std::unique_ptr<ReadableFile> below_;
  };

  class Written final : public WritableFile {
   public:
    Written(FaultyFiles& files, std::string path, std::unique_ptr<WritableFile> below)
        : files_(files), path_(std::move(path)), below_(std::move(below)) {}
    Result<> append(std::string_view bytes) override {
      TRY(files_.call("write", path_));
      return below_->append(bytes);
    }
    Result<> sync() override {
      TRY(files_.call("sync", path_));
      return below_->sync();
    }
    Result<> close() override {
      TRY(files_.call("close", path_));
      return below_->close();
    }

   private:
    FaultyFiles& files_;
    const std::string path_;
    const std::unique_ptr<WritableFile> below_;
  };

  Result<std::unique_ptr<WritableFile>> written(const std::string& path,
                                                Result<std::unique_ptr<WritableFile>> file) {
    return std::unique_ptr<WritableFile>(
        std::make_unique<Written>(*this, path, TRY(std::move(file))));
  }

  bool strikes(std::string_view doing, const std::string& path) {
    const int number = calls_++;
    if (number == happens_at_) happens_();
    if (fault_ == Fault::dead && fails_at_ >= 0 && number > fails_at_) return true;
    if (number != fails_at_) return false;
    struck_ = fmt::format("{} '{}'", doing, path);
    return true;
  }
  bool cuts(std::string_view doing, const std::string& path) {
    return fault_ == Fault::short_read && strikes(doing, path);
  }
  Result<> call(std::string_view doing, const std::string& path) {
    if (fault_ == Fault::short_read || !strikes(doing, path)) return {};
    return os_error(doing, path, fault_ == Fault::full ? ENOSPC : EIO);
  }

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
