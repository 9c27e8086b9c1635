#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/schema.hpp"
#include "runtime/ops/aggregate/exact_number.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace arrow {
class Buffer;
}

namespace troupe {

/// The group of each row of a batch.
struct RowGroups {
  const std::uint32_t* ids = nullptr;  ///< null: every row is of group 0
  std::int64_t rows = 0;
  /// How many of the rows each group has, where that is known: then nobody counts them again.
  const std::int64_t* sizes = nullptr;

  std::uint32_t operator[](std::int64_t row) const { return ids ? ids[row] : 0; }
};

/// The argument of an aggregate for each row of a batch, and the rows that count.
struct Argument {
  std::shared_ptr<arrow::Array> values;       ///< none for count(*)
  std::shared_ptr<arrow::Buffer> valid = {};  ///< bits of rows to look at; none: all of them
  std::int64_t valid_offset = 0;
};

/// What aggregate calls are made of. `avg(x)` is a sum and a count, and shares both with `sum(x)`
/// and `count(x)`.
enum class AccumulatorKind {
  count,            ///< rows, or values that are not null
  integer_sum,      ///< of integers, in 128 bits
  integer_squares,  ///< sum of squares of integers
  decimal_sum,      ///< of unscaled decimals
  float_sum,        ///< of doubles, exact
  float_squares,    ///< sum of squares of doubles, exact
  min,
  max,
  distinct,       ///< how many different values
  distinct_sums,  ///< of numbers: how many different ones, their sum and that of their squares
  list,           ///< all values, of doubles or texts
};

/// Of states that are rows of their own: see `PairAccumulator`.
bool is_of_pairs(AccumulatorKind kind);
/// Whether it can take rows back without knowing the others.
bool takes_back(AccumulatorKind kind);

const char* to_string(AccumulatorKind kind);

/// One column of running results, a value a group. Adding rows and merging the states of others in
/// any order and any grouping gives the same result, bit for bit.
///
/// Called per batch, never per row; the loops inside know their types.
class Accumulator {
 public:
  /// For an argument of that (logical) type; null for count(*).
  static Result<std::unique_ptr<Accumulator>> make(
      AccumulatorKind kind, const std::shared_ptr<arrow::DataType>& argument);
  virtual ~Accumulator() = default;

  /// There are so many groups from here on: new ones start without rows. Never shrinks.
  virtual void resize(std::size_t groups) = 0;
  virtual Result<> update(const RowGroups& groups, const Argument& argument) = 0;

  /// The type of a state as it travels. A null state is that of no rows.
  virtual std::shared_ptr<arrow::DataType> state_type() const = 0;
  /// The states of groups [begin, end).
  virtual Result<std::shared_ptr<arrow::Array>> states(std::uint32_t begin,
                                                       std::uint32_t end) const = 0;
  /// Adds states: that of row i to its group. May come from another node: `corrupt` if senseless.
  virtual Result<> merge(const RowGroups& groups, const arrow::Array& states) = 0;
  /// The reverse, exactly: counts and sums know it, what looks at values does not (`unsupported`).
  virtual Result<> take_back(const RowGroups& groups, const arrow::Array& states);

  /// In use; the spare room of a vector is not touched.
  virtual std::int64_t bytes() const = 0;
};

/// What keeps values, not a result a group: pairs of group and value.
///
/// Its states do not fit one value a group: they travel as rows of their own, one a pair, with the
/// group's key and the value in this column. So a state is a value or null, and `states` (a row a
/// group) is all null.
class PairAccumulator : public Accumulator {
 public:
  explicit PairAccumulator(std::shared_ptr<arrow::DataType> type) : type_(std::move(type)) {}

  std::shared_ptr<arrow::DataType> state_type() const override { return type_; }
  Result<std::shared_ptr<arrow::Array>> states(std::uint32_t begin,
                                               std::uint32_t end) const override;
  Result<> merge(const RowGroups& groups, const arrow::Array& states) override;

  virtual std::uint32_t pairs() const = 0;
  /// Pairs [begin, end): the group of each, and its value.
  struct Pairs {
    std::vector<std::uint32_t> groups;
    std::shared_ptr<arrow::Array> values;
  };
  virtual Result<Pairs> pairs(std::uint32_t begin, std::uint32_t end) const = 0;

 private:
  std::shared_ptr<arrow::DataType> type_;
};

/// Results by number, for the functions that are made of several accumulators.
class CountAccumulator : public Accumulator {
 public:
  void resize(std::size_t groups) override { counts_.resize(groups); }
  Result<> update(const RowGroups& groups, const Argument& argument) override;
  std::shared_ptr<arrow::DataType> state_type() const override;
  Result<std::shared_ptr<arrow::Array>> states(std::uint32_t begin,
                                               std::uint32_t end) const override;
  Result<> merge(const RowGroups& groups, const arrow::Array& states) override;
  Result<> take_back(const RowGroups& groups, const arrow::Array& states) override;
  std::int64_t bytes() const override {
    return static_cast<std::int64_t>(counts_.size() * sizeof(std::int64_t));
  }

  std::int64_t count(std::uint32_t group) const { return counts_[group]; }

 private:
  std::vector<std::int64_t> counts_;
};

/// The sums: an exact number a group, which is also how they travel.
class SumAccumulator : public Accumulator {
 public:
  std::shared_ptr<arrow::DataType> state_type() const override;
  Result<std::shared_ptr<arrow::Array>> states(std::uint32_t begin,
                                               std::uint32_t end) const override;
  virtual ExactNumber sum(std::uint32_t group) const = 0;
  /// The same where it is known to be a whole number of 128 bits; nothing where it may be none.
  virtual std::optional<__int128> small_sum(std::uint32_t /*group*/) const { return std::nullopt; }
};

std::unique_ptr<SumAccumulator> make_integer_sum();
std::unique_ptr<SumAccumulator> make_integer_squares();
std::unique_ptr<SumAccumulator> make_decimal_sum();
std::unique_ptr<SumAccumulator> make_float_sum();
std::unique_ptr<SumAccumulator> make_float_squares();
Result<std::unique_ptr<Accumulator>> make_extreme(bool max,
                                                  const std::shared_ptr<arrow::DataType>& type);

}  // namespace troupe
