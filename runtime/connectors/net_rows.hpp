#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe {

/// The rows of an epoch, as texts, and no more of them than mean something: an aggregate that
/// changes a group a hundred times has two rows to tell, however long the epoch lasts.
class NetRows {
 public:
  /// The weights of equal rows add up; what comes to nothing is not there.
  void add(std::string_view row, std::int64_t weight);
  /// Of the rows of one key the last one counts.
  void put(std::string_view key, std::string_view row);

  std::int64_t bytes() const { return bytes_; }
  std::int64_t rows() const { return static_cast<std::int64_t>(rows_.size()); }
  /// Lines with the weight as last value, in the order in which they came to be what they are; it
  /// is then empty.
  std::string take();

 private:
  struct Row {
    std::string text;  ///< empty: the key is the row
    std::int64_t weight = 0;
    std::uint64_t turn = 0;  ///< when it came
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  using Rows = std::unordered_map<std::string, Row, Hash, std::equal_to<>>;

  Row& at(std::string_view key);

  Rows rows_;
  std::int64_t bytes_ = 0;
  std::uint64_t turns_ = 0;
};

}  // namespace troupe
