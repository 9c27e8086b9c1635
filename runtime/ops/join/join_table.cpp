#include "runtime/ops/join/join_table.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/ops/join/needed_keys.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/compute/api.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

namespace troupe {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

/// Up to so many buckets a table may have beyond its rows to be addressed by the key itself: 16 MiB
/// of bucket starts.
constexpr int direct_bits_max = 22;
/// Strings of smaller build sides are dictionary-encoded, so that output rows share them.
constexpr std::int64_t encode_rows_max = 65536;
/// A bit for each key where those are so few: 4 MiB.
constexpr int present_bits_max = 25;
/// How far ahead of the scan buckets are fetched into the cache.
constexpr std::uint32_t fetch_ahead = 16;
/// A region is so many buckets that their places, counted and written at random, stay in the L2
/// cache: 64 KiB of counters, and some hundred KiB of entries.
constexpr int region_bits = 14;
/// Keys of a width that only the table knows.
constexpr std::size_t any_words = std::numeric_limits<std::size_t>::max();

std::uint64_t mixed(const std::uint64_t* words, std::size_t width) {
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < width; ++i) {
    hash = (hash ^ words[i]) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  return hash * 0xD6E8FEB86659FD93u;
}

using Parts = std::vector<ArrayPtr>;  ///< of one column

/// The parts go as soon as they are one.
Result<ArrayPtr> build_column(Parts parts, std::int64_t rows) {
  ArrayPtr column = TRY(concat(parts));
  parts.clear();
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

// Inline, since it is asked for every row.
inline std::uint32_t JoinTable::bucket_of(const std::uint64_t* words) const {
  return static_cast<std::uint32_t>(direct_ ? *words : mixed(words, keys_.width()) >> hash_shift_);
}

Result<JoinTable> JoinTable::make(std::shared_ptr<const JoinSpec> spec, std::vector<Batch> build,
                                  bool tells) {
  JoinTable table;
  for (const Batch& batch : build) table.rows_ += batch.rows();
  if (table.rows_ >= no_row) {
    return make_error(ErrorCode::unavailable, "{} rows on the right side of a join in one subtask",
                      table.rows_);
  }
  std::vector<Parts> parts(static_cast<std::size_t>(build.front().columns()->num_columns()));
  for (const Batch& batch : std::exchange(build, std::vector<Batch>())) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      parts[i].push_back(batch.columns()->column(static_cast<int>(i)));
    }
  }
  JoinKeys::Columns keys;
  for (const int key : spec->right_keys) {
    keys.push_back(TRY(concat(parts[static_cast<std::size_t>(key)])));
  }
  table.arrange(TRY(table.keys_.learn(keys, table.rows_)));
  if (tells) table.needed_ = needed_keys(spec->left_keys, keys);
  keys.clear();
  std::set<int> wanted;
  for (const JoinSpec::Column& column : spec->columns) {
    if (!column.from_left) wanted.insert(column.index);
    if (column.from_left && column.right_key >= 0 && spec->keeps_right()) {
      wanted.insert(column.right_key);
    }
  }
  table.columns_.resize(parts.size());
  for (const int index : wanted) {
    const auto at = static_cast<std::size_t>(index);
    table.columns_[at] = TRY(build_column(std::exchange(parts[at], Parts()), table.rows_));
  }
  if (spec->keeps_right()) table.matched_.assign(static_cast<std::size_t>(table.rows_), 0);
  table.spec_ = std::move(spec);
  return table;
}

/// Sorts the rows by bucket, in two steps: by region, then inside each region, where what is
/// written at random stays in the cache.
void JoinTable::arrange(JoinKeys::Packed packed) {
  const int row_bits = std::bit_width(std::max(static_cast<std::uint32_t>(rows_), 1u));
  direct_ =
      keys_.width() == 1 && keys_.bits() <= std::max(16, std::min(row_bits + 2, direct_bits_max));
  const int bits = direct_ ? keys_.bits() : std::clamp(row_bits, 1, 30);
  buckets_ = std::uint32_t{1} << bits;
  hash_shift_ = 64 - bits;
  if (!direct_) note_present(packed);
  const Regions regions = split(packed, std::min(bits, region_bits));
  packed = {};
  const std::uint32_t placed = regions.ends.back();
  starts_.assign(std::size_t{buckets_} + 2, placed);
  if (direct_) {
    place_rows_.resize(placed + 1);  // the last bucket's place may be looked at, not used
  } else {
    places_.resize(placed * stride());
  }
  for (std::uint32_t region = 0; region + 1 < regions.ends.size(); ++region) {
    place(regions, region);
  }
  single_ = std::adjacent_find(starts_.begin(), starts_.end(), [](auto start, auto next) {
              return next - start > 1;
            }) == starts_.end();
}

