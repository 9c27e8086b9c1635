#pragma once

#include "runtime/data/batch.hpp"
#include "runtime/ops/sort/sort_exchange.hpp"
#include "runtime/ops/sort/sort_key.hpp"
#include "runtime/spill/partition_reader.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Sorted runs on disk and their merge.
///
/// A merge holds a block of every run, so there are never more than `runs_max`: one more, and all
/// are merged into one first.
class SortRuns {
 public:
  SortRuns(SortTerms terms, FileSystem& files, std::string directory)
      : terms_(std::move(terms)), files_(files), directory_(std::move(directory)) {}

  /// Writes one run: what `next` returns until it returns an empty batch.
  Result<> add(const std::function<Result<Batch>()>& next);
  /// The next rows in order of all runs; an empty batch at the end. No `add` after the first.
  Result<Batch> next();

  static constexpr std::size_t runs_max = 64;
  static constexpr std::int64_t block_rows = 8192;

 private:
  /// A run being read: its block at hand, and how far it has been read.
  struct Head {
    std::unique_ptr<PartitionReader> reader;
    Batch block;
    SortKey key;
    std::uint32_t row = 0;
    std::vector<std::uint32_t> picked;  ///< rows of the block in the output at hand
  };

  Result<> write(const std::function<Result<Batch>()>& next);
  Result<> open();
  Result<> load(Head& head);
  std::size_t smallest() const;
  Result<Batch> gather(const std::vector<std::uint32_t>& heads);

  const SortTerms terms_;
  FileSystem& files_;
  const std::string directory_;
  std::vector<std::string> runs_;
  std::size_t written_ = 0;
  bool open_ = false;
  std::vector<Head> heads_;
};

}  // namespace troupe
