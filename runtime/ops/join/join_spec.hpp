#pragma once

#include "runtime/data/schema.hpp"

#include <vector>

namespace troupe {

enum class JoinType { inner, left, right, full, semi, anti };

/// A join as its instances need it: which columns are keys, which are output. Immutable, shared.
struct JoinSpec {
  /// A column of the output. A column that both sides are joined `using` is the left one, with
  /// the right one (`right_key`) in its place where a row of the right side found no partner.
  struct Column {
    bool from_left = true;
    int index = 0;
    int right_key = -1;
  };

  JoinType type = JoinType::inner;
  /// Columns of the inputs; a pair has one logical type.
  std::vector<int> left_keys;
  std::vector<int> right_keys;
  std::vector<Column> columns;
  SchemaPtr schema;  ///< of the output
  SchemaPtr right;   ///< of the right input: what an empty one looks like
  /// The left side is a stream, and the right one the state that it meets: it has to fit into
  /// memory. The hidden columns are the last of `columns`.
  bool stream = false;

  /// Rows of the left side without a partner are output.
  bool keeps_left() const {
    return type == JoinType::left || type == JoinType::full || type == JoinType::anti;
  }
  /// Rows of the right side without a partner are output.
  bool keeps_right() const { return type == JoinType::right || type == JoinType::full; }
  /// Each left row is output at most once, without columns of the right side.
  bool only_left() const { return type == JoinType::semi || type == JoinType::anti; }
};

}  // namespace troupe
