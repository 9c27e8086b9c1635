#pragma once

#include "runtime/data/batch.hpp"
#include "runtime/graph/job_graph.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace troupe {

class OperatorRegistry;

/// Collects the output of operators of a run in memory, to be compared. It works through a sink
/// like any other, so rows of attempts that lost are not among them.
class CollectedRows {
 public:
  class Store;  ///< shared by its sinks

  CollectedRows();
  ~CollectedRows();

  /// Adds the sink, named `collect`.
  void add_to(OperatorRegistry& registry) const;
  /// The bound graph, with such a sink behind each of these operators.
  JobGraph collecting(JobGraph graph, const std::set<std::string>& operators) const;
  /// Takes out all committed rows, by operator.
  std::map<std::string, std::vector<Batch>> take();

 private:
  const std::shared_ptr<Store> store_;
};

}  // namespace troupe
