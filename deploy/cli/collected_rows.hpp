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

/// The rows that operators of a run put out, in memory, for whoever compares them. A sink like any
/// other: rows of an attempt that lost are not among them.
class CollectedRows {
 public:
  class Store;  ///< what its sinks share

  CollectedRows();
  ~CollectedRows();

  /// Makes the sink known by its name, `collect`.
  void add_to(OperatorRegistry& registry) const;
  /// The bound graph, with such a sink behind each of these operators.
  JobGraph collecting(JobGraph graph, const std::set<std::string>& operators) const;
  /// What has been committed, by operator; afterwards there is nothing.
  std::map<std::string, std::vector<Batch>> take();

 private:
  const std::shared_ptr<Store> store_;
};

}  // namespace troupe
