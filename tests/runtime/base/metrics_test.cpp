// Metrics of one name and labels are one metric, and their text is what Prometheus reads.
#include "runtime/base/metrics.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("a counter is found again by its name and labels") {
  Metrics metrics;
  metrics.counter("frames_refused_total", "Frames refused.", {{"reason", "stale"}}).add();
  metrics.counter("frames_refused_total", "Frames refused.", {{"reason", "stale"}}).add(2);
  metrics.gauge("queue_fill_ratio", "How full.").set(0.5);
  const std::string text = metrics.text();
  CHECK(text.find("frames_refused_total{reason=\"stale\"} 3") != std::string::npos);
  CHECK(text.find("# TYPE queue_fill_ratio gauge") != std::string::npos);
}
