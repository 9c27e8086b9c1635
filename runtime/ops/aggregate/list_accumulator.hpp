#pragma once

#include "runtime/ops/aggregate/accumulator.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>

namespace troupe {

/// Pairs of group and value in the order of both: made when first asked for, forgotten when a pair
/// is added.
class OrderOfPairs {
 public:
  void forget() { starts_.clear(); }

  /// `less` compares the values of two pairs, by their numbers.
  template <class Less>
  void make(const std::vector<std::uint32_t>& groups, std::size_t group_count, Less less) {
    if (!starts_.empty()) return;
    starts_.assign(group_count + 1, 0);
    for (const std::uint32_t group : groups) ++starts_[group + 1];
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
    pairs_.resize(groups.size());
    std::vector<std::uint32_t> next(starts_.begin(), starts_.end() - 1);
    for (std::uint32_t i = 0; i < groups.size(); ++i) pairs_[next[groups[i]]++] = i;
    for (std::size_t group = 0; group < group_count; ++group) {
      std::sort(pairs_.begin() + starts_[group], pairs_.begin() + starts_[group + 1], less);
    }
  }

  std::uint32_t count(std::uint32_t group) const { return starts_[group + 1] - starts_[group]; }
  std::uint32_t pair(std::uint32_t group, std::uint32_t i) const {
    return pairs_[starts_[group] + i];
  }

  /// What it takes for so many pairs and groups, made or not.
  static std::int64_t bytes(std::size_t pairs, std::size_t groups) {
    return static_cast<std::int64_t>((pairs + 2 * groups + 1) * sizeof(std::uint32_t));
  }

 private:
  std::vector<std::uint32_t> pairs_;
  std::vector<std::uint32_t> starts_;  ///< of each group in `pairs_`, and the end; empty: not made
};

/// All values of each group, for what is known only once they stand in order: percentiles, joined
/// texts. Nothing becomes fewer before the end, so every row is held, and a group must fit into
/// memory.
template <class Values>
class ListAccumulator : public PairAccumulator {
 public:
  using PairAccumulator::PairAccumulator;

  void resize(std::size_t groups) override { group_count_ = groups; }
  Result<> update(const RowGroups& groups, const Argument& argument) override;
  std::uint32_t pairs() const override { return static_cast<std::uint32_t>(groups_.size()); }
  Result<Pairs> pairs(std::uint32_t begin, std::uint32_t end) const override;
  std::int64_t bytes() const override;

  /// How many values the group has, and the i-th smallest of them.
  std::uint32_t count(std::uint32_t group) const { return order().count(group); }
  typename Values::Value value(std::uint32_t group, std::uint32_t i) const {
    return values_[order().pair(group, i)];
  }

 private:
  const OrderOfPairs& order() const {
    order_.make(groups_, group_count_, [this](std::uint32_t a, std::uint32_t b) {
      return Values::less(values_[a], values_[b]);
    });
    return order_;
  }

  std::size_t group_count_ = 0;
  std::vector<std::uint32_t> groups_;  ///< of each value
  Values values_;
  mutable OrderOfPairs order_;
};

/// Doubles, NaN above all others.
class NumberValues {
 public:
  using Value = double;
  Value operator[](std::uint32_t i) const { return values_[i]; }
  static bool less(double a, double b) { return a < b || (a == a && b != b); }
  void add(double value) { values_.push_back(value); }
  std::int64_t bytes() const {
    return static_cast<std::int64_t>(values_.capacity() * sizeof(double));
  }

 private:
  std::vector<double> values_;
};

/// Texts, by their bytes.
class TextValues {
 public:
  using Value = std::string_view;
  Value operator[](std::uint32_t i) const {
    const std::uint64_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
  }
  static bool less(std::string_view a, std::string_view b) { return a < b; }
  void add(std::string_view value) {
    text_ += value;
    ends_.push_back(text_.size());
  }
  std::int64_t bytes() const {
    return static_cast<std::int64_t>(text_.capacity() + ends_.capacity() * sizeof(std::uint64_t));
  }

 private:
  std::string text_;
  std::vector<std::uint64_t> ends_;
};

using NumberList = ListAccumulator<NumberValues>;
using TextList = ListAccumulator<TextValues>;

/// Of doubles or texts; `unsupported` for anything else.
Result<std::unique_ptr<Accumulator>> make_list(const std::shared_ptr<arrow::DataType>& type);

}  // namespace troupe
