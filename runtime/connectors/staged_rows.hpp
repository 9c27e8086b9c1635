#pragma once

#include "runtime/base/result.hpp"
#include "runtime/operator/sink.hpp"
#include "runtime/os/file_system.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace troupe {

/// Rows on their way to a storage that takes them at the commit: text, a line a row. Few of them
/// are the committable itself; many are a file that every executor sees.
struct StagedRows {
  std::string lines;       ///< of few
  std::string file;        ///< of many: its path
  std::int64_t bytes = 0;  ///< of the file, and
  std::uint64_t hash = 0;  ///< xxh3_64 of them

  static Result<StagedRows> parse(const std::string& detail);
  /// Few rows are packed.
  Result<std::string> detail() const;
  /// Hands over the lines in pieces that end where a line does. What is not as it was staged is
  /// `corrupt`, and then `take` has seen some of it: who takes must be able to go back.
  Result<> read(FileSystem& files, const std::function<Result<>(std::string_view)>& take) const;
};

/// Stages the rows of one attempt, epoch after epoch. What was not handed over goes with it.
class RowStage {
 public:
  /// `directory` is of this attempt alone, and made at the first need; empty: there is none, and
  /// all rows of an epoch must be few.
  RowStage(FileSystem& files, std::string directory);
  ~RowStage();

  /// Lines behind those so far.
  Result<> add(std::string_view lines);
  /// Makes all lines since the last call durable; nothing where there are none.
  Result<std::vector<Committable>> finish(std::int64_t rows);

 private:
  struct Open;
  Result<> spill();

  FileSystem& files_;
  const std::string directory_;
  std::string lines_;
  std::unique_ptr<Open> open_;
  std::uint64_t files_made_ = 0;
};

/// `<staging>/.troupe-<marker>`: all that the sink of a run stages is below it.
std::string stage_directory(const std::string& staging, const std::string& marker);

/// So many bytes of an epoch travel with its metadata; more are a file.
inline constexpr std::size_t inline_rows_max = std::size_t{64} << 10;
/// Where there is no place for files, so many may, when packed; of text so many.
inline constexpr std::size_t inline_rows_max_without_files = std::size_t{512} << 10;
inline constexpr std::size_t inline_text_max = std::size_t{8} << 20;
/// Lines that wait for the file.
inline constexpr std::size_t staged_piece_bytes = std::size_t{1} << 20;

}  // namespace troupe
