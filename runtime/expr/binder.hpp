#pragma once

#include "runtime/data/schema.hpp"
#include "runtime/expr/syntax.hpp"
#include "runtime/functions/node.hpp"

namespace troupe {

/// Gives the names in an expression their meaning. The binder asks it for every sub-tree and
/// column.
class Scope {
 public:
  virtual ~Scope() = default;

  /// The node that stands for a whole sub-tree, or nullptr if the tree is bound as usual.
  virtual Result<NodePtr> whole(const Syntax& syntax, const Tree& tree) = 0;
  virtual Result<NodePtr> column(const Syntax& syntax, const Tree& tree,
                                 const std::string& name) = 0;
};

/// The columns of a schema.
class SchemaScope : public Scope {
 public:
  explicit SchemaScope(SchemaPtr schema) : schema_(std::move(schema)) {}

  Result<NodePtr> whole(const Syntax& syntax, const Tree& tree) override;
  Result<NodePtr> column(const Syntax& syntax, const Tree& tree, const std::string& name) override;

  /// The index of a column by its folded name, else by the name as it is spelled; -1 for none.
  static int find(const Syntax& syntax, const Tree& tree, const std::string& name,
                  const arrow::Schema& schema);

 private:
  SchemaPtr schema_;
};

/// Turns a parse tree into nodes. A string literal that nothing gives a type stays unknown.
Result<NodePtr> bind_tree(const Syntax& syntax, const Tree& tree, Scope& scope);

/// "avg" for a call of an aggregate function, "" for anything else.
std::string aggregate_name(const Tree& tree);

/// The column name PostgreSQL gives to a tree without AS.
std::string result_name(const Tree& tree);

}  // namespace troupe
