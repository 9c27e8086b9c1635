#include "tests/runtime/exec/random_graph.hpp"
#include "tests/runtime/host/stepped_run.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace troupe;

TEST_CASE("any graph in any interleaving delivers exactly the rows a naive evaluation expects") {
  // Shown by: random trees of operators that repeat, filter, hold, block and order their inputs,
  // joined by every exchange over tiny channels; each seed is a graph and an interleaving.
  // Some edges are kept on disk.
  TempDir directory;
  SteppedRunOptions tiny{.directory = directory.path(), .channels = {2, 400}};
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    RandomGraph random(seed);
    tiny.run = RunId(seed);
    SteppedRun run(random.graph, seed, tiny);
    run.run();
    REQUIRE(run.errors().empty());
    REQUIRE(run.finished());
    run.commit();
    REQUIRE(random.sink->rows() == random.expected);
  }
}
