#include "runtime/data/key_hash.hpp"
#include "runtime/data/memory_share.hpp"
#include "runtime/data/take.hpp"
#include "runtime/operator/reservation.hpp"
#include "runtime/ops/aggregate/group_states.hpp"
#include "runtime/spill/partition_reader.hpp"
#include "runtime/spill/partition_writer.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace troupe {

namespace {

constexpr std::uint32_t pieces = 32;
/// Pieces of pieces of pieces: 2^30 of them, or what does not fit is one group.
constexpr int depth_max = 6;
/// What it holds whatever the budget says: with less it would cut without end.
constexpr std::int64_t unreserved_bytes_max = 256 << 10;
/// Rows that wait to become blocks of a file.
constexpr MemoryShare waiting{.parts = 64, .least = 256 << 10, .most = 4 << 20};

/// Merges partial results and puts out the answer at the end.
///
/// What does not fit into memory goes to disk, cut into pieces by the hash of the key: as partial
/// results again, so that a piece is read like an input, and may be cut in turn.
class FinalAggregate final : public Operator {
 public:
  FinalAggregate(std::shared_ptr<const Aggregation> plan, std::string name, GroupStates states)
      : plan_(std::move(plan)), name_(std::move(name)), states_(std::move(states)) {
    keys_.resize(plan_->key_count());
    std::iota(keys_.begin(), keys_.end(), 0);
  }

  Result<> open(const OperatorContext& context) override {
    budget_ = context.memory;
    memory_.attach(budget_);
    directory_ = context.scratch_directory;
    files_ = context.files;
    return {};
  }

  Result<Step> process(int, const Batch& batch, Emitter&) override {
    if (!std::exchange(must_dump_, false)) {
      TRY(states_.merge(batch));
      if (reserve()) return Step::done;
      must_dump_ = true;  // by the next call, which may block
      return Step::again;
    }
    TRY(dump());
    return Step::done;
  }

  Result<Step> drain(Emitter& out) override {
    if (emitting_) return emit(out);
    if (reader_) {
      const Batch block = TRY(reader_->next());
      if (block) {
        TRY(states_.merge(block));
        if (!reserve()) TRY(dump());
        return Step::again;
      }
      reader_.reset();
    }
    if (!input_left_) return next_piece();
    input_left_ = false;
    if (writer_) {
      TRY(close_pieces());
      return next_piece();
    }
    emitting_ = true;
    return emit(out);
  }

  bool blocks() const override { return must_dump_ || writer_ || reader_ || !todo_.empty(); }

 private:
  /// A part of the input that waits on disk.
  struct Piece {
    std::string path;
    SpillPartition rows;
    int depth;
  };

  /// Half as much again as there is: where a column grows, it is there twice for a moment.
  bool reserve() {
    const std::int64_t bytes = states_.bytes();
    return memory_.grow(bytes + bytes / 2 - memory_.bytes()) || bytes <= unreserved_bytes_max;
  }

  Result<> forget_groups() {
    states_ = TRY(GroupStates::make(plan_));
    memory_.release();
    return {};
  }

  Error too_large() const {
    Error error = make_error(
        ErrorCode::unavailable,
        "{}: {} groups take {} bytes, more than is left of the {} bytes that its run may reserve, "
        "and cutting them by key does not help",
        name_, states_.groups(), states_.bytes(), budget_->bytes_max());
    error.hint = "give the run more memory";
    return error;
  }

  /// Moves all groups in memory into the pieces of the input at hand.
  Result<> dump() {
    if (depth_ == depth_max) return too_large();
    if (!writer_) {
      path_ = fmt::format("{}/{}.{}", directory_, name_, dumps_++);
      const SpillOptions options{.waiting_bytes_max = waiting.of(budget_)};
      writer_ = TRY(PartitionWriter::create(*files_, path_, pieces, options));
    }
    GroupStates::Cursor cursor;
    for (Batch batch = TRY(states_.next_states(cursor)); batch;
         batch = TRY(states_.next_states(cursor))) {
      TRY(write(batch));
    }
    return forget_groups();
  }

  Result<> write(const Batch& batch) {
    std::vector<std::uint64_t> hashes;
    TRY(hash_keys(batch, keys_, hashes));
    std::vector<std::vector<std::uint32_t>> rows(pieces);
    // The exchange has used the high bits of the hash, and every depth five of the low ones.
    for (std::uint32_t i = 0; i < hashes.size(); ++i) {
      rows[(hashes[i] >> (5 * depth_)) % pieces].push_back(i);
    }
    for (std::uint32_t p = 0; p < pieces; ++p) {
      if (!rows[p].empty()) TRY(writer_->write(p, TRY(take(batch, rows[p]))));
    }
    return {};
  }

  Result<> close_pieces() {
    TRY(dump());
    for (SpillPartition& piece : TRY(writer_->finish()).partitions) {
      if (piece.rows > 0) todo_.push_back({path_, std::move(piece), depth_ + 1});
    }
    writer_.reset();
    return {};
  }

  Result<Step> next_piece() {
    if (todo_.empty()) return Step::done;
    const Piece piece = std::move(todo_.back());
    todo_.pop_back();
    depth_ = piece.depth;
    reader_ = std::make_unique<PartitionReader>(*files_, piece.path, piece.rows);
    input_left_ = true;
    return Step::again;
  }

  Result<Step> emit(Emitter& out) {
    const std::uint32_t end =
        std::min(states_.groups(), next_ + static_cast<std::uint32_t>(batch_rows_max));
    if (next_ < end) out.emit(TRY(states_.results(next_, end)));
    next_ = end;
    if (end < states_.groups()) return Step::again;
    emitting_ = false;
    next_ = 0;
    TRY(forget_groups());
    return next_piece();
  }

  const std::shared_ptr<const Aggregation> plan_;
  const std::string name_;
  std::vector<int> keys_;
  GroupStates states_;
  MemoryBudget* budget_ = nullptr;
  Reservation memory_;
  std::uint32_t next_ = 0;  ///< group to put out
  bool emitting_ = false;
  bool input_left_ = true;  ///< the input or piece at hand has not been put out or cut

  std::string directory_;
  FileSystem* files_ = nullptr;
  bool must_dump_ = false;
  int depth_ = 0;
  int dumps_ = 0;
  std::string path_;                         ///< of what `writer_` writes
  std::unique_ptr<PartitionWriter> writer_;  ///< pieces of the input at hand, once there are any
  std::unique_ptr<PartitionReader> reader_;  ///< the piece that is the input at hand
  std::vector<Piece> todo_;
};

}  // namespace

Result<std::unique_ptr<Operator>> make_final_aggregate(std::shared_ptr<const Aggregation> plan,
                                                       const std::string& name) {
  GroupStates states = TRY(GroupStates::make(plan));
  return std::make_unique<FinalAggregate>(std::move(plan), name, std::move(states));
}

}  // namespace troupe
