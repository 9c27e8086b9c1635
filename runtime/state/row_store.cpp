#include "runtime/state/row_store.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/key_hash.hpp"
#include "runtime/data/take.hpp"
#include "runtime/spill/block_codec.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <numeric>

namespace troupe {
namespace {

constexpr std::size_t rows_ahead = 12;
/// What Arrow's arrays take beside their buffers, and what indexes may take before they say how
/// much.
constexpr std::int64_t piece_overhead = 1024;
constexpr std::int64_t index_bytes_ahead = 32 * 1024;
constexpr std::int64_t index_bytes_per_row = 64;

/// All but `#weight`, where rows add up; else nothing.
std::vector<int> content_columns(const StateTable& table) {
  const bool sums = table.merge == StateMerge::weights;
  std::vector<int> columns(sums ? static_cast<std::size_t>(table.weight()) : 0);
  std::iota(columns.begin(), columns.end(), 0);
  return columns;
}

const std::int64_t* words_of(const Batch& rows, int column) {
  return column < 0 ? nullptr : rows.columns()->column_data(column)->GetValues<std::int64_t>(1);
}

std::size_t size_of(const Batch& batch) { return static_cast<std::size_t>(batch.rows()); }

}  // namespace

RowStore::Piece::Piece(Batch rows, const StateTable& table)
    : batch(std::move(rows)),
      keys(batch, table.key_columns()),
      content(batch, content_columns(table)),
      alive(size_of(batch), 0),
      times(words_of(batch, table.expiry_column())) {
  bytes = batch.bytes() + batch.rows() + piece_overhead;
  if (table.merge != StateMerge::weights) return;
  const std::int64_t* given = words_of(batch, table.weight());
  weights.assign(given, given + size_of(batch));
  older.resize(size_of(batch));
  newer.resize(size_of(batch));
  bytes += batch.rows() * static_cast<std::int64_t>(sizeof(std::int64_t) + 2 * sizeof(RowPlace));
}

RowStore::RowStore(std::shared_ptr<const StateTable> table, MemoryBudget* memory, bool barriers)
    : table_(std::move(table)), key_(table_->key_columns()), memory_(memory), barriers_(barriers) {
  ENSURE(table_->merge != StateMerge::accumulate, "'{}' accumulates, and keeps no rows",
         table_->name);
}

bool RowStore::has(RowPlace place) const {
  const Piece& piece = at(place);
  if (piece.alive[place.row] == 0) return false;
  if (piece.times == nullptr || piece.times[place.row] >= watermark_) return true;
  return piece.batch.columns()->column(table_->expiry_column())->IsNull(place.row);
}

Result<> RowStore::change(const Batch& rows) {
  if (rows.rows() == 0) return {};
  const Batch named = rows_of(*table_, rows);
  TRY(add(named));
  if (barriers_) changes_.push_back(named);
  return {};
}

Result<> RowStore::hash(const Batch& rows) {
  TRY(hash_keys(rows, key_, key_hashes_));
  if (!sums()) return {};
  const auto content = TRY(arrow_try(rows.columns()->RemoveColumn(table_->weight())));
  return hashes_of_rows(Batch(content), content_hashes_);
}

/// For a piece, and for the indexes as much as its rows may add; those that take something back add
/// nothing, so that memory can be freed where there is none.
bool RowStore::reserve(const Piece& piece) {
  const std::int64_t* weights = words_of(piece.batch, table_->weight());
  std::int64_t added = 0;
  for (std::int64_t row = 0; row < piece.batch.rows(); ++row) {
    added += weights == nullptr || weights[row] > 0 ? 1 : 0;
  }
  const std::int64_t index = added == 0 ? 0 : index_bytes_ahead + added * index_bytes_per_row;
  return memory_.grow(piece.bytes + index * (sums() ? 2 : 1));
}

/// From what was reserved ahead to what is used. Where many segments were split at once that may be
/// more; it is taken already, so who refuses it is asked again next time.
void RowStore::settle_memory() {
  const std::int64_t used = piece_bytes_ + index_.bytes() + contents_.bytes();
  if (used < memory_.bytes()) memory_.shrink(memory_.bytes() - used);
  if (used > memory_.bytes()) static_cast<void>(memory_.grow(used - memory_.bytes()));
}

Result<> RowStore::add(const Batch& rows) {
  if (rows.rows() == 0) return {};
  TRY(hash(rows));
  auto made = std::make_unique<Piece>(rows, *table_);
  if (!reserve(*made)) {
    return make_error(ErrorCode::unavailable, "no memory for {} rows of the state table '{}'",
                      rows.rows(), table_->name);
  }
  made->sparse = true;  // until it is filled, nobody shall take it for sparse
  const std::uint32_t number = put(std::move(made));
  const std::int64_t* weights = words_of(rows, table_->weight());
  for (std::uint32_t row = 0; row < size_of(rows); ++row) {
    if (row + rows_ahead < size_of(rows)) {
      (sums() ? contents_ : index_)
          .prefetch((sums() ? content_hashes_ : key_hashes_)[row + rows_ahead]);
    }
    const RowPlace place{number, row};
    if (sums()) {
      add_weight(place, key_hashes_[row], content_hashes_[row]);
    } else {
      add_last(place, key_hashes_[row], weights != nullptr && weights[row] < 0);
    }
  }
  pieces_[number]->sparse = false;
  mark_sparse(number);
  plan_look(number);
  drop_if_empty(number);
  settle_memory();
  return {};
}

void RowStore::add_last(RowPlace place, std::uint64_t key, bool deletion) {
  const Piece& piece = at(place);
  RowPlace* known = index_.find(
      key, [&](RowPlace other) { return at(other).keys.same(other.row, piece.keys, place.row); });
  if (known != nullptr) kill(*known);
  if (deletion) {
    if (known == nullptr) return;
    const std::uint32_t emptied = known->piece;
    index_.erase(key, known);
    if (emptied != place.piece) drop_if_empty(emptied);
    return;
  }
  at(place).alive[place.row] = 1;
  ++at(place).count;
  ++size_;
  if (known != nullptr) {
    const RowPlace before = std::exchange(*known, place);
    if (before.piece != place.piece) drop_if_empty(before.piece);
  } else {
    index_.add(key, place);
  }
}

void RowStore::add_weight(RowPlace place, std::uint64_t key, std::uint64_t content) {
  Piece& piece = at(place);
  const std::int64_t weight = piece.weights[place.row];
  const RowPlace* known = contents_.find(content, [&](RowPlace other) {
    return at(other).content.same(other.row, piece.content, place.row);
  });
  if (known == nullptr) {
    if (weight == 0) return;
    piece.alive[place.row] = 1;
    ++piece.count;
    ++size_;
    contents_.add(content, place);
    link(place, key);
    return;
  }
  const RowPlace row = *known;
  std::int64_t& sum = at(row).weights[row.row];
  sum += weight;
  if (sum != 0) return;
  forget(row, key, content);
  if (row.piece != place.piece) drop_if_empty(row.piece);
}

/// As the newest of its key.
void RowStore::link(RowPlace place, std::uint64_t key) {
  Piece& piece = at(place);
  RowPlace* known = index_.find(
      key, [&](RowPlace other) { return at(other).keys.same(other.row, piece.keys, place.row); });
  if (known == nullptr) return index_.add(key, place);
  piece.older[place.row] = *known;
  at(*known).newer[known->row] = place;
  *known = place;
}

void RowStore::kill(RowPlace place) {
  Piece& piece = at(place);
  piece.alive[place.row] = 0;
  --piece.count;
  --size_;
  mark_sparse(place.piece);
}

/// Takes a row out of the indexes and out of the rows of its key.
void RowStore::forget(RowPlace place, std::uint64_t key, std::uint64_t content) {
  const auto here = [&](RowPlace other) { return other == place; };
  const RowPlace older = sums() ? at(place).older[place.row] : RowPlace();
  const RowPlace newer = sums() ? at(place).newer[place.row] : RowPlace();
  if (sums()) contents_.erase(content, contents_.find(content, here));
  if (older) at(older).newer[older.row] = newer;
  if (newer) {
    at(newer).older[newer.row] = older;
  } else {
    RowPlace* slot = index_.find(key, here);
    if (older) {
      *slot = older;
    } else {
      index_.erase(key, slot);
    }
  }
  kill(place);
}

void RowStore::move(RowPlace from, RowPlace to, std::uint64_t key, std::uint64_t content) {
  const auto here = [&](RowPlace other) { return other == from; };
  Piece& piece = at(to);
  piece.alive[to.row] = 1;
  ++piece.count;
  ++size_;
  RowPlace newer;
  if (sums()) {
    const RowPlace older = piece.older[to.row] = at(from).older[from.row];
    newer = piece.newer[to.row] = at(from).newer[from.row];
    piece.weights[to.row] = at(from).weights[from.row];
    if (older) at(older).newer[older.row] = to;
    if (newer) at(newer).older[newer.row] = to;
    *contents_.find(content, here) = to;
  }
  if (!newer) *index_.find(key, here) = to;
  kill(from);
}

std::uint32_t RowStore::put(std::unique_ptr<Piece> piece) {
  piece_bytes_ += piece->bytes;
  ++live_pieces_;
  if (free_.empty()) {
    pieces_.push_back(std::move(piece));
    return static_cast<std::uint32_t>(pieces_.size() - 1);
  }
  const std::uint32_t number = free_.back();
  free_.pop_back();
  pieces_[number] = std::move(piece);
  return number;
}

void RowStore::drop(std::uint32_t number) {
  const Piece& piece = *pieces_[number];
  piece_bytes_ -= piece.bytes;
  sparse_.erase(number);
  looks_.erase({piece.look_at, number});
  pieces_[number].reset();
  free_.push_back(number);
  --live_pieces_;
}

void RowStore::drop_if_empty(std::uint32_t number) {
  if (pieces_[number] && pieces_[number]->count == 0) drop(number);
}

void RowStore::mark_sparse(std::uint32_t number) {
  Piece& piece = *pieces_[number];
  if (piece.sparse) return;
  const std::int64_t full = std::max(piece.batch.rows(), piece_rows);
  if (piece.count * 2 >= full) return;
  piece.sparse = true;
  sparse_.insert(number);
}

/// Looks cost a piece each, so each one waits until about half of the times are over: a piece is
/// looked at as often as its span of time can be halved, not once a watermark.
void RowStore::plan_look(std::uint32_t number) {
  Piece& piece = *pieces_[number];
  if (piece.times == nullptr) return;
  const auto column = piece.batch.columns()->column(table_->expiry_column());
  std::int64_t first = INT64_MAX, last = INT64_MIN;
  for (std::uint32_t row = 0; row < piece.alive.size(); ++row) {
    if (piece.alive[row] == 0 || column->IsNull(row)) continue;
    first = std::min(first, piece.times[row]);
    last = std::max(last, piece.times[row]);
  }
  looks_.erase({piece.look_at, number});
  piece.look_at = first > last ? no_look : std::midpoint(first, last);
  if (piece.look_at != no_look) looks_.insert({piece.look_at, number});
}

Result<> RowStore::look(std::uint32_t number) {
  TRY(hash(pieces_[number]->batch));
  for (std::uint32_t row = 0; row < pieces_[number]->alive.size(); ++row) {
    const RowPlace place{number, row};
    if (pieces_[number]->alive[row] == 0 || has(place)) continue;
    forget(place, key_hashes_[row], sums() ? content_hashes_[row] : 0);
  }
  plan_look(number);
  drop_if_empty(number);
  return {};
}

void RowStore::expire(EventTime watermark) {
  watermark_ = std::max(watermark_, watermark.time_since_epoch().count());
}

std::vector<std::uint32_t> RowStore::pieces_to_join() const {
  std::vector<std::uint32_t> numbers;
  std::int64_t rows = 0;
  for (const std::uint32_t number : sparse_) {
    if (rows >= piece_rows || numbers.size() == sparse_pieces_max) break;
    numbers.push_back(number);
    rows += pieces_[number]->count;
  }
  const bool enough = rows >= piece_rows || numbers.size() == sparse_pieces_max;
  return enough ? numbers : std::vector<std::uint32_t>();
}

Result<bool> RowStore::join(const std::vector<std::uint32_t>& numbers) {
  std::vector<Batch> parts;
  std::vector<RowPlace> from;
  std::int64_t before = 0;
  for (const std::uint32_t number : numbers) {
    const Piece& piece = *pieces_[number];
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < piece.alive.size(); ++row) {
      if (piece.alive[row] != 0) rows.push_back(row);
    }
    for (const std::uint32_t row : rows) from.push_back({number, row});
    parts.push_back(TRY(take(piece.batch, rows)));
    before += piece.bytes;
  }
  auto made = std::make_unique<Piece>(TRY(concat(parts)), *table_);
  TRY(hash(made->batch));
  // Its rows are mostly fewer bytes than they were; where not, it can wait.
  if (made->bytes > before && !memory_.grow(made->bytes - before)) return false;
  const std::uint32_t number = put(std::move(made));
  for (std::uint32_t row = 0; row < from.size(); ++row) {
    move(from[row], {number, row}, key_hashes_[row], sums() ? content_hashes_[row] : 0);
  }
  for (const std::uint32_t old : numbers) drop(old);
  mark_sparse(number);
  plan_look(number);
  drop_if_empty(number);
  return true;
}

