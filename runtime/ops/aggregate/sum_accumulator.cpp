// Sums of integers and decimals, and of the squares of integers: in integers so wide that no number
// of rows overflows them. What the result's type cannot hold is found once, at the end.
#include "runtime/data/arrow_result.hpp"
#include "runtime/ops/aggregate/accumulator.hpp"
#include "runtime/ops/aggregate/fixed_point.hpp"
#include "runtime/ops/aggregate/row_loop.hpp"

#include <cstring>
#include <utility>

namespace troupe {

namespace {

__int128 load_int128(const std::uint8_t* bytes) {
  __int128 value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// The hot one: 64 bits a group, which hardly ever overflow, and how often they have.
class IntegerSum : public SumAccumulator {
 public:
  void resize(std::size_t groups) override {
    sums_.resize(groups);
    wraps_.resize(groups);
  }

  Result<> update(const RowGroups& groups, const Argument& argument) override {
    return with_integers(*argument.values, [&](const auto* values) {
      if (!groups.ids) {
        __int128 sum = 0;
        each_counted(argument, groups.rows, [&](std::int64_t i) { sum += values[i]; });
        set(0, total(0) + sum);
        return;
      }
      const auto value = [=](std::int64_t i) { return values[i]; };
      if (add_in_lanes(std::span(sums_), groups, argument, value)) return;
      std::int64_t* sums = sums_.data();
      std::int64_t* wraps = wraps_.data();
      const std::uint32_t* ids = groups.ids;
      each_counted(argument, groups.rows, [=](std::int64_t i) {
        const auto value = values[i];
        if (__builtin_add_overflow(sums[ids[i]], value, &sums[ids[i]])) [[unlikely]] {
          wraps[ids[i]] += std::cmp_less(value, 0) ? -1 : 1;
        }
      });
    });
  }

  std::shared_ptr<arrow::DataType> state_type() const override {
    return arrow::fixed_size_binary(sizeof(__int128));
  }

  Result<std::shared_ptr<arrow::Array>> states(std::uint32_t begin,
                                               std::uint32_t end) const override {
    std::vector<__int128> totals;
    for (std::uint32_t group = begin; group < end; ++group) totals.push_back(total(group));
    auto values = arrow::Buffer::FromVector(std::move(totals));
    return std::make_shared<arrow::FixedSizeBinaryArray>(state_type(), end - begin,
                                                         std::move(values));
  }

  Result<> merge(const RowGroups& groups, const arrow::Array& states) override {
    const auto& sums = static_cast<const arrow::FixedSizeBinaryArray&>(states);
    each_not_null(states, [&](std::int64_t i) {
      set(groups[i], total(groups[i]) + load_int128(sums.GetValue(i)));
    });
    return {};
  }

  Result<> take_back(const RowGroups& groups, const arrow::Array& states) override {
    const auto& sums = static_cast<const arrow::FixedSizeBinaryArray&>(states);
    each_not_null(states, [&](std::int64_t i) {
      set(groups[i], total(groups[i]) - load_int128(sums.GetValue(i)));
    });
    return {};
  }

  std::int64_t bytes() const override {
    return static_cast<std::int64_t>((sums_.size() + wraps_.size()) * sizeof(std::int64_t));
  }

  ExactNumber sum(std::uint32_t group) const override {
    const __int128 value = total(group);
    const auto magnitude = static_cast<unsigned __int128>(value < 0 ? -value : value);
    const std::uint64_t limbs[] = {static_cast<std::uint64_t>(magnitude),
                                   static_cast<std::uint64_t>(magnitude >> 64)};
    return ExactNumber::of(value < 0, 0, limbs);
  }

  std::optional<__int128> small_sum(std::uint32_t group) const override { return total(group); }

 private:
  __int128 total(std::uint32_t group) const {
    return sums_[group] + static_cast<__int128>(wraps_[group]) * (static_cast<__int128>(1) << 64);
  }
  void set(std::uint32_t group, __int128 total) {
    sums_[group] = static_cast<std::int64_t>(total);
    wraps_[group] = static_cast<std::int64_t>((total - sums_[group]) >> 64);
  }

  std::vector<std::int64_t> sums_;
  std::vector<std::int64_t> wraps_;  ///< times 2^64
};

/// Squares of up to 128 bits, 2^63 times.
using Wide = FixedPoint<3, 0>;

struct Squares {
  static Result<> update(std::vector<Wide>& sums, const RowGroups& groups,
                         const Argument& argument) {
    return with_integers(*argument.values, [&](const auto* values) {
      each_counted(argument, groups.rows, [&](std::int64_t i) {
        const __int128 value = values[i];
        const auto magnitude = static_cast<unsigned __int128>(value < 0 ? -value : value);
        sums[groups[i]].add_unsigned(magnitude * magnitude);
      });
    });
  }
};

/// As the sum of integers, with 128 bits a group, which overflow for no decimals but the longest.
class DecimalSum : public SumAccumulator {
 public:
  void resize(std::size_t groups) override {
    sums_.resize(groups);
    if (!wraps_.empty()) wraps_.resize(groups);
  }

  Result<> update(const RowGroups& groups, const Argument& argument) override {
    const auto& decimals = static_cast<const arrow::FixedSizeBinaryArray&>(*argument.values);
    const std::uint8_t* values = decimals.raw_values();
    const auto value = [=](std::int64_t i) { return load_int128(values + i * bytes_of_sum); };
    if (!groups.ids) {
      each_counted(argument, groups.rows, [&](std::int64_t i) { add(0, value(i)); });
      return {};
    }
    if (add_in_lanes(std::span(sums_), groups, argument, value)) return {};
    const std::uint32_t* ids = groups.ids;
    each_counted(argument, groups.rows, [&](std::int64_t i) { add(ids[i], value(i)); });
    return {};
  }

  std::shared_ptr<arrow::DataType> state_type() const override {
    return arrow::fixed_size_binary(sizeof(State));
  }

  Result<std::shared_ptr<arrow::Array>> states(std::uint32_t begin,
                                               std::uint32_t end) const override {
    std::vector<State> states(end - begin);
    for (std::uint32_t group = begin; group < end; ++group) {
      std::memcpy(states[group - begin].sum, &sums_[group], bytes_of_sum);
      states[group - begin].wraps = wraps(group);
    }
    return std::make_shared<arrow::FixedSizeBinaryArray>(
        state_type(), end - begin, arrow::Buffer::FromVector(std::move(states)));
  }

  Result<> merge(const RowGroups& groups, const arrow::Array& states) override {
    return merge(groups, states, false);
  }
  Result<> take_back(const RowGroups& groups, const arrow::Array& states) override {
    return merge(groups, states, true);
  }

  std::int64_t bytes() const override {
    return static_cast<std::int64_t>(sums_.size() * bytes_of_sum + wraps_.size() * 8);
  }

  ExactNumber sum(std::uint32_t group) const override {
    Wide total;
    total.add(sums_[group]);
    const bool below = wraps(group) < 0;
    const auto times = static_cast<std::uint64_t>(below ? -wraps(group) : wraps(group));
    total.add(below, 2, std::span(&times, 1));
    return ExactNumber::of(total.negative(), 0, total.magnitude());
  }

  std::optional<__int128> small_sum(std::uint32_t group) const override {
    if (wraps(group) != 0) return std::nullopt;
    return sums_[group];
  }

 private:
  static constexpr std::size_t bytes_of_sum = sizeof(__int128);
  /// No sum of fewer than 2^48 decimals has wrapped as often.
  static constexpr std::int64_t wraps_max = std::int64_t{1} << 48;
  /// As it travels.
  struct State {
    std::uint64_t sum[2];
    std::int64_t wraps;
  };

  Result<> merge(const RowGroups& groups, const arrow::Array& states, bool back) {
    const auto& sums = static_cast<const arrow::FixedSizeBinaryArray&>(states);
    bool sane = true;
    each_not_null(states, [&](std::int64_t i) {
      State state;
      std::memcpy(&state, sums.GetValue(i), sizeof state);
      sane = sane && state.wraps <= wraps_max && state.wraps >= -wraps_max;
      const __int128 sum = load_int128(reinterpret_cast<const std::uint8_t*>(state.sum));
      back ? subtract(groups[i], sum) : add(groups[i], sum);
      if (state.wraps != 0 && sane) wrap(groups[i], back ? -state.wraps : state.wraps);
    });
    if (sane) return {};
    return make_error(ErrorCode::corrupt, "a partial sum of decimals that no decimals have");
  }

  void add(std::uint32_t group, __int128 value) {
    if (__builtin_add_overflow(sums_[group], value, &sums_[group])) [[unlikely]] {
      wrap(group, value < 0 ? -1 : 1);
    }
  }
  void subtract(std::uint32_t group, __int128 value) {
    if (__builtin_sub_overflow(sums_[group], value, &sums_[group])) [[unlikely]] {
      wrap(group, value < 0 ? 1 : -1);
    }
  }
  void wrap(std::uint32_t group, std::int64_t times) {
    wraps_.resize(sums_.size());
    wraps_[group] += times;
  }
  std::int64_t wraps(std::uint32_t group) const { return wraps_.empty() ? 0 : wraps_[group]; }

  std::vector<__int128> sums_;
  std::vector<std::int64_t> wraps_;  ///< times 2^128; empty where there are none
};

template <class Terms>
class WideSum : public SumAccumulator {
 public:
  void resize(std::size_t groups) override { sums_.resize(groups); }

  Result<> update(const RowGroups& groups, const Argument& argument) override {
    return Terms::update(sums_, groups, argument);
  }

  Result<> merge(const RowGroups& groups, const arrow::Array& states) override {
    return merge(groups, states, false);
  }
  Result<> take_back(const RowGroups& groups, const arrow::Array& states) override {
    return merge(groups, states, true);
  }

  std::int64_t bytes() const override {
    return static_cast<std::int64_t>(sums_.size() * sizeof(Wide));
  }

  ExactNumber sum(std::uint32_t group) const override {
    return ExactNumber::of(sums_[group].negative(), 0, sums_[group].magnitude());
  }

 private:
  Result<> merge(const RowGroups& groups, const arrow::Array& states, bool back) {
    const auto& sums = static_cast<const arrow::BinaryArray&>(states);
    for (std::int64_t i = 0; i < sums.length(); ++i) {
      if (sums.IsNull(i)) continue;
      const ExactNumber sum = TRY(ExactNumber::decode(sums.GetView(i)));
      if (!sums_[groups[i]].add(sum.negative != back, sum.low, sum.limbs) || !sum.finite()) {
        return make_error(ErrorCode::corrupt, "a partial sum of integers that no integers have");
      }
    }
    return {};
  }

  std::vector<Wide> sums_;
};

}  // namespace

std::unique_ptr<SumAccumulator> make_integer_sum() { return std::make_unique<IntegerSum>(); }
std::unique_ptr<SumAccumulator> make_integer_squares() {
  return std::make_unique<WideSum<Squares>>();
}
std::unique_ptr<SumAccumulator> make_decimal_sum() { return std::make_unique<DecimalSum>(); }

}  // namespace troupe
