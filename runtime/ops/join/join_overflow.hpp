#pragma once

#include "runtime/operator/operator.hpp"
#include "runtime/operator/reservation.hpp"
#include "runtime/ops/join/join_table.hpp"
#include "runtime/spill/partition_reader.hpp"
#include "runtime/spill/partition_writer.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// A join whose build side does not fit into memory: both sides are cut by the hash of their keys
/// into partitions on disk, and the partitions are joined one after the other.
///
/// A partition whose build side still does not fit (one very frequent key, a very small budget) is
/// joined in chunks: its probe side is read again for each. So any budget gives the exact result;
/// a small one costs time.
class JoinOverflow {
 public:
  static Result<std::unique_ptr<JoinOverflow>> create(std::shared_ptr<const JoinSpec> spec,
                                                      const OperatorContext& context);

  Result<> add_build(const Batch& batch);
  Result<> add_probe(const Batch& batch);
  /// Both sides have ended when it is called first; emits about one batch a call.
  Result<Step> drain(Emitter& out);

  static constexpr std::uint32_t partitions = 32;

 private:
  enum class Stage { finish, open, load, probe, unmatched, done };

  JoinOverflow(std::shared_ptr<const JoinSpec> spec, const OperatorContext& context);
  Result<> split(const Batch& batch, const std::vector<int>& keys, PartitionWriter& writer);
  Result<> open_partition();
  Result<> load_chunk();
  Result<bool> probe_step(Emitter& out);

  const std::shared_ptr<const JoinSpec> spec_;
  FileSystem& files_;
  const std::string directory_;
  std::unique_ptr<PartitionWriter> build_;
  std::unique_ptr<PartitionWriter> probe_;
  PartitionIndex build_index_;
  PartitionIndex probe_index_;
  Reservation memory_;

  Stage stage_ = Stage::finish;
  std::uint32_t partition_ = 0;
  std::unique_ptr<PartitionReader> build_reader_;
  Batch pending_;  ///< read from the build side, did not fit into the last chunk
  std::unique_ptr<PartitionReader> probe_reader_;
  std::unique_ptr<JoinTable> table_;
  std::unique_ptr<JoinProbe> prober_;
  bool probing_ = false;
  bool last_chunk_ = true;
  /// A byte for each probe row of the partition: found a partner in some chunk.
  std::vector<std::uint8_t> seen_;
  std::size_t seen_at_ = 0;
  std::uint32_t unmatched_from_ = 0;
  JoinPairs pairs_;
};

}  // namespace troupe