Result<bool> RowStore::compact() {
  bool done = false;
  if (!looks_.empty() && looks_.begin()->first < watermark_) {
    TRY(look(looks_.begin()->second));
    done = true;
  } else if (const auto numbers = pieces_to_join(); !numbers.empty()) {
    done = TRY(join(numbers));
  }
  settle_memory();
  return done;
}

Result<> RowStore::find(const Batch& rows, const std::vector<int>& columns,
                        std::vector<RowPlace>& found) {
  TRY(hash_keys(rows, columns, key_hashes_));
  const KeyRows keys(rows, columns);
  found.assign(size_of(rows), RowPlace());
  for (std::uint32_t row = 0; row < found.size(); ++row) {
    if (row + rows_ahead < found.size()) index_.prefetch(key_hashes_[row + rows_ahead]);
    const RowPlace* newest = index_.find(key_hashes_[row], [&](RowPlace other) {
      return at(other).keys.same(other.row, keys, row);
    });
    if (newest != nullptr) found[row] = has(*newest) ? *newest : older(*newest);
  }
  return {};
}

RowPlace RowStore::older(RowPlace place) const {
  if (!sums()) return {};
  do {
    place = at(place).older[place.row];
  } while (place && !has(place));
  return place;
}

std::int64_t RowStore::word(RowPlace place, int column) const {
  return words_of(at(place).batch, column)[place.row];
}

