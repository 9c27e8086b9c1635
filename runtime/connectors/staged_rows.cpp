#include "runtime/connectors/staged_rows.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/connectors/file_commit.hpp"
#include "runtime/os/file_pattern.hpp"

#include <xxhash.h>

namespace troupe {
namespace {

struct FreeHash {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};
using Hash = std::unique_ptr<XXH3_state_t, FreeHash>;

Hash new_hash() {
  Hash hash(XXH3_createState());
  XXH3_64bits_reset(hash.get());
  return hash;
}

Error not_whole(const std::string& path) {
  Error error = make_error(ErrorCode::corrupt,
                           "the staged rows in '{}' are not whole: they cannot be committed", path);
  error.hint = "run the job again";
  return error;
}

}  // namespace

std::string StagedRows::detail() const {
  if (file.empty()) return "{}\n" + lines;
  return json_text({{"file", file}, {"bytes", bytes}, {"hash", hash}}) + "\n";
}

Result<StagedRows> StagedRows::parse(const std::string& detail) {
  const auto end = detail.find('\n');
  const Json header = Json::parse(std::string_view(detail).substr(0, std::min(end, detail.size())),
                                  nullptr, /*allow_exceptions=*/false);
  if (end == std::string::npos || !header.is_object()) {
    return make_error(ErrorCode::corrupt, "what was staged cannot be read");
  }
  if (!header.contains("file")) return StagedRows{.lines = detail.substr(end + 1)};
  return StagedRows{.file = header.value("file", ""),
                    .bytes = header.value("bytes", std::int64_t{0}),
                    .hash = header.value("hash", std::uint64_t{0})};
}

Result<> StagedRows::read(FileSystem& files,
                          const std::function<Result<>(std::string_view)>& take) const {
  if (file.empty()) return lines.empty() ? Result<>() : take(lines);
  const auto opened = TRY(files.open(file));
  if (TRY(opened->size()) != static_cast<std::uint64_t>(bytes)) return not_whole(file);
  const Hash hashed = new_hash();
  std::string piece;
  for (std::uint64_t at = 0; at < static_cast<std::uint64_t>(bytes);) {
    const std::size_t kept = piece.size();
    piece.resize(kept + staged_piece_bytes);
    const std::size_t got = TRY(opened->read_at(at, {piece.data() + kept, staged_piece_bytes}));
    piece.resize(kept + got);
    if (got == 0) return not_whole(file);
    XXH3_64bits_update(hashed.get(), piece.data() + kept, got);
    at += got;
    const std::size_t end = piece.rfind('\n');
    if (end == std::string::npos) continue;
    TRY(take(std::string_view(piece).substr(0, end + 1)));
    piece.erase(0, end + 1);
  }
  return XXH3_64bits_digest(hashed.get()) == hash && piece.empty() ? Result<>() : not_whole(file);
}

struct RowStage::Open {
  std::string path;
  std::unique_ptr<WritableFile> file;
  Hash hash = new_hash();
  std::int64_t bytes = 0;
};

RowStage::RowStage(FileSystem& files, std::string directory)
    : files_(files), directory_(std::move(directory)) {}

RowStage::~RowStage() {
  if (open_ == nullptr) return;
  const std::string path = open_->path;
  open_.reset();
  static_cast<void>(files_.remove_all(path).ok());
}

Result<> RowStage::add(std::string_view lines) {
  lines_ += lines;
  if (!directory_.empty()) return lines_.size() < staged_piece_bytes ? Result<>() : spill();
  if (lines_.size() <= inline_rows_max_without_files) return {};
  Error error =
      make_error(ErrorCode::invalid_argument,
                 "more than {} bytes of rows wait for the commit, and there is no place for them",
                 inline_rows_max_without_files);
  error.hint = "say 'staging:', a directory that all executors see";
  return error;
}

Result<> RowStage::spill() {
  if (open_ == nullptr) {
    TRY(make_durable_directories(files_, directory_));
    auto made = std::make_unique<Open>();
    made->path = fmt::format("{}/rows-{:05}", directory_, files_made_++);
    made->file = TRY(files_.create(made->path));
    open_ = std::move(made);
  }
  TRY(open_->file->append(lines_));
  XXH3_64bits_update(open_->hash.get(), lines_.data(), lines_.size());
  open_->bytes += static_cast<std::int64_t>(lines_.size());
  lines_.clear();
  return {};
}

Result<std::vector<Committable>> RowStage::finish(std::int64_t rows) {
  if (open_ == nullptr && lines_.empty()) return std::vector<Committable>();
  const bool few = open_ == nullptr && (lines_.size() <= inline_rows_max || directory_.empty());
  if (few) {
    const StagedRows staged{.lines = std::exchange(lines_, {})};
    return std::vector{Committable{.detail = staged.detail(), .rows = rows}};
  }
  TRY(spill());
  TRY(open_->file->sync());
  TRY(open_->file->close());
  TRY(files_.sync_directory(directory_));
  const StagedRows staged{
      .file = open_->path, .bytes = open_->bytes, .hash = XXH3_64bits_digest(open_->hash.get())};
  open_.reset();
  return std::vector{Committable{.detail = staged.detail(), .rows = rows}};
}

std::string stage_directory(const std::string& staging, const std::string& marker) {
  return fmt::format("{}/.troupe-{}", staging, safe_name(marker));
}

}  // namespace troupe
