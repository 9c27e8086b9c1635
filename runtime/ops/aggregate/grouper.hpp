#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/schema.hpp"
#include "runtime/ops/aggregate/words_table.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace troupe {

class KeyColumn;

/// Numbers the distinct keys of rows, of any columns: SQL's idea of a group. Nulls are one value,
/// so is NaN, and -0.0 is 0.0.
///
/// A key becomes a few machine words: numbers as they are, strings as the number of the string, and
/// half a word for the nulls, once there are any that need it. Where all columns come
/// dictionary-encoded with small dictionaries, the codes of a row index an array that knows its
/// group, and no key is made or hashed at all; that array is kept for as long as the dictionaries
/// stay the same.
class Grouper {
 public:
  /// `unsupported` for types that cannot be a key.
  static Result<Grouper> make(const std::vector<std::shared_ptr<arrow::DataType>>& types);
  Grouper(Grouper&&) noexcept;
  Grouper& operator=(Grouper&&) noexcept;
  ~Grouper();

  /// ids[i] is the number of the key that row i of the columns has. Columns have the types that
  /// the grouper was made for, or are dictionaries of them.
  Result<> assign(const std::vector<std::shared_ptr<arrow::Array>>& columns, std::int64_t rows,
                  std::vector<std::uint32_t>& ids);

  std::uint32_t size() const { return table_.size(); }
  /// The key columns of the groups with these numbers.
  Result<std::vector<std::shared_ptr<arrow::Array>>> keys(std::span<const std::uint32_t> ids) const;
  std::int64_t bytes() const;

 private:
  Grouper(std::vector<std::unique_ptr<KeyColumn>> columns, std::size_t slots);
  std::size_t slots_a_key() const { return words_ * 2; }
  void make_room_for_nulls();
  bool dense();
  void assign_dense(std::int64_t rows, std::vector<std::uint32_t>& ids);
  void encode(std::int64_t first, std::int64_t rows);

  std::vector<std::unique_ptr<KeyColumn>> columns_;
  std::size_t slots_;  ///< of the columns; the last one of a key, where it is more, is for nulls
  std::size_t words_;
  WordsTable table_;
  std::vector<std::uint64_t> encoded_;  ///< the keys of the batch at hand
  std::vector<std::uint32_t> cells_;    ///< ... or where they are in `groups_of_cells_`
  std::vector<std::uint32_t> groups_of_cells_;
};

}  // namespace troupe
