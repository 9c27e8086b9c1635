#pragma once

#include "runtime/data/batch.hpp"
#include "runtime/operator/batch_reader.hpp"
#include "runtime/os/file_system.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// The bytes of a state file as rows of one byte, `batch_rows_max` in a batch: so a file travels
/// over a channel as anything else does, and within the same credit.
class SnapshotBytesReader : public BatchReader {
 public:
  SnapshotBytesReader(FileSystem& files, std::string path)
      : files_(files), path_(std::move(path)) {}

  Result<Batch> next() override;

 private:
  FileSystem& files_;
  const std::string path_;
  std::unique_ptr<ReadableFile> file_;
  std::uint64_t at_ = 0;
};

/// What such a batch holds, while it lives; `corrupt` for one with other columns.
Result<std::string_view> bytes_in(const Batch& batch);

}  // namespace troupe