std::int64_t RowStore::weight(RowPlace place) const {
  return sums() ? at(place).weights[place.row] : 1;
}

Result<Batch> RowStore::rows(std::span<const RowPlace> places) const {
  std::vector<std::uint32_t> part_of(pieces_.size(), no_row);
  std::vector<std::uint32_t> pieces;
  std::vector<std::vector<std::uint32_t>> rows;
  for (const RowPlace& place : places) {
    if (part_of[place.piece] == no_row) {
      part_of[place.piece] = static_cast<std::uint32_t>(pieces.size());
      pieces.push_back(place.piece);
      rows.emplace_back();
    }
    rows[part_of[place.piece]].push_back(place.row);
  }
  if (pieces.empty()) return Batch(arrow::RecordBatch::MakeEmpty(table_->schema).ValueOrDie());
  std::vector<Batch> parts;
  std::vector<std::uint32_t> next;
  std::uint32_t begin = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    parts.push_back(TRY(take(pieces_[pieces[i]]->batch, rows[i])));
    next.push_back(std::exchange(begin, begin + static_cast<std::uint32_t>(rows[i].size())));
  }
  if (parts.size() == 1) return parts.front();
  std::vector<std::uint32_t> order;
  for (const RowPlace& place : places) order.push_back(next[part_of[place.piece]]++);
  return take(TRY(concat(parts)), order);
}

std::vector<RowPlace> RowStore::all() const {
  std::vector<RowPlace> places;
  for (std::uint32_t number = 0; number < pieces_.size(); ++number) {
    if (!pieces_[number]) continue;
    for (std::uint32_t row = 0; row < pieces_[number]->alive.size(); ++row) {
      if (has({number, row})) places.push_back({number, row});
    }
  }
  return places;
}

}  // namespace troupe
