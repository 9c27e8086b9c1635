// min and max: the state is the value itself, null before there is one. Every type is compared by a
// total order, so that the answer depends on no order of rows: numbers by value, -0.0 below 0.0,
// NaN above all (as PostgreSQL has it), strings by their bytes.
#include "runtime/data/arrow_result.hpp"
#include "runtime/data/stored_number.hpp"
#include "runtime/data/take.hpp"
#include "runtime/ops/aggregate/accumulator.hpp"
#include "runtime/ops/aggregate/row_loop.hpp"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/util/bit_util.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace troupe {

namespace {

/// A double as an integer of the same order, and back.
std::int64_t ordered(double value) {
  if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
  const auto bits = std::bit_cast<std::int64_t>(value);
  return bits ^ ((bits >> 63) & std::numeric_limits<std::int64_t>::max());
}
double from_ordered(std::int64_t key) {
  return std::bit_cast<double>(key ^ ((key >> 63) & std::numeric_limits<std::int64_t>::max()));
}

/// Numbers: kept as an integer that orders like them. `Native` is how Arrow stores one.
template <class Native, bool Max>
class NumberExtreme : public Accumulator {
  using Key = std::conditional_t<std::is_floating_point_v<Native>, std::int64_t, Native>;

 public:
  explicit NumberExtreme(std::shared_ptr<arrow::DataType> type) : type_(std::move(type)) {}

  void resize(std::size_t groups) override {
    best_.resize(groups);
    seen_.resize(groups);
  }

  Result<> update(const RowGroups& groups, const Argument& argument) override {
    const auto* values = argument.values->data()->template GetValues<Native>(1);
    each_counted(argument, groups.rows,
                 [&](std::int64_t i) { improve(groups[i], key_of(values + i)); });
    return {};
  }

  std::shared_ptr<arrow::DataType> state_type() const override { return type_; }

  Result<std::shared_ptr<arrow::Array>> states(std::uint32_t begin,
                                               std::uint32_t end) const override {
    std::vector<Native> values(end - begin);
    std::vector<std::uint8_t> valid(arrow::bit_util::BytesForBits(end - begin));
    for (std::uint32_t group = begin; group < end; ++group) {
      if (!seen_[group]) continue;
      values[group - begin] = value_of(best_[group]);
      arrow::bit_util::SetBit(valid.data(), group - begin);
    }
    return arrow::MakeArray(arrow::ArrayData::Make(type_, end - begin,
                                                   {arrow::Buffer::FromVector(std::move(valid)),
                                                    arrow::Buffer::FromVector(std::move(values))}));
  }

  Result<> merge(const RowGroups& groups, const arrow::Array& states) override {
    const auto* values = states.data()->GetValues<Native>(1);
    each_not_null(states, [&](std::int64_t i) { improve(groups[i], key_of(values + i)); });
    return {};
  }

  std::int64_t bytes() const override {
    return static_cast<std::int64_t>(best_.size() * sizeof(Key) + seen_.size());
  }

 private:
  static Key key_of(const Native* value) {
    if constexpr (std::is_floating_point_v<Native>) {
      return ordered(*value);
    } else {
      Key key;  // a decimal in a buffer need not be aligned to 16 bytes
      std::memcpy(&key, value, sizeof key);
      return key;
    }
  }
  static Native value_of(Key key) {
    if constexpr (std::is_floating_point_v<Native>) {
      return static_cast<Native>(from_ordered(key));
    } else {
      return key;
    }
  }

  void improve(std::uint32_t group, Key key) {
    const bool better = Max ? key > best_[group] : key < best_[group];
    if (!seen_[group] || better) {
      best_[group] = key;
      seen_[group] = 1;
    }
  }

  std::shared_ptr<arrow::DataType> type_;
  std::vector<Key> best_;
  std::vector<std::uint8_t> seen_;
};

template <bool Max>
class BooleanExtreme : public Accumulator {
 public:
  void resize(std::size_t groups) override { best_.resize(groups, unseen); }

  Result<> update(const RowGroups& groups, const Argument& argument) override {
    const auto& values = static_cast<const arrow::BooleanArray&>(*argument.values);
    each_counted(argument, groups.rows,
                 [&](std::int64_t i) { improve(best_[groups[i]], values.Value(i)); });
    return {};
  }

  std::shared_ptr<arrow::DataType> state_type() const override { return arrow::boolean(); }

  Result<std::shared_ptr<arrow::Array>> states(std::uint32_t begin,
                                               std::uint32_t end) const override {
    arrow::BooleanBuilder builder;
    for (std::uint32_t group = begin; group < end; ++group) {
      TRY(arrow_try(best_[group] == unseen ? builder.AppendNull()
                                           : builder.Append(best_[group] == 1)));
    }
    return arrow_try(builder.Finish());
  }

