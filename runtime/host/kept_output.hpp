#pragma once

#include "runtime/data/memory_budget.hpp"
#include "runtime/exec/channel.hpp"
#include "runtime/exec/task_host.hpp"
#include "runtime/os/clock.hpp"
#include "runtime/os/file_system.hpp"
#include "runtime/spill/partition_index.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Where a kept output is written, and how.
struct KeptPlace {
  FileSystem* files = nullptr;
  std::string path;
  std::uint32_t partitions = 1;  ///< one for each subtask of the consumer
  /// Hash every row, so that two attempts can be compared (protocols 5.1).
  bool hash_rows = false;
  std::string producer = {};                        ///< the attempt, for the index
  std::shared_ptr<const MemoryBudget> memory = {};  ///< of the run; null: no limit
};

/// What one task keeps for the consumers of one blocking edge: a partition file, written on the
/// I/O pool while the task goes on. It is complete when all senders have sent their end; a task
/// that ends earlier leaves no file.
class KeptOutput {
 public:
  KeptOutput(std::shared_ptr<TaskHost> host, KeptPlace place);
  ~KeptOutput();

  /// One for each partition in `which`; together they are the output. Called once.
  std::vector<std::unique_ptr<ChannelSender>> senders(const std::vector<std::uint32_t>& which);

  /// Requires that it is complete, as that of every task that is done.
  PartitionIndex index() const;
  const KeptPlace& place() const;

  /// Batches that wait to be written.
  static constexpr std::size_t waiting_max = 8;

 private:
  class Work;
  class Sender;
  std::shared_ptr<Work> work_;
};

}  // namespace troupe
