#include "runtime/ops/sort/sort_key.hpp"

#include <arrow/array.h>

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

// The rows are sorted as plain 64-bit numbers wherever their keys allow: each term is reduced to
// the bits that its values really use, all terms are put side by side, the first in front, and the
// number of the row behind them. Delays and distances of flights take 25 bits together, so a radix
// sort of three passes does what comparing rows would take thirty times as long for.

namespace troupe {
namespace {

/// One number of one term, as a part of a packed key.
struct Part {
  const std::uint64_t* values = nullptr;
  const SortColumn* nulls = nullptr;  ///< set: the part is the term's null flag
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  int bits = 0;
  SortOrder order;
  bool exact = true;

  /// Calls `add(row, number)` for every row.
  template <class Add>
  void each(std::size_t rows, Add add) const {
    if (nulls != nullptr) {
      for (std::size_t i = 0; i < rows; ++i) {
        add(i, std::uint64_t{nulls->is_null(i) != order.nulls_first});
      }
      return;
    }
    // Null rows hold 0, maybe outside the range: any number does, their flag has decided.
    const std::uint64_t low = min;
    const std::uint64_t high = max;
    const std::uint64_t* from = values;
    if (order.descending) {
      for (std::size_t i = 0; i < rows; ++i) add(i, high - std::clamp(from[i], low, high));
    } else {
      for (std::size_t i = 0; i < rows; ++i) add(i, std::clamp(from[i], low, high) - low);
    }
  }
};

Part number_part(const SortColumn& column, const std::vector<std::uint64_t>& values,
                 SortOrder order) {
  Part part{.values = values.data(), .order = order};
  std::uint64_t low = ~std::uint64_t{0};
  std::uint64_t high = 0;
  const bool nulls = column.has_nulls();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (nulls && column.is_null(i)) continue;
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  part.min = low;
  part.max = high;
  if (part.min > part.max) part.min = part.max = 0;
  part.bits = std::bit_width(part.max - part.min);
  return part;
}

std::vector<Part> parts_of(const SortColumn& column, SortOrder order) {
  std::vector<Part> parts;
  if (column.has_nulls()) parts.push_back({.nulls = &column, .bits = 1, .order = order});
  parts.push_back(number_part(column, column.high(), order));
  if (!column.low().empty()) parts.push_back(number_part(column, column.low(), order));
  parts.back().exact = column.exact();
  return parts;
}

/// A key and the row it belongs to; for keys too long to hold the row themselves.
struct Entry {
  std::uint64_t key;
  std::uint32_t row;
};

std::uint64_t key_of(std::uint64_t value) { return value; }
std::uint64_t key_of(const Entry& entry) { return entry.key; }

/// Least significant digit first, over bits [from, from + bits) of the keys; stable.
template <class Item>
void radix_sort(std::vector<Item>& items, int from, int bits) {
  constexpr int digit_bits_max = 11;
  if (bits == 0) return;
  if (items.size() < 1024) {
    std::stable_sort(items.begin(), items.end(), [from](const Item& a, const Item& b) {
      return key_of(a) >> from < key_of(b) >> from;
    });
    return;
  }
  const int passes = (bits + digit_bits_max - 1) / digit_bits_max;
  const int width = (bits + passes - 1) / passes;
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  std::vector<Item> other(items.size());
  for (int pass = 0; pass < passes; ++pass) {
    const int shift = from + pass * width;
    std::array<std::uint32_t, std::size_t{1} << digit_bits_max> starts{};
    for (const Item& item : items) ++starts[key_of(item) >> shift & mask];
    if (starts[key_of(items.front()) >> shift & mask] == items.size()) continue;
    std::exclusive_scan(starts.begin(), starts.end(), starts.begin(), 0u);
    for (const Item& item : items) other[starts[key_of(item) >> shift & mask]++] = item;
    items.swap(other);
  }
}

/// Keys that fit into 64 bits together with the number of their row. A term that has been added is
/// not needed any more.
class PackedKeys {
 public:
  explicit PackedKeys(std::size_t rows) : items_(rows, 0), row_bits_(std::bit_width(rows)) {}

  /// Puts a term behind those before it. False where it does not fit, or does not say all.
  bool add(const SortColumn& column, SortOrder order) {
    if (!column.exact()) return false;
    for (const Part& part : parts_of(column, order)) {
      bits_ += part.bits;
      if (bits_ + row_bits_ > 64) return false;
      if (part.bits == 0) continue;
      part.each(items_.size(), [to = items_.data(), &part](std::size_t i, std::uint64_t number) {
        to[i] = to[i] << part.bits | number;
      });
    }
    return true;
  }

  std::vector<std::uint32_t> order() {
    for (std::size_t i = 0; i < items_.size(); ++i) items_[i] = items_[i] << row_bits_ | i;
    radix_sort(items_, row_bits_, bits_);
    std::vector<std::uint32_t> rows(items_.size());
    const std::uint64_t mask = (std::uint64_t{1} << row_bits_) - 1;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i] = static_cast<std::uint32_t>(items_[i] & mask);
    }
    return rows;
  }

 private:
  std::vector<std::uint64_t> items_;
  int row_bits_ = 0;
  int bits_ = 0;
};

/// The first 64 bits of the keys decide; `key` itself does among rows that have them in common.
std::vector<std::uint32_t> sort_entries(const SortKey& key) {
  const std::size_t rows = key.rows();
  std::vector<Entry> items(rows);
  for (std::size_t i = 0; i < rows; ++i) items[i] = {0, static_cast<std::uint32_t>(i)};
  int room = 64;
  bool whole = true;
  // What follows a term that does not say all may only be looked at where its texts are equal.
  for (std::size_t c = 0; c < key.columns.size() && whole; ++c) {
    for (const Part& part : parts_of(key.columns[c], key.orders[c])) {
      const int cut = std::max(0, part.bits - room);
      room -= part.bits - cut;
      whole = whole && cut == 0 && part.exact;
      if (part.bits == cut) continue;
      part.each(rows, [to = items.data(), cut, left = room](std::size_t i, std::uint64_t number) {
        to[i].key |= number >> cut << left;
      });
    }
  }
  radix_sort(items, room, 64 - room);
  if (!whole) {
    for (auto begin = items.begin(); begin != items.end();) {
      const auto end = std::find_if(begin + 1, items.end(),
                                    [&](const Entry& entry) { return entry.key != begin->key; });
      std::sort(begin, end,
                [&](const Entry& a, const Entry& b) { return key.compare(a.row, key, b.row) < 0; });
      begin = end;
    }
  }
  std::vector<std::uint32_t> order(rows);
  for (std::size_t i = 0; i < rows; ++i) order[i] = items[i].row;
  return order;
}

}  // namespace

std::vector<std::uint32_t> sort_rows(const SortKey& key) {
  PackedKeys packed(key.rows());
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    if (!packed.add(key.columns[i], key.orders[i])) return sort_entries(key);
  }
  return packed.order();
}

Result<std::vector<std::uint32_t>> sort_rows(
    const std::vector<std::shared_ptr<arrow::Array>>& values, std::vector<SortOrder> orders) {
  {
    PackedKeys packed(static_cast<std::size_t>(values.front()->length()));
    bool fits = true;
    for (std::size_t i = 0; i < values.size() && fits; ++i) {
      fits = packed.add(TRY(SortColumn::make(values[i], SortColumn::Scale::within)), orders[i]);
    }
    if (fits) return packed.order();
  }
  return sort_entries(TRY(make_sort_key(values, std::move(orders), SortColumn::Scale::within)));
}

}  // namespace troupe
