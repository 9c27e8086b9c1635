#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/descriptor/job_file.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

class OperatorRegistry;

/// A test of a descriptor, ready to run: the bound part of the job that leads from the given rows
/// to the expected ones. Given operators are `values`. Operators that the expected ones do not need
/// are left out, so the graph ends at operators to collect, and sinks never run.
struct TestRun {
  JobGraph graph;
  std::set<std::string> collect;
};

/// Runs a bound graph and returns all rows of the operators in `collect`, in the order in which
/// they came out. The caller of `run_tests` brings it: this room runs nothing.
using RunGraph = std::function<Result<std::map<std::string, std::vector<Batch>>>(
    const JobGraph& graph, const std::set<std::string>& collect)>;

/// Chooses tests by their names; empty: all of them.
using TestFilter = std::function<bool(const std::string& name)>;

/// How a test ended. `failures` is empty if, and only if, it passed.
struct TestReport {
  std::string name;
  int line = 0;  ///< of the test in the file
  std::vector<std::string> failures = {};

  bool passed() const { return failures.empty(); }
};

/// Reads the file once more with the test's parameters (over those of `parameters`), and cuts the
/// graph down to the operators that the test needs. Given rows have the columns and types of the
/// operator that they stand for, if that can be planned (a source: if its files are there); else
/// those in the test, else those that the values look like. May block (headers of sources).
Result<TestRun> plan_test(const std::string& file, std::string_view text, const JobTest& test,
                          const OperatorRegistry& registry,
                          const std::map<std::string, std::string>& parameters = {});

/// Compares actual rows with those that the test expects. Returns one failure per operator, with
/// the rows that are missing and those that are too many. Columns that no expected row names are
/// not compared; doubles may differ by 1e-9, relative.
std::vector<std::string> compare_test(const JobTest& test,
                                      const std::map<std::string, std::vector<Batch>>& rows);

/// Runs the tests of a descriptor that `filter` chooses. Fails if the descriptor itself has a
/// mistake: check it before. An error in one test is a failure of that test only.
Result<std::vector<TestReport>> run_tests(
    const std::string& file, std::string_view text, const OperatorRegistry& registry,
    const RunGraph& run, const TestFilter& filter = {},
    const std::map<std::string, std::string>& parameters = {});

inline constexpr std::size_t shown_rows_max = 10;

}  // namespace troupe
