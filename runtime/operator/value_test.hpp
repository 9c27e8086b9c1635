#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Which values of one column a row may have that somebody still needs: what a reader asks before
/// it decodes the rest of a row, once for a value of a dictionary where it can. Immutable, shared.
///
/// Numbers are asked for as they are stored: integers; dates, times and timestamps in the unit of
/// their type; decimals of up to 18 digits without their point. A null is never needed: who needs
/// one makes no test.
class ValueTest {
 public:
  virtual ~ValueTest() = default;
  /// Clears `keep[i]` where no row with `values[i]` is needed; never sets one.
  virtual void narrow(std::span<const std::int64_t> /*values*/, std::uint8_t* /*keep*/) const {}
  virtual void narrow(std::span<const std::string_view> /*values*/, std::uint8_t* /*keep*/) const {}
};

/// A test of a column, by name. A row is needed only where all of them pass; a reader may deliver
/// others, too.
struct ColumnTest {
  std::string column;
  std::shared_ptr<const ValueTest> test;
  /// A reader may stop asking where fewer than one row in so many go by it.
  std::int64_t one_in = 1024;
};
using ColumnTests = std::vector<ColumnTest>;

}  // namespace troupe
