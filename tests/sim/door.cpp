#include "tests/sim/door.hpp"

#include <utility>

namespace troupe::sim {

class Door::File final : public WritableFile {
 public:
  File(Door& door, std::string path, std::unique_ptr<WritableFile> file)
      : door_(door), path_(std::move(path)), file_(std::move(file)) {}

  Result<> append(std::string_view bytes) override {
    TRY(door_.open(path_));
    return forgiven(file_ ? file_->append(bytes) : Result<>());
  }
  Result<> sync() override {
    TRY(door_.open(path_));
    if (door_.mutation_ == Mutation::staged_not_synced) return {};
    if (door_.mutation_ == Mutation::state_not_synced && path_.starts_with("/checkpoints/"))
      return {};
    return forgiven(file_ ? file_->sync() : Result<>());
  }
  Result<> close() override {
    TRY(door_.open(path_));
    return forgiven(file_ ? file_->close() : Result<>());
  }

 private:
  Result<> forgiven(Result<> done) const {
    return door_.mutation_ == Mutation::failed_sync_ignored ? Result<>() : done;
  }

  Door& door_;
  const std::string path_;
  const std::unique_ptr<WritableFile> file_;  ///< a mutant's: none, where there was no room
};

Result<> Door::open(const std::string& path) const {
  if (shut_()) return make_error(ErrorCode::unavailable, "the process is dead");
  const auto happens = meanwhile_;  // may be another one afterwards
  return happens ? happens(path) : Result<>();
}

Result<std::unique_ptr<WritableFile>> Door::create(const std::string& path) {
  TRY(open(path));
  auto file = disk_.create(path);
  if (file && heard_) heard_(path);
  if (!file && mutation_ != Mutation::failed_sync_ignored) return file.error();
  return std::unique_ptr<WritableFile>(
      std::make_unique<File>(*this, path, file ? *std::move(file) : nullptr));
}

bool Door::exists(const std::string& path) {
  if (mutation_ == Mutation::commit_without_marker &&
      (path.ends_with("/_commit") || path.ends_with("/committing"))) {
    return false;
  }
  return disk_.exists(path);
}

Result<> Door::make_directories(const std::string& path) {
  TRY(open(path));
  return disk_.make_directories(path);
}
Result<> Door::rename(const std::string& from, const std::string& to) {
  TRY(open(to));
  return disk_.rename(from, to);
}
Result<> Door::rename_new(const std::string& from, const std::string& to) {
  TRY(open(to));
  return disk_.rename_new(from, to);
}
Result<> Door::exchange(const std::string& a, const std::string& b) {
  TRY(open(a));
  return disk_.exchange(a, b);
}
Result<> Door::remove_all(const std::string& path) {
  TRY(open(path));
  return disk_.remove_all(path);
}
Result<> Door::sync_directory(const std::string& path) {
  TRY(open(path));
  if (mutation_ == Mutation::commit_not_synced) return {};
  return disk_.sync_directory(path);
}

}  // namespace troupe::sim
