#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/schema.hpp"

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace arrow {
struct ArrayData;
}

namespace troupe {

/// The keys of the build side of a join, as small integers.
///
/// `learn` sees all build rows once. A number becomes its distance from the column's smallest, a
/// string a number of its own; the key of a row is those, packed into as few 64-bit words as their
/// ranges need: mostly one. `find` maps probe rows into the same words. What the build side does
/// not hold is `absent`, and found to be so without looking at any table. So the table compares
/// plain words, whatever the keys were, and a dictionary entry is looked up once for a dictionary,
/// not once a row.
///
/// Equality is PostgreSQL's: null equals nothing, -0 is 0, NaN equals NaN.
class JoinKeys {
 public:
  using Columns = std::vector<std::shared_ptr<arrow::Array>>;

  /// Packed keys of rows: `words` holds `width()` words a row. `absent` rows match nothing.
  struct Packed {
    std::vector<std::uint64_t> words;
    std::vector<std::uint8_t> absent;
  };

  /// The build side, all of it. `unsupported` for types that cannot be compared.
  Result<Packed> learn(const Columns& columns, std::int64_t rows);
  /// Rows of the probe side; the buffers of `out` are reused.
  Result<> find(const Columns& columns, std::int64_t rows, Packed& out);

  /// Words of a key.
  std::size_t width() const { return width_; }
  /// Bits of a key that can be set at all; at most 64 where `width` is 1.
  int bits() const { return bits_; }

 private:
  struct Column {
    bool text = false;
    std::uint64_t min = 0;
    std::uint64_t range = 0;  ///< largest - min
    std::size_t word = 0;
    int shift = 0;
    std::deque<std::string> strings;  ///< owns what `numbers` looks at
    absl::flat_hash_map<std::string_view, std::uint64_t> numbers;
    /// The last dictionary that was seen, and what its entries are here.
    std::shared_ptr<arrow::ArrayData> dictionary;
    std::vector<std::uint64_t> entries;
  };

  Result<> number(Column& column, const arrow::Array& array, bool learning,
                  std::vector<std::uint64_t>& out);
  bool find_one(const Columns& columns, std::int64_t rows, Packed& out) const;
  void lay_out();

  std::vector<Column> columns_;
  std::vector<std::uint64_t> scratch_;
  std::size_t width_ = 1;
  int bits_ = 0;
};

}  // namespace troupe
