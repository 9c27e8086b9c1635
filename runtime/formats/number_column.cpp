#include "runtime/formats/number_column.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/formats/page_values.hpp"
#include "runtime/formats/parquet_leaf_check.hpp"
#include "runtime/formats/parquet_pages.hpp"

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <map>

namespace troupe {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;
using Chosen = std::span<const std::uint32_t>;

constexpr std::int64_t at_once = 2048;  ///< values that are decoded before they are written

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// A decimal in its 128 bits.
struct Wide {
  std::int64_t low, high;
};

template <class Out, class Value>
Out as(Value value) {
  if constexpr (std::is_same_v<Out, Wide>) {
    return {value, value < 0 ? -1 : 0};
  } else {
    return static_cast<Out>(value);
  }
}

/// `Out` is what an array of the column holds.
template <class Type, class Out>
class NumberColumn final : public ParquetColumn {
 public:
  using Value = typename Type::c_type;

  NumberColumn(const parquet::ColumnDescriptor& column, TypePtr type, ColumnChunk chunk,
               arrow::MemoryPool* memory)
      : type_(std::move(type)), pages_(column, std::move(chunk), memory) {}

  ArrayPtr read(std::int64_t rows) override {
    std::shared_ptr<arrow::Buffer> buffer = must(arrow::AllocateBuffer(rows * out_bytes));
    auto* out = reinterpret_cast<Out*>(buffer->mutable_data());
    Validity valid;
    for (std::int64_t done = 0; done < rows;) {
      const std::int64_t part = std::min(rows - done, pages_.rows_left());
      const std::int64_t count = pages_.take(part, valid, at(done));
      const auto row_of = [&](std::int64_t value) {
        return row_ + (count < part ? place_of(value, valid.data() + done) : value);
      };
      decode(count, out + done, row_of);
      if (count < part) spread(out + done, valid.data() + done, part, count);
      done += part;
      row_ += part;
    }
    return made(rows, valid, std::move(buffer));
  }

  bool ended() const override { return looked_ == 0 && pages_.page_ended(); }
  bool proven() const override { return proven_; }

  std::int64_t page_rows() override { return looked_ > 0 ? looked_ : pages_.rows_left(); }
  std::int64_t fitting(std::int64_t rows) override { return rows; }

  void look(std::int64_t rows, const ValueTest& test, std::uint8_t* keep) override {
    if (looked_ == 0) hold(rows);
    looked_ = rows;
    for (std::int64_t i = 0; i < rows && !held_valid_.empty(); ++i) keep[i] &= held_valid_[at(i)];
    if (!held_by_index_) return narrow(test, held_, keep);
    const std::uint8_t* needed = needed_entries(test).data();
    const std::int32_t* indices = indices_.data();
    if (held_valid_.empty()) {
      for (std::int64_t i = 0; i < rows; ++i) keep[i] &= needed[indices[i]];
    } else {
      for (std::int64_t i = 0; i < rows; ++i) keep[i] = keep[i] ? needed[indices[i]] : 0;
    }
  }

  void add(std::int64_t rows, Chosen chosen) override {
    if (looked_ > 0) {
      ENSURE(rows == looked_, "{} rows were looked at, and {} are added", looked_, rows);
      looked_ = 0;
      if (!chosen.empty()) put_held(chosen, 0, rows);
      row_ += rows;
      return;
    }
    for (std::int64_t done = 0; done < rows;) {
      const std::int64_t part = std::min(rows - done, pages_.rows_left());
      const auto end = std::lower_bound(chosen.begin(), chosen.end(), done + part);
      const Chosen here(chosen.begin(), end);
      chosen = chosen.subspan(here.size());
      if (here.empty()) {
        pages_.skip(part);
      } else {
        add_of_page(part, here, static_cast<std::uint32_t>(done));
      }
      done += part;
      row_ += part;
    }
  }

  ArrayPtr finish() override {
    const std::int64_t rows = out_.rows();
    return made(rows, std::exchange(out_valid_, Validity()), out_.finish());
  }

 private:
  static constexpr std::int64_t out_bytes = sizeof(Out);
  /// Parquet keeps small integers in 32 bits: one that has more bits than its type is refused.
  static constexpr bool narrows = std::is_integral_v<Out> && sizeof(Out) < sizeof(Value);
  static constexpr bool is_decimal = std::is_same_v<Out, Wide>;

  /// The place of the n-th value that is not null.
  static std::int64_t place_of(std::int64_t n, const std::uint8_t* valid) {
    std::int64_t place = 0;
    for (;; ++place) {
      if (valid[place] && n-- == 0) return place;
    }
  }