  Result<> merge(const RowGroups& groups, const arrow::Array& states) override {
    const auto& values = static_cast<const arrow::BooleanArray&>(states);
    each_not_null(states, [&](std::int64_t i) { improve(best_[groups[i]], values.Value(i)); });
    return {};
  }

  std::int64_t bytes() const override { return static_cast<std::int64_t>(best_.size()); }

 private:
  static constexpr std::uint8_t unseen = 2;

  static void improve(std::uint8_t& best, bool value) {
    if (best == unseen || value == Max) best = value;
  }

  std::vector<std::uint8_t> best_;
};

template <class ArrayType, class Builder, bool Max>
class TextExtreme : public Accumulator {
 public:
  explicit TextExtreme(std::shared_ptr<arrow::DataType> type) : type_(std::move(type)) {}

  void resize(std::size_t groups) override {
    best_.resize(groups);
    seen_.resize(groups);
  }

  Result<> update(const RowGroups& groups, const Argument& argument) override {
    const auto decoded = TRY(plain(argument.values));
    const auto& values = static_cast<const ArrayType&>(*decoded);
    each_counted(argument, groups.rows,
                 [&](std::int64_t i) { improve(groups[i], values.GetView(i)); });
    return {};
  }

  std::shared_ptr<arrow::DataType> state_type() const override { return type_; }

  Result<std::shared_ptr<arrow::Array>> states(std::uint32_t begin,
                                               std::uint32_t end) const override {
    Builder builder(type_, arrow::default_memory_pool());
    for (std::uint32_t group = begin; group < end; ++group) {
      TRY(arrow_try(seen_[group] ? builder.Append(best_[group]) : builder.AppendNull()));
    }
    return arrow_try(builder.Finish());
  }

  Result<> merge(const RowGroups& groups, const arrow::Array& states) override {
    const auto& values = static_cast<const ArrayType&>(states);
    each_not_null(states, [&](std::int64_t i) { improve(groups[i], values.GetView(i)); });
    return {};
  }

  std::int64_t bytes() const override {
    return static_cast<std::int64_t>(best_.size() * sizeof(std::string) + seen_.size()) +
           text_bytes_;
  }

 private:
  void improve(std::uint32_t group, std::string_view value) {
    const bool better = Max ? value > best_[group] : value < best_[group];
    if (seen_[group] && !better) return;
    text_bytes_ +=
        static_cast<std::int64_t>(value.size()) - static_cast<std::int64_t>(best_[group].size());
    best_[group] = value;
    seen_[group] = 1;
  }

  std::shared_ptr<arrow::DataType> type_;
  std::vector<std::string> best_;
  std::vector<std::uint8_t> seen_;
  std::int64_t text_bytes_ = 0;
};

template <bool Max>
Result<std::unique_ptr<Accumulator>> make(const std::shared_ptr<arrow::DataType>& type) {
  std::unique_ptr<Accumulator> numbers;
  visit_stored_number(type->id(), [&]<class Native>(Native) {
    numbers = std::make_unique<NumberExtreme<Native, Max>>(type);
  });
  if (numbers) return numbers;
  switch (type->id()) {
    case arrow::Type::BOOL:
      return std::make_unique<BooleanExtreme<Max>>();
    case arrow::Type::DECIMAL128:
      return std::make_unique<NumberExtreme<__int128, Max>>(type);
    case arrow::Type::STRING:
      return std::make_unique<TextExtreme<arrow::BinaryArray, arrow::StringBuilder, Max>>(type);
    case arrow::Type::BINARY:
      return std::make_unique<TextExtreme<arrow::BinaryArray, arrow::BinaryBuilder, Max>>(type);
    case arrow::Type::LARGE_STRING:
      return std::make_unique<TextExtreme<arrow::LargeBinaryArray, arrow::LargeStringBuilder, Max>>(
          type);
    case arrow::Type::LARGE_BINARY:
      return std::make_unique<TextExtreme<arrow::LargeBinaryArray, arrow::LargeBinaryBuilder, Max>>(
          type);
    default:
      return make_error(ErrorCode::unsupported, "values of type {} have no smallest or largest one",
                        type->ToString());
  }
}

}  // namespace

Result<std::unique_ptr<Accumulator>> make_extreme(bool max,
                                                  const std::shared_ptr<arrow::DataType>& type) {
  return max ? make<true>(type) : make<false>(type);
}

}  // namespace troupe
