#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/functions/kernel.hpp"
#include "runtime/values/sql_type.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

class CommonNodes;
class ExpressionNode;

/// The rows that an expression is computed for: all rows of a batch, or chosen ones.
///
/// A choice costs nothing until a column is asked for; columns that a branch does not read are
/// never copied. Lives on the stack of one evaluation.
class RowFrame {
 public:
  /// The frame keeps the values of the nodes in `common`, which may be null and must outlive it.
  explicit RowFrame(const Batch& batch, const CommonNodes* common = nullptr);
  /// The rows of `parent` at `rows` (int64), in that order. Both must outlive the frame.
  RowFrame(RowFrame& parent, const arrow::Array& rows);
  /// A frame that has column `index` alone.
  RowFrame(int index, std::shared_ptr<arrow::Array> values);

  std::int64_t rows() const { return rows_; }
  /// The column as it came, possibly dictionary-encoded.
  Result<std::shared_ptr<arrow::Array>> raw(int index);
  /// The column in the one representation that kernels know.
  Result<std::shared_ptr<arrow::Array>> values(int index, const SqlType& type);
  /// The place for the value of this node, empty before it is computed; nullptr if the node's value
  /// is not kept.
  Vector* kept(const ExpressionNode& node);

 private:
  RowFrame* parent_ = nullptr;
  const arrow::Array* chosen_ = nullptr;
  std::int64_t rows_ = 0;
  std::vector<std::shared_ptr<arrow::Array>> raw_;
  std::vector<std::shared_ptr<arrow::Array>> values_;
  const CommonNodes* common_ = nullptr;
  std::vector<Vector> kept_;
};

using NodePtr = std::shared_ptr<const ExpressionNode>;

/// One bound operator, function, column or constant. Immutable.
class ExpressionNode {
 public:
  ExpressionNode(SqlType type, TextSpan span, std::string key, std::vector<NodePtr> inputs);
  virtual ~ExpressionNode() = default;

  /// The value for every row of the frame. A sub-tree that reads one dictionary-encoded column and
  /// nothing else is computed once for each word of the dictionary instead of once for each row.
  Result<Vector> evaluate(RowFrame& frame) const;

  const SqlType& type() const { return type_; }
  const TextSpan& span() const { return span_; }
  /// Equal keys over one schema compute equal values.
  const std::string& key() const { return key_; }
  const std::vector<NodePtr>& inputs() const { return inputs_; }
  const std::vector<int>& columns() const { return columns_; }
  /// Whether some values could make it fail, so that it must see only the rows that need it.
  bool can_fail() const { return can_fail_; }

 protected:
  virtual Result<Vector> compute(RowFrame& frame) const = 0;

  std::vector<int> columns_;
  bool can_fail_ = false;

 private:
  Result<Vector> evaluate_anew(RowFrame& frame) const;
  Result<Vector> by_dictionary(const arrow::Array& column) const;

  SqlType type_;
  TextSpan span_;
  std::string key_;
  std::vector<NodePtr> inputs_;
};

/// The operators and functions that occur in several expressions, or several times in one: `a * (1
/// - b)` in two sums. Immutable.
class CommonNodes {
 public:
  /// Of the trees below these roots, which outlive it.
  explicit CommonNodes(const std::vector<const ExpressionNode*>& roots);

  std::size_t size() const { return size_; }
  /// One number for all nodes that compute the same; nothing for a node that stands alone.
  std::optional<std::size_t> number_of(const ExpressionNode& node) const;

 private:
  std::unordered_map<const ExpressionNode*, std::size_t> numbers_;
  std::size_t size_ = 0;
};

class ColumnNode : public ExpressionNode {
 public:
  ColumnNode(int index, SqlType type, TextSpan span);
  int index() const { return index_; }

 protected:
  Result<Vector> compute(RowFrame& frame) const override;

 private:
  int index_;
};

class ConstantNode : public ExpressionNode {
 public:
  /// `value` has one row.
  ConstantNode(std::shared_ptr<arrow::Array> value, SqlType type, TextSpan span);
  const std::shared_ptr<arrow::Array>& value() const { return value_; }
  bool is_null() const;

 protected:
  Result<Vector> compute(RowFrame& frame) const override;

 private:
  std::shared_ptr<arrow::Array> value_;
};

/// A function of values: all arguments are computed for all rows, then the kernel runs.
class CallNode : public ExpressionNode {
 public:
  CallNode(std::string name, SqlType type, std::vector<NodePtr> arguments, Kernel kernel,
           bool can_fail, TextSpan span);
  const std::string& name() const { return name_; }

 protected:
  Result<Vector> compute(RowFrame& frame) const override;

 private:
  std::string name_;
  Kernel kernel_;
};

/// Makes a call node; or its value, if all arguments are constants and it does not fail.
NodePtr make_call(std::string name, SqlType type, std::vector<NodePtr> arguments, Kernel kernel,
                  bool can_fail, TextSpan span);

/// The constant that a node is, else nullptr.
const ConstantNode* as_constant(const NodePtr& node);
NodePtr null_constant(const SqlType& type, TextSpan span);

/// `vector` with one value for each of `rows` rows.
Result<std::shared_ptr<arrow::Array>> spread(const Vector& vector, std::int64_t rows);

}  // namespace troupe
