#pragma once

#include "runtime/operator/batch_reader.hpp"
#include "runtime/os/file_system.hpp"
#include "runtime/spill/partition_reader.hpp"

#include <memory>
#include <string>
#include <utility>

namespace troupe {

/// One partition of a complete file of this node.
class PartitionFileReader : public BatchReader {
 public:
  PartitionFileReader(FileSystem& files, std::string path, std::uint32_t partition)
      : files_(files), path_(std::move(path)), partition_(partition) {}

  Result<Batch> next() override {
    if (!reader_) reader_ = TRY(PartitionReader::open(files_, path_, partition_));
    return reader_->next();
  }

 private:
  FileSystem& files_;
  const std::string path_;
  const std::uint32_t partition_;
  std::unique_ptr<PartitionReader> reader_;
};

}  // namespace troupe
