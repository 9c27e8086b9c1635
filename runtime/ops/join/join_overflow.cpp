#include "runtime/ops/join/join_overflow.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/key_hash.hpp"
#include "runtime/data/memory_share.hpp"
#include "runtime/data/take.hpp"

#include <arrow/record_batch.h>

namespace troupe {
namespace {

/// Rows that wait to become blocks, in all partitions of one side.
constexpr MemoryShare waiting{.parts = 64, .least = 512 << 10, .most = 8 << 20};

}  // namespace

JoinOverflow::JoinOverflow(std::shared_ptr<const JoinSpec> spec, const OperatorContext& context)
    : spec_(std::move(spec)),
      files_(*context.files),
      directory_(context.scratch_directory),
      memory_(context.memory) {}

Result<std::unique_ptr<JoinOverflow>> JoinOverflow::create(std::shared_ptr<const JoinSpec> spec,
                                                           const OperatorContext& context) {
  std::unique_ptr<JoinOverflow> overflow(new JoinOverflow(std::move(spec), context));
  const SpillOptions options{.waiting_bytes_max = waiting.of(context.memory)};
  const std::string& directory = overflow->directory_;
  overflow->build_ =
      TRY(PartitionWriter::create(*context.files, directory + "/join.build", partitions, options));
  overflow->probe_ =
      TRY(PartitionWriter::create(*context.files, directory + "/join.probe", partitions, options));
  return overflow;
}

/// The exchange has used the high bits of the hash; the low ones still tell rows apart.
Result<> JoinOverflow::split(const Batch& batch, const std::vector<int>& keys,
                             PartitionWriter& writer) {
  std::vector<std::uint64_t> hashes;
  TRY(hash_keys(batch, keys, hashes));
  std::vector<std::vector<std::uint32_t>> rows(partitions);
  for (std::uint32_t i = 0; i < hashes.size(); ++i) rows[hashes[i] % partitions].push_back(i);
  for (std::uint32_t p = 0; p < partitions; ++p) {
    if (!rows[p].empty()) TRY(writer.write(p, TRY(take(batch, rows[p]))));
  }
  return {};
}

Result<> JoinOverflow::add_build(const Batch& batch) {
  return split(batch, spec_->right_keys, *build_);
}

Result<> JoinOverflow::add_probe(const Batch& batch) {
  return split(batch, spec_->left_keys, *probe_);
}

Result<> JoinOverflow::open_partition() {
  build_reader_ = std::make_unique<PartitionReader>(files_, directory_ + "/join.build",
                                                    build_index_.partitions[partition_]);
  seen_.assign(static_cast<std::size_t>(probe_index_.partitions[partition_].rows), 0);
  pending_ = TRY(build_reader_->next());
  return {};
}

/// As many build rows as the budget allows, at least a block of them.
Result<> JoinOverflow::load_chunk() {
  std::vector<Batch> chunk;
  while (pending_) {
    const bool fits = memory_.grow(JoinTable::cost_of(pending_));
    if (!fits && !chunk.empty()) break;
    chunk.push_back(std::move(pending_));
    pending_ = TRY(build_reader_->next());
    if (!fits) break;
  }
  if (chunk.empty()) {
    chunk.emplace_back(TRY(arrow_try(arrow::RecordBatch::MakeEmpty(spec_->right))));
  }
  last_chunk_ = !pending_;
  table_ = std::make_unique<JoinTable>(TRY(JoinTable::make(spec_, std::move(chunk))));
  prober_ = std::make_unique<JoinProbe>(*table_);
  probe_reader_ = std::make_unique<PartitionReader>(files_, directory_ + "/join.probe",
                                                    probe_index_.partitions[partition_]);
  probing_ = false;
  seen_at_ = 0;
  unmatched_from_ = 0;
  return {};
}

/// False when all probe rows have met this chunk.
Result<bool> JoinOverflow::probe_step(Emitter& out) {
  if (!probing_) {
    const Batch batch = TRY(probe_reader_->next());
    if (!batch) return false;
    TRY(prober_->start(batch, seen_.data() + seen_at_, last_chunk_));
    probing_ = true;
  }
  if (prober_->next(pairs_)) {
    out.emit(TRY(table_->output(prober_->batch(), pairs_)));
  } else {
    probing_ = false;
    seen_at_ += static_cast<std::size_t>(prober_->batch().rows());
  }
  return true;
}

Result<Step> JoinOverflow::drain(Emitter& out) {
  switch (stage_) {
    case Stage::finish:
      build_index_ = TRY(build_->finish());
      probe_index_ = TRY(probe_->finish());
      stage_ = Stage::open;
      return Step::again;
    case Stage::open:
      TRY(open_partition());
      stage_ = Stage::load;
      return Step::again;
    case Stage::load:
      TRY(load_chunk());
      stage_ = Stage::probe;
      return Step::again;
    case Stage::probe:
      if (!TRY(probe_step(out))) stage_ = Stage::unmatched;
      return Step::again;
    case Stage::unmatched: {
      const auto rows = table_->unmatched(unmatched_from_);
      if (!rows.empty()) {
        out.emit(TRY(table_->output_unmatched(rows)));
        return Step::again;
      }
      prober_.reset();
      table_.reset();
      memory_.release();
      if (last_chunk_) ++partition_;
      stage_ = !last_chunk_ ? Stage::load : partition_ < partitions ? Stage::open : Stage::done;
      return Step::again;
    }
    case Stage::done:
      break;
  }
  return Step::done;
}

}  // namespace troupe