  ArrayPtr made(std::int64_t rows, const Validity& valid, std::shared_ptr<arrow::Buffer> values) {
    proven_ = is_decimal && all_of_their_type(std::exchange(reach_, 0));
    return arrow::MakeArray(
        arrow::ArrayData::Make(type_, rows, {bitmap_of(valid), std::move(values)}));
  }

  /// No decimal is farther from zero than all bits that any of them has, and one for -1.
  bool all_of_their_type(std::uint64_t reach) const {
    const auto& type = static_cast<const arrow::DecimalType&>(*type_);
    return arrow::Decimal128(0, reach) < arrow::Decimal128::GetMaxValue(type.precision());
  }

  /// Writes `value_of(i)` for `count` values, of the rows `row_of(i)`.
  template <class ValueOf, class RowOf>
  void write(std::int64_t count, Out* out, const ValueOf& value_of, const RowOf& row_of) {
    std::uint64_t reach = 0;
    bool changed = false;
    for (std::int64_t i = 0; i < count; ++i) {
      const Value value = value_of(i);
      out[i] = as<Out>(value);
      if constexpr (narrows) changed |= out[i] != value;
      if constexpr (is_decimal) {
        const auto number = static_cast<std::int64_t>(value);
        reach |= static_cast<std::uint64_t>(number ^ (number >> 63));
      }
    }
    reach_ |= reach;
    if constexpr (narrows) {
      for (std::int64_t i = 0; changed && i < count; ++i) {
        if (out[i] != value_of(i))
          throw_too_wide(row_of(i), value_of(i), type_->ToString().c_str());
      }
    }
  }

  /// The next `count` values that are not null.
  template <class RowOf>
  void decode(std::int64_t count, Out* out, const RowOf& row_of) {
    if constexpr (std::is_same_v<Out, Value>) {
      if (!pages_.by_index()) return pages_.values(count, out);
    }
    for (std::int64_t done = 0; done < count; done += at_once) {
      const std::int64_t part = std::min(at_once, count - done);
      const auto row = [&](std::int64_t i) { return row_of(done + i); };
      if (pages_.by_index()) {
        indices_.resize(at(at_once));
        pages_.indices(part, indices_.data());
        const Value* dictionary = pages_.dictionary().data();
        const std::int32_t* indices = indices_.data();
        write(
            part, out + done, [=](std::int64_t i) { return dictionary[indices[i]]; }, row);
      } else {
        held_.resize(at(at_once));
        pages_.values(part, held_.data());
        const Value* values = held_.data();
        write(
            part, out + done, [=](std::int64_t i) { return values[i]; }, row);
      }
    }
  }

  /// Decodes the next rows of the page, all of them, to be looked at and chosen from.
  void hold(std::int64_t rows) {
    held_by_index_ = pages_.by_index();
    pages_.decode(rows, held_valid_, indices_, held_);
  }

  /// Adds the chosen rows of those that are held, whose first one is `before`.
  void put_held(Chosen chosen, std::uint32_t before, std::int64_t of_rows) {
    const Validity& valid = held_valid_;
    add_validity(out_valid_, out_.rows(), chosen.size(), !valid.empty(),
                 [&](std::size_t i) { return valid[chosen[i] - before]; });
    const Value* dictionary = pages_.dictionary().data();
    const Value* values = held_.data();
    const std::int32_t* indices = indices_.data();
    const std::uint32_t* places = chosen.data();
    if (!held_by_index_) {
      put(chosen, before, of_rows, [=](std::int64_t i) { return values[places[i] - before]; });
    } else if (valid.empty()) {
      put(chosen, before, of_rows,
          [=](std::int64_t i) { return dictionary[indices[places[i] - before]]; });
    } else {
      put(chosen, before, of_rows, [&](std::int64_t i) {
        const std::size_t place = chosen[at(i)] - before;
        return valid[place] ? dictionary[indices[place]] : Value();
      });
    }
  }

  template <class ValueOf>
  void put(Chosen chosen, std::uint32_t before, std::int64_t of_rows, const ValueOf& value_of) {
    const auto count = static_cast<std::int64_t>(chosen.size());
    auto* out = reinterpret_cast<Out*>(out_.add(count, of_rows));
    write(count, out, value_of, [&](std::int64_t i) { return row_ + (chosen[at(i)] - before); });
  }

