#include "runtime/host/errand_work.hpp"

namespace troupe {
namespace {

Result<> commit(const Errand& errand, Planner& planner) {
  const auto derived = TRY(planner.derive(*errand.plan));
  for (const Stage& stage : derived->tasks.stages) {
    for (const ChainLink& link : stage.chain) {
      if (link.vertex != errand.vertex || !link.phase.make_sink) continue;
      const SinkCommit what{sink_marker(errand.marked_with(), errand.vertex), errand.epoch,
                            errand.previous, sink_marker(errand.run_uid, errand.vertex)};
      return TRY(link.phase.make_sink())->commit(what, errand.committables);
    }
  }
  return make_error(ErrorCode::internal, "the plan has no sink '{}'", errand.vertex);
}

/// Every sink removes what this run staged and nothing committed, also where another one cannot.
Result<> clean_up(const Errand& errand, Planner& planner) {
  const auto derived = TRY(planner.derive(*errand.plan));
  Result<> outcome;
  for (const Stage& stage : derived->tasks.stages) {
    for (const ChainLink& link : stage.chain) {
      if (!link.phase.make_sink) continue;
      auto sink = link.phase.make_sink();
      const Result<> done = sink ? (*sink)->clean_up(sink_marker(errand.run_uid, link.vertex))
                                 : Result<>(sink.error());
      if (!done && outcome) outcome = done;
    }
  }
  return outcome;
}

}  // namespace

Result<> carry_out(const Errand& errand, Planner& planner) {
  switch (errand.kind) {
    case ErrandKind::commit_sink:
      return commit(errand, planner);
    case ErrandKind::clean_up_sinks:
      return clean_up(errand, planner);
    case ErrandKind::copy_snapshots:
      return make_error(ErrorCode::internal, "state files are copied without a thread that waits");
    case ErrandKind::unknown:
      break;
  }
  return make_error(ErrorCode::unsupported,
                    "this node does not know the errand: it is older than its coordinator");
}

}  // namespace troupe
