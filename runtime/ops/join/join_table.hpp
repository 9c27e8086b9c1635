#pragma once

#include "runtime/data/batch.hpp"
#include "runtime/operator/needed_values.hpp"
#include "runtime/ops/join/join_keys.hpp"
#include "runtime/ops/join/join_spec.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace troupe {

/// Pairs of rows: `left` of the probe batch, `right` of the table; either may be `no_row`.
struct JoinPairs {
  std::vector<std::uint32_t> left;
  std::vector<std::uint32_t> right;
};

/// The build side of a join, all of it in memory, ready to be probed.
///
/// Rows stand sorted by bucket, and a bucket is a range of them: a probe reads its key's rows from
/// one place, repeated keys included, and follows no pointers. Where the packed keys are small
/// numbers, a bucket is a key, and nothing is hashed or compared.
class JoinTable {
 public:
  /// `build`: the rows of the right side, at least one batch (it may be empty).
  /// `tells`: whether somebody wants to know which keys it `needed`.
  static Result<JoinTable> make(std::shared_ptr<const JoinSpec> spec, std::vector<Batch> build,
                                bool tells = false);

  /// What rows take from here until there is a table of them: themselves, a copy of a column while
  /// its parts are joined, and packed keys, their places, and both once more while they are sorted.
  static std::int64_t cost_of(const Batch& batch) {
    return batch.bytes() * 5 / 4 + batch.rows() * bytes_per_row;
  }
  static constexpr std::int64_t bytes_per_row = 56;

  std::int64_t rows() const { return rows_; }
  /// Which keys of the probe side may have a partner here.
  const NeededValues& needed() const { return needed_; }
  /// The output for pairs of rows of `batch` and of the table.
  Result<Batch> output(const Batch& batch, const JoinPairs& pairs) const;
  /// The output for rows of the table that found no partner.
  Result<Batch> output_unmatched(const std::vector<std::uint32_t>& right) const;
  /// Rows without a partner so far, from row `from` on, at most `batch_rows_max` of them; `from`
  /// moves on. Empty at the end.
  std::vector<std::uint32_t> unmatched(std::uint32_t& from) const;

 private:
  friend class JoinProbe;

  JoinTable() = default;
  /// Rows with a key, by ranges of buckets: entries [ends[r], ends[r + 1]) are of region r.
  struct Regions {
    int shift = 0;  ///< a bucket's region is the rest of it
    std::vector<std::uint32_t> ends;
    std::vector<std::uint64_t> entries;
  };

  void arrange(JoinKeys::Packed packed);
  void note_present(const JoinKeys::Packed& packed);
  Regions split(const JoinKeys::Packed& packed, int shift) const;
  void place(const Regions& regions, std::uint32_t region);
  /// Words of an entry: the key's, and the number of the row.
  std::size_t stride() const { return keys_.width() + 1; }
  std::uint32_t bucket_of(const std::uint64_t* words) const;
  std::uint64_t present_bit(std::uint64_t word, std::uint64_t hash) const {
    return present_by_key_ ? word : hash >> (hash_shift_ - present_bits_more);
  }
  Result<std::shared_ptr<arrow::Array>> right_column(const JoinSpec::Column& column,
                                                     const std::vector<std::uint32_t>& rows) const;

  std::shared_ptr<const JoinSpec> spec_;
  std::int64_t rows_ = 0;
  JoinKeys keys_;
  bool direct_ = false;  ///< a bucket is a key
  bool single_ = false;  ///< no bucket has two rows
  int hash_shift_ = 0;
  std::uint32_t buckets_ = 0;
  /// Where not `direct_`: a bit for every key there can be, or for so many hashes that most others
  /// than those of the table have none. What most rows ask for in vain ends here, in the cache.
  static constexpr int present_bits_more = 4;
  std::vector<std::uint64_t> present_;
  bool present_by_key_ = false;
  /// Bucket b is places [starts_[b], starts_[b + 1]); the one behind the last is for absent keys.
  std::vector<std::uint32_t> starts_;
  std::vector<std::uint32_t> place_rows_;  ///< where `direct_`: the row at each place
  std::vector<std::uint64_t> places_;      ///< where not: the entry at each place
  std::vector<std::shared_ptr<arrow::Array>>
      columns_;  ///< by index in the right input; may be null
  NeededValues needed_;
  /// For joins that keep rows of the right side: which have found a partner.
  std::vector<std::uint8_t> matched_;
};

/// Which rows of one probe batch meet which rows of the table, in steps of bounded size.
///
/// The table may be a part of the build side (one that did not fit into memory): then every part is
/// probed with the same rows, `seen` remembers which have found a partner in any part, and only the
/// `last` part says which have not.
class JoinProbe {
 public:
  explicit JoinProbe(JoinTable& table) : table_(&table) {}

  /// `seen` has a byte for each row of the batch, or is null where the table is the whole side.
  Result<> start(const Batch& batch, std::uint8_t* seen, bool last);
  /// The next pairs, at most `batch_rows_max`; false when there are no more.
  bool next(JoinPairs& pairs);
  const Batch& batch() const { return batch_; }

 private:
  /// `words` of a key in the table: none where a bucket is a key.
  template <std::size_t words>
  void scan(JoinPairs& pairs);
  bool single() const;
  void find_candidates();
  void scan_single(JoinPairs& pairs);
  void end_row(JoinPairs& pairs);

  JoinTable* table_;
  Batch batch_;
  std::uint8_t* seen_ = nullptr;
  bool last_ = true;
  JoinKeys::Packed packed_;
  std::vector<std::uint32_t> buckets_;
  std::vector<std::uint32_t> candidates_;  ///< rows to look at, in their order
  std::size_t at_ = 0;                     ///< the candidate that is `row_`
  std::uint32_t row_ = 0;
  std::uint32_t place_ = 0;
  bool in_row_ = false;  ///< stopped in the middle of `row_`, at `place_`
  bool found_ = false;   ///< whether `row_` has a partner so far
};

}  // namespace troupe