void JoinTable::note_present(const JoinKeys::Packed& packed) {
  const std::size_t width = keys_.width();
  const int by_hash = 64 - hash_shift_ + present_bits_more;
  present_by_key_ = width == 1 && keys_.bits() <= std::max(by_hash, present_bits_max);
  const int bits = present_by_key_ ? keys_.bits() : by_hash;
  present_.assign(std::max<std::size_t>(1, (std::size_t{1} << bits) / 64), 0);
  for (std::size_t i = 0; i < packed.absent.size(); ++i) {
    if (packed.absent[i]) continue;
    const std::uint64_t* words = &packed.words[i * width];
    const std::uint64_t bit = present_bit(*words, mixed(words, width));
    present_[bit / 64] |= std::uint64_t{1} << (bit % 64);
  }
}

JoinTable::Regions JoinTable::split(const JoinKeys::Packed& packed, int shift) const {
  const auto rows = static_cast<std::uint32_t>(rows_);
  const std::size_t width = keys_.width();
  Regions regions{.shift = shift, .ends = {}, .entries = {}};
  regions.ends.assign((buckets_ >> shift) + 1, 0);
  for (std::uint32_t i = 0; i < rows; ++i) {
    if (!packed.absent[i]) ++regions.ends[(bucket_of(&packed.words[i * width]) >> shift) + 1];
  }
  std::partial_sum(regions.ends.begin(), regions.ends.end(), regions.ends.begin());
  regions.entries.resize(regions.ends.back() * stride());
  std::vector<std::uint32_t> next(regions.ends.begin(), regions.ends.end() - 1);
  for (std::uint32_t i = 0; i < rows; ++i) {
    if (packed.absent[i]) continue;
    const std::uint64_t* words = &packed.words[i * width];
    std::uint64_t* entry = &regions.entries[next[bucket_of(words) >> shift]++ * stride()];
    std::copy_n(words, width, entry);
    entry[width] = i;
  }
  return regions;
}

/// Counts, sums up and places the rows of one region.
void JoinTable::place(const Regions& regions, std::uint32_t region) {
  const std::uint32_t first = region << regions.shift;
  std::vector<std::uint32_t> next(std::size_t{1} << regions.shift, 0);
  const std::uint64_t* begin = regions.entries.data() + regions.ends[region] * stride();
  const std::uint64_t* end = regions.entries.data() + regions.ends[region + 1] * stride();
  for (const std::uint64_t* entry = begin; entry != end; entry += stride()) {
    ++next[bucket_of(entry) - first];
  }
  std::uint32_t at = regions.ends[region];
  for (std::size_t i = 0; i < next.size(); ++i) {
    starts_[first + i] = at;
    at += std::exchange(next[i], at);
  }
  for (const std::uint64_t* entry = begin; entry != end; entry += stride()) {
    const std::uint32_t to = next[bucket_of(entry) - first]++;
    if (direct_) {
      place_rows_[to] = static_cast<std::uint32_t>(entry[keys_.width()]);
    } else {
      std::copy_n(entry, stride(), &places_[to * stride()]);
    }
  }
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
  find_candidates();
  return {};
}

