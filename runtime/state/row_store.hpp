#pragma once

#include "runtime/base/time.hpp"
#include "runtime/data/key_rows.hpp"
#include "runtime/operator/reservation.hpp"
#include "runtime/operator/state_table.hpp"
#include "runtime/state/row_index.hpp"

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace troupe {

/// What an operator holds of one table in memory: its rows, found by their key. Of a table that
/// keeps the `last` row of a key, or that adds up `weights`; what accumulates has states of its
/// own.
///
/// Rows stay in the batches they came in (pieces), which are never copied as a whole: the index
/// grows by segments (`RowIndex`), so no batch waits for a large table. What changed since the last
/// barrier costs nothing to know: it is the batches that came, shared, not copied; what expires or
/// moves is no change, since a restore finds that out by itself. (Until that barrier they hold the
/// memory of pieces that have gone meanwhile, too.)
///
/// Memory is reserved before rows are taken: `unavailable` where the budget refuses, and then
/// nothing has changed. Rows that are gone give theirs back when their piece does: whole, once all
/// of it is gone; else by `compact`, a piece a call, to be called until it says no. Owned by one
/// operator; one thread at a time.
class RowStore {
 public:
  /// Without barriers nobody asks what has changed, and it is not noted.
  explicit RowStore(std::shared_ptr<const StateTable> table, MemoryBudget* memory = nullptr,
                    bool barriers = true);

  /// Rows that change the table, in their order (see `StateMerge`); they are handed over at the
  /// next barrier.
  Result<> change(const Batch& rows);
  /// Rows that the table has already, as a `StateReader` gives them.
  Result<> restore(const Batch& rows) { return add(rows_of(*table_, rows)); }
  /// All that changed since the last call, in order: for `SnapshotWriter::write`.
  std::vector<Batch> take_changes() { return std::exchange(changes_, {}); }

  /// For every row of a batch the newest row here whose key its `columns` have; none where there is
  /// none. They have the types of the table's key. Places are good until rows change, expire or are
  /// compacted.
  Result<> find(const Batch& rows, const std::vector<int>& columns, std::vector<RowPlace>& found);
  /// The next older row of the same key, where the table may have several; none at the end.
  RowPlace older(RowPlace place) const;
  /// The value of a column whose values are 64 bits.
  std::int64_t word(RowPlace place, int column) const;
  /// How often a row counts, where the table adds up weights; else 1.
  std::int64_t weight(RowPlace place) const;
  /// The rows at these places, in this order; their `#weight` is what they came with.
  Result<Batch> rows(std::span<const RowPlace> places) const;
  /// The place of every row there is, piece by piece.
  std::vector<RowPlace> all() const;

  /// Rows before this time are found no more. Their memory comes back by `compact`.
  void expire(EventTime watermark);
  /// One step of putting memory in order, about a piece: takes out what has expired, or puts the
  /// rows of pieces that are small or mostly gone into a new one. False where nothing is to do.
  Result<bool> compact();

  /// With those that have expired and are still in memory.
  std::int64_t size() const { return size_; }
  std::size_t pieces() const { return live_pieces_; }
  std::int64_t bytes() const { return memory_.bytes(); }

  /// Rows of a piece that `compact` makes, about; one with fewer than half of them is sparse.
  static constexpr std::int64_t piece_rows = 8192;
  /// So many sparse pieces become one, even if it is sparse itself.
  static constexpr std::size_t sparse_pieces_max = 32;

 private:
  static constexpr std::int64_t no_look = INT64_MAX;

  struct Piece {
    Piece(Batch rows, const StateTable& table);

    Batch batch;
    KeyRows keys;
    KeyRows content;
    std::vector<std::uint8_t> alive;
    std::vector<std::int64_t> weights;  ///< where they add up
    std::vector<RowPlace> older;        ///< ... and where so a key may have several rows
    std::vector<RowPlace> newer;
    const std::int64_t* times = nullptr;
    std::int64_t count = 0;  ///< alive
    std::int64_t bytes = 0;
    std::int64_t look_at = no_look;  ///< by then half of it has expired, about
    bool sparse = false;
  };

  bool sums() const { return table_->merge == StateMerge::weights; }
  Piece& at(RowPlace place) const { return *pieces_[place.piece]; }
  bool has(RowPlace place) const;
  Result<> add(const Batch& rows);
  Result<> hash(const Batch& rows);
  bool reserve(const Piece& piece);
  void settle_memory();

  std::uint32_t put(std::unique_ptr<Piece> piece);
  void drop(std::uint32_t number);
  void drop_if_empty(std::uint32_t number);
  void mark_sparse(std::uint32_t number);
  void plan_look(std::uint32_t number);

  void add_last(RowPlace place, std::uint64_t key, bool deletion);
  void add_weight(RowPlace place, std::uint64_t key, std::uint64_t content);
  void link(RowPlace place, std::uint64_t key);
  void kill(RowPlace place);
  void forget(RowPlace place, std::uint64_t key, std::uint64_t content);
  void move(RowPlace from, RowPlace to, std::uint64_t key, std::uint64_t content);

  Result<> look(std::uint32_t number);
  std::vector<std::uint32_t> pieces_to_join() const;
  Result<bool> join(const std::vector<std::uint32_t>& numbers);

  const std::shared_ptr<const StateTable> table_;
  const std::vector<int> key_;
  Reservation memory_;
  std::vector<std::unique_ptr<Piece>> pieces_;  ///< null: free
  std::vector<std::uint32_t> free_;
  std::size_t live_pieces_ = 0;
  std::int64_t size_ = 0;
  std::int64_t piece_bytes_ = 0;
  std::set<std::uint32_t> sparse_;
  std::set<std::pair<std::int64_t, std::uint32_t>> looks_;  ///< (look_at, piece)
  RowIndex index_;                                          ///< the newest row of each key
  RowIndex contents_;  ///< each row by all it holds, where weights add up
  std::int64_t watermark_ = EventTime::min().time_since_epoch().count();
  const bool barriers_;
  std::vector<Batch> changes_;
  // Of the batch at hand.
  std::vector<std::uint64_t> key_hashes_;
  std::vector<std::uint64_t> content_hashes_;
};

}  // namespace troupe
