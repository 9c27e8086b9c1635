#include "runtime/ops/join_table.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/compute/api.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <bit>
#include <set>

namespace troupe {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

/// Up to so many buckets a table may have beyond its rows to be addressed by the key itself: 16 MiB
/// of bucket starts.
constexpr int direct_bits_max = 22;
/// Strings of smaller build sides are dictionary-encoded, so that output rows share them.
constexpr std::int64_t encode_rows_max = 65536;
/// How far ahead of the scan buckets are fetched into the cache.
constexpr std::uint32_t fetch_ahead = 16;

std::uint64_t mixed(const std::uint64_t* words, std::size_t width) {
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < width; ++i) {
    hash = (hash ^ words[i]) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  return hash * 0xD6E8FEB86659FD93u;
}

Result<ArrayPtr> build_column(const std::vector<Batch>& build, int index, std::int64_t rows) {
  std::vector<ArrayPtr> parts;
  for (const Batch& batch : build) parts.push_back(batch.columns()->column(index));
  ArrayPtr column = TRY(concat(parts));
  if (column->type_id() != arrow::Type::STRING || rows > encode_rows_max) return column;
  const arrow::Datum encoded = TRY(arrow_try(arrow::compute::DictionaryEncode(column)));
  return encoded.make_array();
}

bool is_identity(const std::vector<std::uint32_t>& rows, std::int64_t count) {
  if (static_cast<std::int64_t>(rows.size()) != count) return false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] != i) return false;
  }
  return true;
}

Batch make_output(const JoinSpec& spec, std::int64_t rows, std::vector<ArrayPtr> columns) {
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    fields.push_back(spec.schema->field(static_cast<int>(i))->WithType(columns[i]->type()));
  }
  return Batch(
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(columns)));
}

}  // namespace

Result<JoinTable> JoinTable::make(std::shared_ptr<const JoinSpec> spec, std::vector<Batch> build) {
  JoinTable table;
  for (const Batch& batch : build) table.rows_ += batch.rows();
  if (table.rows_ >= no_row) {
    return fail(ErrorCode::unavailable, "{} rows on the right side of a join in one subtask",
                table.rows_);
  }
  JoinKeys::Columns keys;
  for (const int key : spec->right_keys) {
    std::vector<ArrayPtr> parts;
    for (const Batch& batch : build) parts.push_back(batch.columns()->column(key));
    keys.push_back(TRY(concat(parts)));
  }
  table.arrange(TRY(table.keys_.learn(keys, table.rows_)));
  std::set<int> wanted;
  for (const JoinSpec::Column& column : spec->columns) {
    if (!column.from_left) wanted.insert(column.index);
    if (column.from_left && column.right_key >= 0 && spec->keeps_right()) {
      wanted.insert(column.right_key);
    }
  }
  table.columns_.resize(static_cast<std::size_t>(build.front().columns()->num_columns()));
  for (const int index : wanted) {
    table.columns_[static_cast<std::size_t>(index)] = TRY(build_column(build, index, table.rows_));
  }
  if (spec->keeps_right()) table.matched_.assign(static_cast<std::size_t>(table.rows_), 0);
  table.spec_ = std::move(spec);
  return table;
}

/// Sorts the rows by bucket: count, sum up, place.
void JoinTable::arrange(const JoinKeys::Packed& packed) {
  const auto rows = static_cast<std::uint32_t>(rows_);
  const int row_bits = std::bit_width(std::max(rows, 1u));
  direct_ =
      keys_.width() == 1 && keys_.bits() <= std::max(16, std::min(row_bits + 2, direct_bits_max));
  const int bits = direct_ ? keys_.bits() : std::clamp(row_bits, 1, 30);
  buckets_ = std::uint32_t{1} << bits;
  hash_shift_ = 64 - bits;
  starts_.assign(std::size_t{buckets_} + 2, 0);
  const std::size_t width = keys_.width();
  std::vector<std::uint32_t> bucket(rows);
  for (std::uint32_t i = 0; i < rows; ++i) {
    if (packed.absent[i]) continue;
    bucket[i] = bucket_of(&packed.words[i * width]);
    ++starts_[bucket[i] + 1];
  }
  for (std::uint32_t b = 0; b < buckets_; ++b) starts_[b + 1] += starts_[b];
  starts_[buckets_ + 1] = starts_[buckets_];
  const std::uint32_t placed = starts_[buckets_];
  place_rows_.resize(placed);
  if (!direct_) place_words_.resize(placed * width);
  std::vector<std::uint32_t> next(starts_.begin(), starts_.end() - 1);
  for (std::uint32_t i = 0; i < rows; ++i) {
    if (packed.absent[i]) continue;
    const std::uint32_t place = next[bucket[i]]++;
    place_rows_[place] = i;
    if (direct_) continue;
    std::copy_n(&packed.words[i * width], width, &place_words_[place * width]);
  }
}

std::uint32_t JoinTable::bucket_of(const std::uint64_t* words) const {
  return static_cast<std::uint32_t>(direct_ ? *words : mixed(words, keys_.width()) >> hash_shift_);
}

Result<ArrayPtr> JoinTable::right_column(const JoinSpec::Column& column,
                                         const std::vector<std::uint32_t>& rows) const {
  const int index = column.from_left ? column.right_key : column.index;
  return take(*columns_[static_cast<std::size_t>(index)], rows);
}

