#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/schema.hpp"
#include "runtime/expr/aggregate_select.hpp"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace arrow {
class DictionaryArray;
}

namespace troupe {

class Batch;

/// The direction of one ORDER BY term.
struct SortOrder {
  bool descending = false;
  bool nulls_first = false;
};

/// The values of one ORDER BY term as unsigned numbers in the same order: PostgreSQL's, with NaN
/// above all numbers, -0 equal to 0, and text by its bytes.
///
/// A number says all there is to a value (`exact`), except for text of eight bytes or more, where
/// it holds the first seven, and the text itself decides among equals. Numbers of different batches
/// compare, unless they are ranks within a dictionary (`SortScale::within`).
class SortColumn {
 public:
  /// Whether numbers must compare with those of other arrays, or only within this one: then a
  /// dictionary's entries are ranked, which is exact.
  enum class Scale { across, within };

  static Result<SortColumn> make(std::shared_ptr<arrow::Array> array, Scale scale);
  /// `unsupported` where values of the type have no order.
  static Result<> check(const arrow::DataType& type);

  bool is_null(std::size_t row) const { return !nulls_.empty() && nulls_[row] != 0; }
  bool has_nulls() const { return !nulls_.empty(); }
  bool exact() const { return exact_; }
  /// The more significant number; null rows have 0.
  const std::vector<std::uint64_t>& high() const { return high_; }
  /// Decimals only: the less significant one; else empty.
  const std::vector<std::uint64_t>& low() const { return low_; }
  std::size_t rows() const { return high_.size(); }

  /// Below, equal or above zero as row `row` of this comes before, with or after `other_row` of
  /// `other` in the given direction.
  int compare(std::size_t row, const SortColumn& other, std::size_t other_row,
              SortOrder order) const;

 private:
  std::string_view text(std::size_t row) const;
  Result<> encode(const arrow::Array& array);
  Result<> encode_dictionary(const arrow::DictionaryArray& array, Scale scale);

  std::shared_ptr<arrow::Array> array_;
  std::vector<std::uint8_t> nulls_;  ///< empty: none
  std::vector<std::uint64_t> high_;
  std::vector<std::uint64_t> low_;
  bool exact_ = true;
};

/// The terms of one ORDER BY over some rows.
struct SortKey {
  std::vector<SortColumn> columns;
  std::vector<SortOrder> orders;

  std::size_t rows() const { return columns.front().rows(); }
  int compare(std::size_t row, const SortKey& other, std::size_t other_row) const {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const int order = columns[i].compare(row, other.columns[i], other_row, orders[i]);
      if (order != 0) return order;
    }
    return 0;
  }
  /// True where the rows are in order already.
  bool sorted() const;
};

std::vector<SortOrder> orders_of(const std::vector<OrderTerm>& terms);
/// The values of the terms, one array a term.
Result<std::vector<std::shared_ptr<arrow::Array>>> values_of(const std::vector<OrderTerm>& terms,
                                                             const Batch& batch);
Result<SortKey> make_sort_key(std::vector<std::shared_ptr<arrow::Array>> values,
                              std::vector<SortOrder> orders, SortColumn::Scale scale);
Result<SortKey> make_sort_key(const std::vector<OrderTerm>& terms, const Batch& batch);

/// The rows in order, as indices. Not stable.
std::vector<std::uint32_t> sort_rows(const SortKey& key);
/// The same for the values themselves. Where their bits and a row's number fit into a word, they
/// are numbers one term at a time, so that less memory is needed than for a key of all.
Result<std::vector<std::uint32_t>> sort_rows(
    const std::vector<std::shared_ptr<arrow::Array>>& values, std::vector<SortOrder> orders);

}  // namespace troupe
