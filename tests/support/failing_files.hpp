#pragma once

#include "runtime/os/file_system.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// The real disk until call number `calls_max`; from then on every call that changes something
/// fails, as for a process that has died there. Counts the changing calls.
class FailingFiles final : public FileSystem {
 public:
  explicit FailingFiles(FileSystem& below, int calls_max = 1 << 30)
      : below_(below), calls_max_(calls_max) {}

  int calls() const { return calls_; }
  /// What somebody else does just before changing call number `call`.
  void before_call(int call, std::function<void()> happens) {
    happens_at_ = call;
    happens_ = std::move(happens);
  }
  /// As on file systems that cannot swap two paths, nor rename only to a new name.
  void refuse_exchange() { can_exchange_ = false; }

  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override {
    TRY(change());
    return std::unique_ptr<WritableFile>(std::make_unique<File>(*this, TRY(below_.create(path))));
  }
  Result<std::string> read(const std::string& path) override { return below_.read(path); }
  Result<std::vector<std::string>> list(const std::string& path) override {
    return below_.list(path);
  }
  bool exists(const std::string& path) override { return below_.exists(path); }
  bool is_directory(const std::string& path) override { return below_.is_directory(path); }
  Result<std::uint64_t> size(const std::string& path) override { return below_.size(path); }
  Result<> make_directories(const std::string& path) override {
    TRY(change());
    return below_.make_directories(path);
  }
  Result<> rename(const std::string& from, const std::string& to) override {
    TRY(change());
    return below_.rename(from, to);
  }
  Result<> rename_new(const std::string& from, const std::string& to) override {
    TRY(change());
    if (!can_exchange_) return fail(ErrorCode::unsupported, "this disk cannot tell");
    return below_.rename_new(from, to);
  }
  Result<> exchange(const std::string& a, const std::string& b) override {
    TRY(change());
    if (!can_exchange_) return fail(ErrorCode::unsupported, "this disk cannot exchange");
    return below_.exchange(a, b);
  }
  Result<> remove_all(const std::string& path) override {
    TRY(change());
    return below_.remove_all(path);
  }
  Result<> sync_directory(const std::string& path) override {
    TRY(change());
    return below_.sync_directory(path);
  }

 private:
  class File final : public WritableFile {
   public:
    File(FailingFiles& files, std::unique_ptr<WritableFile> below)
        : files_(files), below_(std::move(below)) {}
    Result<> append(std::string_view bytes) override {
      TRY(files_.change());
      return below_->append(bytes);
    }
    Result<> sync() override { return files_.change(); }
    Result<> close() override { return below_->close(); }

   private:
    FailingFiles& files_;
    std::unique_ptr<WritableFile> below_;
  };

  Result<> change() {
    if (calls_ >= calls_max_) return fail(ErrorCode::unavailable, "the disk is gone");
    if (calls_++ == happens_at_) happens_();
    return {};
  }

  FileSystem& below_;
  const int calls_max_;
  std::atomic<int> calls_ = 0;
  bool can_exchange_ = true;
  int happens_at_ = -1;
  std::function<void()> happens_;
};

}  // namespace troupe