Result<Batch> JoinTable::output(const Batch& batch, const JoinPairs& pairs) const {
  const bool all = is_identity(pairs.left, batch.rows());
  std::vector<ArrayPtr> columns;
  for (const JoinSpec::Column& column : spec_->columns) {
    if (!column.from_left) {
      columns.push_back(TRY(right_column(column, pairs.right)));
      continue;
    }
    const ArrayPtr left = batch.columns()->column(column.index);
    columns.push_back(all ? left : TRY(take(*left, pairs.left)));
  }
  return make_output(*spec_, static_cast<std::int64_t>(pairs.left.size()), std::move(columns));
}

Result<Batch> JoinTable::output_unmatched(const std::vector<std::uint32_t>& right) const {
  const auto rows = static_cast<std::int64_t>(right.size());
  std::vector<ArrayPtr> columns;
  for (std::size_t i = 0; i < spec_->columns.size(); ++i) {
    const JoinSpec::Column& column = spec_->columns[i];
    if (column.from_left && column.right_key < 0) {
      const auto& type = logical_type(spec_->schema->field(static_cast<int>(i))->type());
      columns.push_back(TRY(arrow_try(arrow::MakeArrayOfNull(type, rows))));
    } else {
      columns.push_back(TRY(right_column(column, right)));
    }
  }
  return make_output(*spec_, rows, std::move(columns));
}

std::vector<std::uint32_t> JoinTable::unmatched(std::uint32_t& from) const {
  std::vector<std::uint32_t> rows;
  for (; from < matched_.size() && rows.size() < batch_rows_max; ++from) {
    if (!matched_[from]) rows.push_back(from);
  }
  return rows;
}

Result<> JoinProbe::start(const Batch& batch, std::uint8_t* seen, bool last) {
  batch_ = batch;
  seen_ = seen;
  last_ = last;
  row_ = 0;
  in_row_ = false;
  JoinKeys::Columns keys;
  for (const int key : table_->spec_->left_keys) keys.push_back(batch.columns()->column(key));
  TRY(table_->keys_.find(keys, batch.rows(), packed_));
  const auto rows = static_cast<std::size_t>(batch.rows());
  const std::size_t width = table_->keys_.width();
  buckets_.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::uint32_t bucket = table_->bucket_of(&packed_.words[i * width]);
    buckets_[i] = packed_.absent[i] ? table_->buckets_ : bucket;
  }
  return {};
}

bool JoinProbe::equal(std::uint32_t place, const std::uint64_t* words) const {
  const std::size_t width = table_->keys_.width();
  const std::uint64_t* other = &table_->place_words_[place * width];
  for (std::size_t i = 0; i < width; ++i) {
    if (other[i] != words[i]) return false;
  }
  return true;
}

/// What a row without (or, for a semi join, with) a partner adds.
void JoinProbe::end_row(JoinPairs& pairs) {
  const JoinSpec& spec = *table_->spec_;
  const bool before = seen_ != nullptr && seen_[row_] != 0;
  if (seen_ != nullptr && found_) seen_[row_] = 1;
  if (spec.type == JoinType::semi) {
    if (found_ && !before) pairs.left.push_back(row_);
    return;
  }
  if (!spec.keeps_left() || found_ || before || !last_) return;
  pairs.left.push_back(row_);
  if (!spec.only_left()) pairs.right.push_back(no_row);
}

template <bool direct>
void JoinProbe::scan(JoinPairs& pairs) {
  JoinTable& table = *table_;
  const bool only_left = table.spec_->only_left();
  const bool mark = !table.matched_.empty();
  const bool ends_matter = only_left || table.spec_->keeps_left() || seen_ != nullptr;
  const std::size_t width = table.keys_.width();
  const std::uint32_t* starts = table.starts_.data();
  const auto rows = static_cast<std::uint32_t>(batch_.rows());
  for (; row_ < rows; ++row_) {
    if (pairs.left.size() >= batch_rows_max) return;
    if (row_ + fetch_ahead < rows) __builtin_prefetch(starts + buckets_[row_ + fetch_ahead]);
    if (!direct && row_ + fetch_ahead / 2 < rows) {
      const std::size_t place = starts[buckets_[row_ + fetch_ahead / 2]];
      __builtin_prefetch(table.place_words_.data() + place * width);
      __builtin_prefetch(table.place_rows_.data() + place);
    }
    const std::uint32_t bucket = buckets_[row_];
    const std::uint32_t end = starts[bucket + 1];
    if (!in_row_) {
      place_ = starts[bucket];
      found_ = false;
    }
    in_row_ = true;
    for (; place_ < end; ++place_) {
      if (!direct && !equal(place_, &packed_.words[row_ * width])) continue;
      found_ = true;
      if (only_left) break;
      if (pairs.left.size() >= batch_rows_max) return;
      const std::uint32_t right = table.place_rows_[place_];
      if (mark) table.matched_[right] = 1;
      pairs.left.push_back(row_);
      pairs.right.push_back(right);
    }
    in_row_ = false;
    if (ends_matter) end_row(pairs);
  }
}

bool JoinProbe::next(JoinPairs& pairs) {
  pairs.left.clear();
  pairs.right.clear();
  pairs.left.reserve(batch_rows_max);
  pairs.right.reserve(batch_rows_max);
  if (table_->direct_) {
    scan<true>(pairs);
  } else {
    scan<false>(pairs);
  }
  return !pairs.left.empty();
}

}  // namespace troupe
