// Sums of doubles and of their squares without rounding (see fixed_point.hpp).
//
// A number that covers all doubles has 272 bytes, which is too much for a million groups. Nearly
// all doubles that people store lie between 2^-76 (the last bit of theirs not below 2^-128) and
// 2^86: those go into a short number of 32 bytes a group. The others, infinities and NaN go into a
// long one that only the groups have that need it. Either is exact, so their total is.
#include "runtime/data/arrow_result.hpp"
#include "runtime/ops/aggregate/accumulator.hpp"
#include "runtime/ops/aggregate/fixed_point.hpp"
#include "runtime/ops/aggregate/row_loop.hpp"

#include <absl/container/flat_hash_map.h>

#include <bit>
#include <cmath>

namespace troupe {

namespace {

constexpr std::uint64_t mantissa_bits = 52;
constexpr std::uint64_t mantissa_mask = (std::uint64_t{1} << mantissa_bits) - 1;
constexpr int exponent_bias =
    1075;  // value = (mantissa with its leading one) * 2^(exponent - bias)
/// Biased exponents of doubles that go into the short number.
constexpr unsigned near_exponent_min = exponent_bias - 128;
constexpr unsigned near_exponent_max = exponent_bias + 86 - 53;
/// A partial sum joins the short number below this top limb: room for 2^31 of them, and more rows
/// (2^41 of the largest) than a group can have.
constexpr std::uint64_t near_top_limb_max = std::uint64_t{1} << 32;

struct Plain {
  using Near = FixedPoint<4, -2>;
  using Far = FixedPoint<34, -17>;
  template <class Number>
  static void add(Number& sum, std::uint64_t mantissa, int exponent, bool negative) {
    sum.add(mantissa, exponent, negative);
  }
  static constexpr bool squares = false;
};

struct Squared {
  using Near = FixedPoint<8, -4>;
  using Far = FixedPoint<68, -34>;
  template <class Number>
  static void add(Number& sum, std::uint64_t mantissa, int exponent, bool /*negative*/) {
    const auto square = static_cast<unsigned __int128>(mantissa) * mantissa;
    sum.add(static_cast<std::uint64_t>(square), 2 * exponent, false);
    sum.add(static_cast<std::uint64_t>(square >> 64), 2 * exponent + 64, false);
  }
  static constexpr bool squares = true;
};

template <class Terms>
class FloatSum : public SumAccumulator {
 public:
  using Near = typename Terms::Near;
  using Far = typename Terms::Far;

  void resize(std::size_t groups) override { near_.resize(groups); }

  Result<> update(const RowGroups& groups, const Argument& argument) override {
    return with_floats(*argument.values, [&](const auto* values) {
      each_counted(argument, groups.rows, [&](std::int64_t i) { add(groups[i], values[i]); });
    });
  }

  Result<> merge(const RowGroups& groups, const arrow::Array& states) override {
    const auto& sums = static_cast<const arrow::BinaryArray&>(states);
    for (std::int64_t i = 0; i < sums.length(); ++i) {
      if (!sums.IsNull(i)) TRY(merge(groups[i], TRY(ExactNumber::decode(sums.GetView(i)))));
    }
    return {};
  }

  Result<> take_back(const RowGroups& groups, const arrow::Array& states) override {
    const auto& sums = static_cast<const arrow::BinaryArray&>(states);
    for (std::int64_t i = 0; i < sums.length(); ++i) {
      if (sums.IsNull(i)) continue;
      ExactNumber term = TRY(ExactNumber::decode(sums.GetView(i)));
      term.negative = !term.negative && !term.is_zero();
      term.nan = -term.nan;
      term.positive_infinity = -term.positive_infinity;
      term.negative_infinity = -term.negative_infinity;
      TRY(merge(groups[i], term));
    }
    return {};
  }

  std::int64_t bytes() const override {
    return static_cast<std::int64_t>(near_.size() * sizeof(Near) + far_.size() * sizeof(Distant));
  }

  ExactNumber sum(std::uint32_t group) const override {
    const Near& near = near_[group];
    const auto found = far_.find(group);
    if (found == far_.end()) return ExactNumber::of(near.negative(), Near::low, near.magnitude());
    Far total = found->second->sum;
    total.add(near.negative(), Near::low, near.magnitude());
    ExactNumber sum = ExactNumber::of(total.negative(), Far::low, total.magnitude());
    sum.nan = found->second->nan;
    sum.positive_infinity = found->second->positive_infinity;
    sum.negative_infinity = found->second->negative_infinity;
    return sum;
  }

 private:
  struct Distant {
    Far sum;
    std::int64_t nan = 0;
    std::int64_t positive_infinity = 0;
    std::int64_t negative_infinity = 0;
  };

  void add(std::uint32_t group, double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const unsigned exponent = (bits >> mantissa_bits) & 0x7FF;
    if (exponent - near_exponent_min > near_exponent_max - near_exponent_min) [[unlikely]] {
      if (value != 0) add_far(far(group), value, exponent);
      return;
    }
    const std::uint64_t mantissa = (bits & mantissa_mask) | (std::uint64_t{1} << mantissa_bits);
    Terms::add(near_[group], mantissa, static_cast<int>(exponent) - exponent_bias, bits >> 63);
  }

  static void add_far(Distant& far, double value, unsigned exponent) {
    if (std::isnan(value)) {
      ++far.nan;
    } else if (std::isinf(value)) {
      ++(value > 0 || Terms::squares ? far.positive_infinity : far.negative_infinity);
    } else {
      const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
      const std::uint64_t leading = exponent == 0 ? 0 : std::uint64_t{1} << mantissa_bits;
      const int place = static_cast<int>(std::max(exponent, 1u)) - exponent_bias;
      Terms::add(far.sum, (bits & mantissa_mask) | leading, place, bits >> 63);
    }
  }

  Result<> merge(std::uint32_t group, const ExactNumber& term) {
    const int end = term.low + static_cast<int>(term.limbs.size());
    const bool fits = end < Near::low + Near::limb_count || (end == Near::low + Near::limb_count &&
                                                             term.limbs.back() < near_top_limb_max);
    if (term.finite() && fits && near_[group].add(term.negative, term.low, term.limbs)) return {};
    Distant& sums = far(group);
    sums.nan += term.nan;
    sums.positive_infinity += term.positive_infinity;
    sums.negative_infinity += term.negative_infinity;
    if (sums.sum.add(term.negative, term.low, term.limbs)) return {};
    return make_error(ErrorCode::corrupt, "a partial sum of doubles that no doubles have");
  }

  Distant& far(std::uint32_t group) {
    std::unique_ptr<Distant>& found = far_[group];
    if (!found) found = std::make_unique<Distant>();
    return *found;
  }

  std::vector<Near> near_;
  absl::flat_hash_map<std::uint32_t, std::unique_ptr<Distant>> far_;
};

}  // namespace

std::unique_ptr<SumAccumulator> make_float_sum() { return std::make_unique<FloatSum<Plain>>(); }
std::unique_ptr<SumAccumulator> make_float_squares() {
  return std::make_unique<FloatSum<Squared>>();
}

}  // namespace troupe
