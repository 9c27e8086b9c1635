#include "runtime/host/snapshot_copy.hpp"

#include <xxhash.h>

#include <utility>

namespace troupe {

SnapshotCopy::SnapshotCopy(const SnapshotStore& store, const RunUid& run, SnapshotFile file,
                           std::string path, const std::string& tag)
    : store_(store),
      run_(run),
      file_(std::move(file)),
      path_(std::move(path)),
      temporary_(fmt::format("{}.{}{}", path_, tag, unfinished_suffix)),
      hash_(XXH3_createState(), [](XXH3_state_s* state) { XXH3_freeState(state); }) {
  XXH3_64bits_reset(hash_.get());
}

Result<std::unique_ptr<SnapshotCopy>> SnapshotCopy::begin(const SnapshotStore& store,
                                                          const RunUid& run,
                                                          const SnapshotFile& file,
                                                          const std::string& tag) {
  std::string path = TRY(store.path(run, file.name));
  TRY(store.prepare(run));
  std::unique_ptr<SnapshotCopy> copy(new SnapshotCopy(store, run, file, std::move(path), tag));
  copy->out_ = TRY(store.files().create(copy->temporary_));
  return copy;
}

SnapshotCopy::~SnapshotCopy() {
  if (finished_ || !out_) return;
  out_.reset();
  static_cast<void>(store_.files().remove_all(temporary_).ok());
}

Result<> SnapshotCopy::append(std::string_view bytes) {
  bytes_ += bytes.size();
  if (bytes_ > file_.bytes) return {};
  XXH3_64bits_update(hash_.get(), bytes.data(), bytes.size());
  return out_->append(bytes);
}

Result<> SnapshotCopy::whole() const {
  if (bytes_ != file_.bytes) {
    return make_error(ErrorCode::corrupt, "it has {} bytes, its manifest says {}", bytes_,
                      file_.bytes);
  }
  if (XXH3_64bits_digest(hash_.get()) == file_.hash) return {};
  return make_error(ErrorCode::corrupt, "it is not what its manifest names: its hash differs");
}

Result<> SnapshotCopy::finish() {
  ENSURE(whole(), "a copy of '{}' is put in its place that is none", path_);
  TRY(out_->sync());
  TRY(out_->close());
  TRY(store_.files().rename(temporary_, path_));
  finished_ = true;
  return store_.files().sync_directory(TRY(store_.of_run(run_)));
}

}  // namespace troupe
