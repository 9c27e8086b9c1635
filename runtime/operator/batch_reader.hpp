#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/data/batch.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// Bad rows that a reader has skipped, because its options say so.
struct SkippedRows {
  /// For the first ones, it says what was wrong: "'x.csv', line 12: 1 values for 2 columns: 2".
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

/// How far a subtask has come with its splits: those before `split`, in the order of its list, are
/// behind it, and so many rows of that one.
struct SplitPosition {
  std::size_t split = 0;
  std::int64_t rows = 0;
  std::string mark = {};  ///< what its source must be told to find that split again, if anything

  friend bool operator==(const SplitPosition&, const SplitPosition&) = default;
};

/// Reads rows batch by batch: from a file, a split of a source, a kept partition. Used by one
/// thread at a time. Blocks: I/O pool only.
class BatchReader {
 public:
  virtual ~BatchReader() = default;
  /// The next rows, at most `batch_rows_max`; an empty batch (`!batch`) at the end. One of no rows:
  /// there are none yet, and it is asked again.
  virtual Result<Batch> next() = 0;
  /// After a batch of no rows: for how long it is not asked again. Nobody holds a thread meanwhile.
  virtual Duration pause() const { return Duration(0); }
  /// Leaves out the next rows, as many of so many as it can without reading them. How many.
  virtual std::int64_t skip(std::int64_t /*rows*/) { return 0; }
  /// Behind the rows that `next` has given last, where they are those of splits.
  virtual SplitPosition position() const { return {}; }
  /// The rows skipped so far.
  virtual SkippedRows skipped() const { return {}; }
};

}  // namespace troupe
