#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// Rows that a reader has passed over because it was told to.
struct SkippedRows {
  /// Of the first ones it is told what was wrong: "'x.csv', line 12: 1 values for 2 columns: 2".
  static constexpr std::size_t told_max = 5;

  std::int64_t count = 0;
  std::vector<std::string> told = {};

  void add(const std::string& why) {
    ++count;
    if (told.size() < told_max) told.push_back(why);
  }
  void add(const SkippedRows& more) {
    count += more.count;
    for (const std::string& why : more.told) {
      if (told.size() < told_max) told.push_back(why);
    }
  }
};

/// Batches out of one file, or a part of one. Used by one thread at a time. Blocks.
class BatchReader {
 public:
  virtual ~BatchReader() = default;
  /// The next rows, at most `batch_rows_max`; an empty batch (`!batch`) at the end.
  virtual Result<Batch> next() = 0;
  /// So far.
  virtual SkippedRows skipped() const { return {}; }
};

/// Batches into one file. Used by one thread at a time. Blocks.
class BatchWriter {
 public:
  /// What one may hold of rows that are not in its file yet, about, where nobody says.
  static constexpr std::int64_t held_bytes_usual = std::int64_t{256} << 20;

  virtual ~BatchWriter() = default;
  virtual Result<> write(const Batch& batch) = 0;
  /// What it holds of rows that are not in the file yet; `let_go` puts them there.
  virtual std::int64_t held_bytes() const { return 0; }
  virtual Result<> let_go() { return {}; }
  /// Writes what belongs at the end; the file is complete and durable when this returns. Called
  /// once; a writer that is dropped without it leaves a file that nobody may use.
  virtual Result<> close() = 0;
};

}  // namespace troupe
