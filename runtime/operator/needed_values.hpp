#pragma once

#include "runtime/operator/source.hpp"
#include "runtime/operator/value_test.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace troupe {

// A join that has read its build side knows which keys its other side may still have. Where those
// rows come from a source in the same process, by an exchange that is not kept, the join says so
// and the source leaves the others out. The answer is the same with and without: rows that are left
// out are ones that the join would drop. What takes part says so by one of the types below, which
// are bases beside `Operator` and `Source`; others need not know.

/// Rows are needed only where the value of this column passes.
struct NeededValue {
  int column = 0;
  std::shared_ptr<const ValueTest> test;
};
/// All must pass; none: every row is needed.
using NeededValues = std::vector<NeededValue>;

/// An operator that knows, once one of its inputs has ended, which rows of another it needs.
class NarrowsInput {
 public:
  virtual ~NarrowsInput() = default;
  /// Columns of the input by which it may tell, without knowing a row; none where it never does.
  virtual std::vector<int> told_columns(int input) const = 0;
  /// Somebody listens: called before the first row, if at all. Who is not asked need not find out.
  virtual void ask(int input) = 0;
  /// What it needs; none before it knows. Then it does not change.
  virtual std::optional<NeededValues> needed(int input) const = 0;
};

/// An operator that decides about each row of its only input by itself: rows that nobody needs may
/// be missing there.
class PassesColumns {
 public:
  virtual ~PassesColumns() = default;
  /// False where it does not do so after all: it computes what may fail for a row.
  virtual bool passes() const { return true; }
  /// The column of the input that a column of the output is, unchanged; -1 where it is none.
  virtual int input_of(int column) const = 0;
};

/// A source that can leave out rows that nobody needs.
class NarrowedSource {
 public:
  virtual ~NarrowedSource() = default;
  /// False: `tests` would change nothing, so that nobody should wait for them.
  virtual bool narrows() const = 0;
  /// The rows of a split, some or all of those without that a test does not need.
  virtual Result<std::unique_ptr<BatchReader>> open_narrowed(const Split& split,
                                                             const ColumnTests& tests) = 0;
};

}  // namespace troupe
