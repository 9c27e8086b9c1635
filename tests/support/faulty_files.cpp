#include "tests/support/faulty_files.hpp"

#include "runtime/os/os_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

namespace troupe {

class FaultyFiles::Readable final : public ReadableFile {
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

class FaultyFiles::Written final : public WritableFile {
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

Result<std::unique_ptr<ReadableFile>> FaultyFiles::open(const std::string& path) {
  TRY(call("open", path));
  return std::unique_ptr<ReadableFile>(
      std::make_unique<Readable>(*this, path, TRY(below_.open(path))));
}

Result<std::unique_ptr<WritableFile>> FaultyFiles::create(const std::string& path) {
  TRY(call("create", path));
  return written(path, below_.create(path));
}

Result<std::unique_ptr<WritableFile>> FaultyFiles::create_private(const std::string& path) {
  TRY(call("create", path));
  return written(path, below_.create_private(path));
}

Result<std::string> FaultyFiles::read(const std::string& path) {
  TRY(call("read", path));
  return below_.read(path);
}

Result<std::vector<std::string>> FaultyFiles::list(const std::string& path) {
  TRY(call("list", path));
  return below_.list(path);
}

Result<std::uint64_t> FaultyFiles::size(const std::string& path) {
  TRY(call("read the size of", path));
  return below_.size(path);
}

Result<std::string> FaultyFiles::version(const std::string& path) {
  TRY(call("look at", path));
  return below_.version(path);
}

Result<std::string> FaultyFiles::follow_links(const std::string& path) {
  TRY(call("follow the links of", path));
  return below_.follow_links(path);
}

Result<> FaultyFiles::make_directories(const std::string& path) {
  TRY(call("create the directory", path));
  return below_.make_directories(path);
}

Result<> FaultyFiles::make_private_directories(const std::string& path) {
  TRY(call("create the directory", path));
  return below_.make_private_directories(path);
}

Result<> FaultyFiles::rename(const std::string& from, const std::string& to) {
  TRY(call("rename", from));
  return below_.rename(from, to);
}

Result<> FaultyFiles::rename_new(const std::string& from, const std::string& to) {
  TRY(call("rename", from));
  if (!can_exchange_) return os_error("rename", from, ENOTSUP);
  return below_.rename_new(from, to);
}

Result<> FaultyFiles::exchange(const std::string& a, const std::string& b) {
  TRY(call("exchange", a));
  if (!can_exchange_) return os_error("exchange", a, ENOTSUP);
  return below_.exchange(a, b);
}

Result<> FaultyFiles::remove_all(const std::string& path) {
  TRY(call("remove", path));
  return below_.remove_all(path);
}

Result<> FaultyFiles::sync_directory(const std::string& path) {
  TRY(call("sync", path));
  return below_.sync_directory(path);
}

Result<std::unique_ptr<WritableFile>> FaultyFiles::written(
    const std::string& path, Result<std::unique_ptr<WritableFile>> file) {
  return std::unique_ptr<WritableFile>(
      std::make_unique<Written>(*this, path, TRY(std::move(file))));
}

bool FaultyFiles::strikes(std::string_view doing, const std::string& path) {
  const int number = calls_++;
  if (number == happens_at_) happens_();
  if (fault_ == Fault::dead && fails_at_ >= 0 && number > fails_at_) return true;
  if (number != fails_at_) return false;
  struck_ = fmt::format("{} '{}'", doing, path);
  return true;
}

bool FaultyFiles::cuts(std::string_view doing, const std::string& path) {
  return fault_ == Fault::short_read && strikes(doing, path);
}

Result<> FaultyFiles::call(std::string_view doing, const std::string& path) {
  if (fault_ == Fault::short_read || !strikes(doing, path)) return {};
  return os_error(doing, path, fault_ == Fault::full ? ENOSPC : EIO);
}

}  // namespace troupe