/// The bucket of every row, and the rows that may have a partner; all of them where those without
/// one matter. Nothing here branches on the data.
void JoinProbe::find_candidates() {
  const auto rows = static_cast<std::uint32_t>(batch_.rows());
  const std::size_t width = table_->keys_.width();
  const JoinSpec& spec = *table_->spec_;
  const bool every =
      spec.keeps_left() || seen_ != nullptr;  // a semi join has nothing to do for others
  const std::uint32_t none = table_->buckets_;
  buckets_.resize(rows);
  candidates_.resize(rows);
  at_ = 0;
  std::size_t count = 0;
  const auto note = [&](std::uint32_t row, bool possible, std::uint32_t bucket) {
    buckets_[row] = possible ? bucket : none;
    candidates_[count] = row;
    count += (every || possible) ? 1 : 0;
  };
  if (table_->direct_) {
    for (std::uint32_t row = 0; row < rows; ++row) {
      note(row, packed_.absent[row] == 0, static_cast<std::uint32_t>(packed_.words[row]));
    }
  } else {
    const std::uint64_t* present = table_->present_.data();
    for (std::uint32_t row = 0; row < rows; ++row) {
      const std::uint64_t* words = &packed_.words[row * width];
      const std::uint64_t hash = mixed(words, width);
      const std::uint64_t bit = table_->present_bit(*words, hash);
      const bool there = ((present[bit / 64] >> (bit % 64)) & 1) != 0;
      note(row, there && packed_.absent[row] == 0,
           static_cast<std::uint32_t>(hash >> table_->hash_shift_));
    }
  }
  candidates_.resize(count);
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

/// Whether `scan_single` will do: then a row adds at most one pair, and no row without one matters.
bool JoinProbe::single() const {
  return table_->direct_ && table_->single_ && table_->spec_->type == JoinType::inner &&
         seen_ == nullptr && batch_.rows() <= batch_rows_max;
}

/// Writes a pair for each row, over the one before where that had no partner: nothing branches.
void JoinProbe::scan_single(JoinPairs& pairs) {
  const auto rows = static_cast<std::uint32_t>(batch_.rows());
  const std::uint32_t* starts = table_->starts_.data();
  const std::uint32_t* place_rows = table_->place_rows_.data();
  pairs.left.resize(rows - row_);
  pairs.right.resize(rows - row_);
  std::size_t found = 0;
  for (; row_ < rows; ++row_) {
    const std::uint32_t place = starts[buckets_[row_]];
    pairs.left[found] = row_;
    pairs.right[found] = place_rows[place];
    found += starts[buckets_[row_] + 1] - place;
  }
  pairs.left.resize(found);
  pairs.right.resize(found);
}

template <std::size_t words>
void JoinProbe::scan(JoinPairs& pairs) {
  constexpr bool direct = words == 0;
  JoinTable& table = *table_;
  const bool only_left = table.spec_->only_left();
  const bool mark = !table.matched_.empty();
  const bool ends_matter = only_left || table.spec_->keeps_left() || seen_ != nullptr;
  const std::size_t width = words == any_words ? table.keys_.width() : words;
  const std::size_t stride = width + 1;
  const std::uint32_t* starts = table.starts_.data();
  const std::uint64_t* places = table.places_.data();
  const std::uint32_t* rows = candidates_.data();
  const std::size_t count = candidates_.size();
  for (; at_ < count; ++at_) {
    if (pairs.left.size() >= batch_rows_max) return;
    row_ = rows[at_];
    if (at_ + fetch_ahead < count) {
      __builtin_prefetch(starts + buckets_[rows[at_ + fetch_ahead]]);
    }
    if (!direct && at_ + fetch_ahead / 2 < count) {
      __builtin_prefetch(places + starts[buckets_[rows[at_ + fetch_ahead / 2]]] * stride);
    }
    const std::uint32_t bucket = buckets_[row_];
    const std::uint32_t end = starts[bucket + 1];
    if (!in_row_) {
      place_ = starts[bucket];
      found_ = false;
    }
    in_row_ = true;
    for (; place_ < end; ++place_) {
      const std::uint64_t* entry = places + place_ * stride;
      if (!direct && !std::equal(entry, entry + width, &packed_.words[row_ * width])) continue;
      found_ = true;
      if (only_left) break;
      if (pairs.left.size() >= batch_rows_max) return;
      const auto right =
          direct ? table.place_rows_[place_] : static_cast<std::uint32_t>(entry[width]);
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
  if (single()) {
    scan_single(pairs);
  } else if (table_->direct_) {
    scan<0>(pairs);
  } else if (table_->keys_.width() == 1) {
    scan<1>(pairs);
  } else {
    scan<any_words>(pairs);
  }
  return !pairs.left.empty();
}

}  // namespace troupe
