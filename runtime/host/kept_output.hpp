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
/// I/O pool while the task goes on. It is complete, and its consumers are woken, when all senders
/// have sent their end; a task that ends earlier leaves no file.
class KeptOutput {
 public:
  KeptOutput(std::shared_ptr<TaskHost> host, KeptPlace place);
  ~KeptOutput();

  /// One for each partition in `which`; together they are the output. Called once.
  std::vector<std::unique_ptr<ChannelSender>> senders(const std::vector<std::uint32_t>& which);

  bool complete() const;
  /// Requires `complete()`.
  PartitionIndex index() const;
  const KeptPlace& place() const;
  /// Woken when the output is complete.
  void tell(std::shared_ptr<TaskHost> consumer);

  /// Batches that wait to be written.
  static constexpr std::size_t waiting_max = 8;

 private:
  class Work;
  class Sender;
  std::shared_ptr<Work> work_;
};

/// The consumer's end of a kept output of the same process: nothing until it is complete.
std::unique_ptr<ChannelReceiver> kept_input(std::shared_ptr<const KeptOutput> output,
                                            std::uint32_t partition, std::shared_ptr<TaskHost> host,
                                            const Clock& clock);

}  // namespace troupe
