#pragma once

#include "runtime/os/random.hpp"
#include "tests/runtime/exec/fakes.hpp"

#include <memory>
#include <vector>

namespace troupe {

/// A graph made by chance, and what must come out of it.
struct RandomGraph {
  explicit RandomGraph(std::uint64_t seed);

  TaskGraph graph;
  std::shared_ptr<FakeSink> sink = std::make_shared<FakeSink>();
  std::vector<std::int64_t> expected;  ///< sorted

 private:
  struct Rows {
    StageId stage;
    std::vector<std::int64_t> values;
  };

  Rows add_source();
  Rows add_transform(std::vector<Rows> inputs);
  Phase transform(std::vector<std::int64_t>& values);
  ExchangeKind exchange(StageId from, std::uint32_t to_parallelism);

  Random random_;
};

}  // namespace troupe
