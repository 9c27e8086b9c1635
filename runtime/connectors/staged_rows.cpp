#include "runtime/connectors/staged_rows.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/connectors/file_commit.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/os/file_pattern.hpp"

#include <arrow/util/compression.h>
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

/// Fewer bytes are not worth it.
constexpr std::size_t packed_from_bytes = 1024;

Result<std::unique_ptr<arrow::util::Codec>> packer() {
  return arrow_try(arrow::util::Codec::Create(arrow::Compression::ZSTD));
}

Result<std::string> packed(std::string_view lines) {
  const auto codec = TRY(packer());
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(lines.data());
  const auto size = static_cast<std::int64_t>(lines.size());
  std::string made(static_cast<std::size_t>(codec->MaxCompressedLen(size, bytes)), '\0');
  const std::int64_t length =
      TRY(arrow_try(codec->Compress(size, bytes, static_cast<std::int64_t>(made.size()),
                                    reinterpret_cast<std::uint8_t*>(made.data()))));
  made.resize(static_cast<std::size_t>(length));
  return made;
}

Result<std::string> unpacked(std::string_view bytes, std::int64_t size) {
  const bool possible = size >= 0 && size <= static_cast<std::int64_t>(inline_text_max);
  std::string lines(possible ? static_cast<std::size_t>(size) : 0, '\0');
  const auto codec = TRY(packer());
  const auto length = codec->Decompress(static_cast<std::int64_t>(bytes.size()),
                                        reinterpret_cast<const std::uint8_t*>(bytes.data()), size,
                                        reinterpret_cast<std::uint8_t*>(lines.data()));
  if (possible && length.ok() && *length == size) return lines;
  return make_error(ErrorCode::corrupt, "what was staged cannot be read");
}

Error too_many_to_wait() {
  Error error =
      make_error(ErrorCode::invalid_argument,
                 "more rows wait for the commit than it may hold ({} MiB, {} KiB when packed), and "
                 "there is no place for them",
                 inline_text_max >> 20, inline_rows_max_without_files >> 10);
  error.hint = "say 'staging:', a directory that all executors see";
  return error;
}

}  // namespace

Result<std::string> StagedRows::detail() const {
  if (!file.empty()) return json_text({{"file", file}, {"bytes", bytes}, {"hash", hash}}) + "\n";
  if (lines.size() < packed_from_bytes) return "{}\n" + lines;
  return json_text({{"packed", lines.size()}}) + "\n" + TRY(packed(lines));
}

Result<StagedRows> StagedRows::parse(const std::string& detail) {
  const auto end = detail.find('\n');
  const Json header = Json::parse(std::string_view(detail).substr(0, std::min(end, detail.size())),
                                  nullptr, /*allow_exceptions=*/false);
  if (end == std::string::npos || !header.is_object()) {
    return make_error(ErrorCode::corrupt, "what was staged cannot be read");
  }
  if (header.contains("packed")) {
    const std::string_view bytes = std::string_view(detail).substr(end + 1);
    return StagedRows{.lines = TRY(unpacked(bytes, header.value("packed", std::int64_t{-1})))};
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
  return lines_.size() <= inline_text_max ? Result<>() : too_many_to_wait();
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
    std::string detail = TRY(staged.detail());
    if (detail.size() > inline_rows_max_without_files) return too_many_to_wait();
    return std::vector{Committable{.detail = std::move(detail), .rows = rows}};
  }
  TRY(spill());
  TRY(open_->file->sync());
  TRY(open_->file->close());
  TRY(files_.sync_directory(directory_));
  const StagedRows staged{
      .file = open_->path, .bytes = open_->bytes, .hash = XXH3_64bits_digest(open_->hash.get())};
  open_.reset();
  return std::vector{Committable{.detail = TRY(staged.detail()), .rows = rows}};
}

std::string stage_directory(const std::string& staging, const std::string& marker) {
  return fmt::format("{}/.troupe-{}", staging, safe_name(marker));
}

}  // namespace troupe
