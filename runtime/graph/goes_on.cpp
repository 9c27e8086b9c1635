#include "runtime/graph/goes_on.hpp"

#include "runtime/base/json.hpp"
#include "runtime/operator/state_table.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

bool same_table(const StateTable& a, const StateTable& b) {
  return a.name == b.name && a.schema->Equals(*b.schema) && a.key == b.key && a.merge == b.merge &&
         a.owner == b.owner && a.expires_by == b.expires_by;
}

bool same_state(const Phase& a, const Phase& b) {
  return std::equal(a.state.begin(), a.state.end(), b.state.begin(), b.state.end(),
                    [](const auto& one, const auto& other) { return same_table(*one, *other); });
}

/// Positions are of what a source reads, markers of where a sink writes, and state is of what an
/// operator was told: a window of another size may keep rows of the same types.
bool must_stay(const Phase& phase) {
  return phase.make_source || phase.make_sink || !phase.state.empty();
}

bool same_event_time(const std::optional<TimeSettings>& a, const std::optional<TimeSettings>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->value == b->value && a->max_out_of_order == b->max_out_of_order;
}

Result<> check_written(const std::string& id, const JobGraph& before, const JobGraph& now) {
  const JobVertex* old = before.find(id);
  const JobVertex* made = now.find(id);
  const bool same = old != nullptr && made != nullptr && old->op == made->op &&
                    *old->with == *made->with && same_event_time(old->event_time, made->event_time);
  if (same) return {};
  return make_error(ErrorCode::conflict, "'{}' is written otherwise than in the run before", id);
}

Result<> check_stage(const Stage& before, const Stage& now, const DerivedPlan& old,
                     const DerivedPlan& made) {
  const std::string& id = now.chain.front().vertex;
  if (before.parallelism != now.parallelism) {
    return make_error(ErrorCode::conflict,
                      "'{}' has {} subtasks, and {} in the run before: state is not dealt out anew",
                      id, now.parallelism, before.parallelism);
  }
  for (std::size_t i = 0; i < now.chain.size() || i < before.chain.size(); ++i) {
    const ChainLink& link = i < now.chain.size() ? now.chain[i] : before.chain[i];
    const bool there = i < now.chain.size() && i < before.chain.size() &&
                       before.chain[i].vertex == link.vertex &&
                       before.chain[i].phase.name == link.phase.name;
    if (!there) {
      return make_error(ErrorCode::conflict, "'{}' is not at its place in the run before",
                        link.vertex);
    }
    if (must_stay(link.phase)) TRY(check_written(link.vertex, old.job, made.job));
    if (!same_state(before.chain[i].phase, link.phase)) {
      return make_error(ErrorCode::conflict, "'{}' keeps other state than in the run before",
                        link.vertex);
    }
  }
  return {};
}

bool same_edge(const TaskEdge& a, const TaskEdge& b) {
  return a.from == b.from && a.from_port == b.from_port && a.to == b.to &&
         a.to_input == b.to_input && a.exchange == b.exchange && a.keys == b.keys;
}

Result<> check_edges(const TaskGraph& before, const TaskGraph& now) {
  for (std::size_t i = 0; i < now.edges.size(); ++i) {
    const TaskEdge& edge = now.edges[i];
    if (i < before.edges.size() && same_edge(before.edges[i], edge)) continue;
    return make_error(ErrorCode::conflict, "'{}' gets its rows otherwise than in the run before",
                      now.stage(edge.to).chain.front().vertex);
  }
  return {};
}

}  // namespace

Result<> check_goes_on(const DerivedPlan& before, const DerivedPlan& now) {
  if (now.job.settings.mode != JobMode::streaming) {
    return make_error(ErrorCode::conflict, "the job is a batch job now");
  }
  if (before.job.settings.checkpoint.directory != now.job.settings.checkpoint.directory) {
    return make_error(ErrorCode::conflict, "'checkpoint.directory' is not that of the run before");
  }
  const auto& old = before.tasks.stages;
  const auto& made = now.tasks.stages;
  for (std::size_t i = 0; i < old.size() && i < made.size(); ++i) {
    TRY(check_stage(old[i], made[i], before, now));
  }
  if (old.size() != made.size()) {
    const auto& more = old.size() > made.size() ? old[made.size()] : made[old.size()];
    return make_error(ErrorCode::conflict, "'{}' is not at its place in the run before",
                      more.chain.front().vertex);
  }
  return check_edges(before.tasks, now.tasks);
}

}  // namespace troupe
