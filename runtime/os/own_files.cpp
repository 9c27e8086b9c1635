#include "runtime/os/own_files.hpp"

#include "runtime/base/node_fault.hpp"

#include <utility>

namespace troupe {
namespace {

template <class T>
Result<T> ours(Result<T> result) {
  if (result) return result;
  return node_fault(std::move(result).error());
}

class OwnFile final : public WritableFile {
 public:
  explicit OwnFile(std::unique_ptr<WritableFile> below) : below_(std::move(below)) {}
  Result<> append(std::string_view bytes) override { return ours(below_->append(bytes)); }
  Result<> sync() override { return ours(below_->sync()); }
  Result<> close() override { return ours(below_->close()); }

 private:
  const std::unique_ptr<WritableFile> below_;
};

class ReadOwnFile final : public ReadableFile {
 public:
  explicit ReadOwnFile(std::unique_ptr<ReadableFile> below) : below_(std::move(below)) {}
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    return ours(below_->read_at(offset, into));
  }
  Result<std::uint64_t> size() override { return ours(below_->size()); }

 private:
  const std::unique_ptr<ReadableFile> below_;
};

Result<> add_exposed(FileSystem& files, const std::string& path, std::vector<std::string>& loose) {
  if (!TRY(files.is_private(path))) loose.push_back(path);
  if (loose.size() >= exposed_named_max || !files.is_directory(path)) return {};
  const auto names = files.list(path);
  if (!names) return {};  // a directory of another user, closed to us, such as a mount has
  for (const std::string& name : *names) {
    if (loose.size() >= exposed_named_max) return {};
    TRY(add_exposed(files, path + "/" + name, loose));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<ReadableFile>> OwnFiles::open(const std::string& path) {
  return std::unique_ptr<ReadableFile>(std::make_unique<ReadOwnFile>(TRY(ours(below_.open(path)))));
}

Result<std::unique_ptr<WritableFile>> OwnFiles::create(const std::string& path) {
  return create_private(path);
}

Result<std::unique_ptr<WritableFile>> OwnFiles::create_private(const std::string& path) {
  return std::unique_ptr<WritableFile>(
      std::make_unique<OwnFile>(TRY(ours(below_.create_private(path)))));
}

Result<bool> OwnFiles::is_private(const std::string& path) { return ours(below_.is_private(path)); }
Result<> OwnFiles::make_private(const std::string& path) { return ours(below_.make_private(path)); }
Result<std::string> OwnFiles::read(const std::string& path) { return ours(below_.read(path)); }
Result<std::vector<std::string>> OwnFiles::list(const std::string& directory) {
  return ours(below_.list(directory));
}
Result<std::uint64_t> OwnFiles::size(const std::string& path) { return ours(below_.size(path)); }
Result<std::string> OwnFiles::version(const std::string& path) {
  return ours(below_.version(path));
}
Result<std::string> OwnFiles::follow_links(const std::string& path) {
  return ours(below_.follow_links(path));
}
Result<> OwnFiles::make_directories(const std::string& path) {
  return make_private_directories(path);
}
Result<> OwnFiles::make_private_directories(const std::string& path) {
  return ours(below_.make_private_directories(path));
}
Result<> OwnFiles::rename(const std::string& from, const std::string& to) {
  return ours(below_.rename(from, to));
}
Result<> OwnFiles::rename_new(const std::string& from, const std::string& to) {
  return ours(below_.rename_new(from, to));
}
Result<> OwnFiles::exchange(const std::string& a, const std::string& b) {
  return ours(below_.exchange(a, b));
}
Result<> OwnFiles::remove_all(const std::string& path) { return ours(below_.remove_all(path)); }
Result<> OwnFiles::sync_directory(const std::string& path) {
  return ours(below_.sync_directory(path));
}

FileSystem& own_files() {
  static OwnFiles files(system_files());
  return files;
}

Result<std::vector<std::string>> exposed_files(FileSystem& files, const std::string& directory) {
  std::vector<std::string> loose;
  TRY(add_exposed(files, directory, loose));
  return loose;
}

}  // namespace troupe