  /// Adds chosen ones of the next `rows` rows of the page, whose first one is `before`. A few are
  /// taken out of the packed indices singly.
  void add_of_page(std::int64_t rows, Chosen chosen, std::uint32_t before) {
    constexpr std::int64_t few = 4;
    const bool many = static_cast<std::int64_t>(chosen.size()) * few > rows;
    if (many || !pages_.by_index() || pages_.has_nulls()) {
      hold(rows);
      return put_held(chosen, before, rows);
    }
    held_valid_.clear();
    pages_.take(rows, held_valid_, 0);
    indices_.resize(at(rows));
    pages_.pick(rows, chosen, before, indices_.data());
    add_validity(out_valid_, out_.rows(), chosen.size(), false, [](std::size_t) { return true; });
    const Value* dictionary = pages_.dictionary().data();
    const std::int32_t* indices = indices_.data();
    put(chosen, before, rows, [=](std::int64_t i) { return dictionary[indices[i]]; });
  }

  /// A byte an entry of the dictionary: whether rows with it are needed.
  const std::vector<std::uint8_t>& needed_entries(const ValueTest& test) {
    std::vector<std::uint8_t>& needed = needed_[&test];
    if (needed.empty()) {
      // One more, for nulls where there is no entry at all.
      needed.assign(pages_.dictionary().size() + 1, 1);
      narrow(test, pages_.dictionary(), needed.data());
    }
    return needed;
  }

  void narrow(const ValueTest& test, std::span<const Value> values, std::uint8_t* keep) {
    if constexpr (std::is_same_v<Value, std::int64_t>) {
      test.narrow(values, keep);
    } else if constexpr (std::is_integral_v<Value>) {
      numbers_.assign(values.begin(), values.end());
      test.narrow(numbers_, keep);
    }
  }

  const TypePtr type_;
  ParquetPages<Type> pages_;
  std::int64_t row_ = 0;  ///< the next one of the row group
  /// Rows that have been decoded to be looked at: values, or indices.
  std::int64_t looked_ = 0;
  bool held_by_index_ = false;
  std::vector<std::int32_t> indices_;
  std::vector<Value> held_;
  Validity held_valid_;
  std::vector<std::int64_t> numbers_;
  std::map<const ValueTest*, std::vector<std::uint8_t>> needed_;
  ChosenValues out_{out_bytes};
  Validity out_valid_;
  std::uint64_t reach_ = 0;
  bool proven_ = false;
};

template <class Type, class Out>
std::unique_ptr<ParquetColumn> make(const parquet::ColumnDescriptor& column, const TypePtr& type,
                                    ColumnChunk chunk, arrow::MemoryPool* memory) {
  return std::make_unique<NumberColumn<Type, Out>>(column, type, std::move(chunk), memory);
}

std::unique_ptr<ParquetColumn> make_of_int32(const parquet::ColumnDescriptor& column,
                                             const TypePtr& type, ColumnChunk chunk,
                                             arrow::MemoryPool* memory) {
  using From = parquet::Int32Type;
  switch (type->id()) {
    case arrow::Type::DECIMAL128:
      return make<From, Wide>(column, type, std::move(chunk), memory);
    case arrow::Type::INT8:
      return make<From, std::int8_t>(column, type, std::move(chunk), memory);
    case arrow::Type::UINT8:
      return make<From, std::uint8_t>(column, type, std::move(chunk), memory);
    case arrow::Type::INT16:
      return make<From, std::int16_t>(column, type, std::move(chunk), memory);
    case arrow::Type::UINT16:
      return make<From, std::uint16_t>(column, type, std::move(chunk), memory);
    default:
      return make<From, std::int32_t>(column, type, std::move(chunk), memory);
  }
}

}  // namespace

std::unique_ptr<ParquetColumn> open_number_column(const parquet::ColumnDescriptor& column,
                                                  const TypePtr& type, ColumnChunk chunk,
                                                  arrow::MemoryPool* memory) {
  switch (column.physical_type()) {
    case parquet::Type::INT32:
      return make_of_int32(column, type, std::move(chunk), memory);
    case parquet::Type::INT64:
      if (type->id() == arrow::Type::DECIMAL128) {
        return make<parquet::Int64Type, Wide>(column, type, std::move(chunk), memory);
      }
      return make<parquet::Int64Type, std::int64_t>(column, type, std::move(chunk), memory);
    case parquet::Type::FLOAT:
      return make<parquet::FloatType, float>(column, type, std::move(chunk), memory);
    default:
      return make<parquet::DoubleType, double>(column, type, std::move(chunk), memory);
  }
}

}  // namespace troupe
