#include "runtime/graph/bound_graph.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <set>

namespace troupe {
namespace {

using Columns = std::set<int>;

bool is_source(const JobVertex& vertex) { return vertex.inputs.empty(); }

bool has_columns(const OperatorPlan& plan) {
  return !plan.phases.back().outputs.empty() && plan.output() != nullptr;
}

/// The columns of every vertex's output that others need, found from the sinks up. A vertex in
/// `wide` counts as one that needs all columns of its inputs.
std::vector<Columns> needed_columns(const JobGraph& graph, const BoundGraph& bound,
                                    const std::set<std::size_t>& wide,
                                    const std::set<std::string>& whole) {
  std::vector<Columns> needed(bound.plans.size());
  const auto need_all = [&](std::size_t vertex) {
    for (int i = 0; i < bound.plans[vertex]->output()->num_fields(); ++i) needed[vertex].insert(i);
  };
  for (std::size_t v = bound.plans.size(); v-- > 0;) {
    const OperatorPlan& plan = *bound.plans[v];
    const bool shown = bound.consumers[v].empty() || whole.count(graph.vertices[v].id);
    if (shown && has_columns(plan)) need_all(v);
    if (const auto& time = plan.phases.back().event_time) {
      needed[v].insert(time->value.columns().begin(), time->value.columns().end());
    }
    const bool all = !plan.needs || !has_columns(plan) || wide.count(v);
    const auto inputs =
        all ? std::vector<std::vector<int>>() : plan.needs({needed[v].begin(), needed[v].end()});
    for (std::size_t i = 0; i < bound.producers[v].size(); ++i) {
      const std::size_t producer = bound.producers[v][i];
      if (all || !graph.vertices[v].inputs[i].port.empty()) {
        need_all(producer);
      } else {
        needed[producer].insert(inputs.at(i).begin(), inputs.at(i).end());
      }
    }
  }
  return needed;
}

/// The column that costs least to read. A source that no column is needed of still reads one, so
/// that its rows can be counted.
int narrowest(const arrow::Schema& schema) {
  const auto width = [&](int i) {
    const auto* fixed = dynamic_cast<const arrow::FixedWidthType*>(schema.field(i)->type().get());
    return fixed ? fixed->bit_width() : 1 << 20;
  };
  int best = 0;
  for (int i = 1; i < schema.num_fields(); ++i) {
    if (width(i) < width(best)) best = i;
  }
  return best;
}

void project(JobVertex& vertex, const arrow::Schema& schema, Columns needed) {
  vertex.projection.reset();
  if (needed.empty() && schema.num_fields() > 0) needed.insert(narrowest(schema));
  if (static_cast<int>(needed.size()) == schema.num_fields()) return;
  vertex.projection.emplace();
  for (const int column : needed) vertex.projection->push_back(schema.field(column)->name());
}

/// Operators may leave out the columns that nobody needs; of one that does not, nothing is said.
void forget_unheeded(JobGraph& graph, const BoundGraph& narrowed) {
  for (std::size_t v = 0; v < graph.vertices.size(); ++v) {
    JobVertex& vertex = graph.vertices[v];
    if (is_source(vertex) || !vertex.projection || !narrowed.plans[v]) continue;
    if (narrowed.plans[v]->output()->field_names() != *vertex.projection) vertex.projection.reset();
  }
}

/// All filters that directly follow a source, as one SQL predicate. It ends at the first vertex
/// that others read too, or that a test looks at: those need the rows that a filter drops.
std::string predicate_of(const JobGraph& graph, const BoundGraph& bound, std::size_t source,
                         const std::set<std::string>& whole) {
  std::string predicate;
  // How far a stream has come shows in all its rows, not only in those that are needed.
  if (bound.plans[source]->phases.back().flow(0).stream) return predicate;
  std::size_t at = source;
  while (bound.consumers[at].size() == 1 && !whole.count(graph.vertices[at].id)) {
    const std::size_t consumer = bound.consumers[at].front();
    const OperatorPlan& plan = *bound.plans[consumer];
    // Later predicates name columns of their own input: the same ones only if rows stay whole.
    if (!plan.predicate || !plan.output()->Equals(*bound.plans[at]->output())) break;
    // A comment in the text must not swallow the parenthesis.
    const std::string& text = plan.predicate->text();
    const char* end = text.find("--") == std::string::npos ? "" : "\n";
    predicate += fmt::format("{}({}{})", predicate.empty() ? "" : " AND ", text, end);
    at = consumer;
  }
  return predicate;
}

/// Vertices that do not work with the narrower inputs: they fail, or their output is not the needed
/// part of the output before. A join that renames clashing columns is one.
std::set<std::size_t> unhappy(const BoundGraph& before, const BoundGraph& after,
                              const std::vector<Columns>& needed) {
  std::set<std::size_t> found;
  for (std::size_t v = 0; v < before.plans.size(); ++v) {
    const bool fed = std::all_of(after.producers[v].begin(), after.producers[v].end(),
                                 [&](std::size_t producer) { return after.plans[producer]; });
    if (!fed || !has_columns(*before.plans[v])) continue;
    if (!after.plans[v]) {
      found.insert(v);
      continue;
    }
    const arrow::Schema& old = *before.plans[v]->output();
    const arrow::Schema& now = *after.plans[v]->output();
    int last = -1;
    for (const int column : needed[v]) {
      const int place = now.GetFieldIndex(old.field(column)->name());
      const bool same =
          place > last && now.field(place)->type()->Equals(*old.field(column)->type());
      if (!same) found.insert(v);
      last = place;
    }
  }
  return found;
}

}  // namespace

void push_down(JobGraph& graph, BoundGraph& bound, const OperatorRegistry& registry,
               const std::set<std::string>& whole) {
  for (std::size_t v = 0; v < graph.vertices.size(); ++v) {
    if (is_source(graph.vertices[v]))
      graph.vertices[v].predicate = predicate_of(graph, bound, v, whole);
  }
  std::set<std::size_t> wide;
  // Each round gives at least one vertex back all its columns, so this ends.
  for (std::size_t round = 0; round <= graph.vertices.size(); ++round) {
    const std::vector<Columns> needed = needed_columns(graph, bound, wide, whole);
    for (std::size_t v = 0; v < graph.vertices.size(); ++v) {
      JobVertex& vertex = graph.vertices[v];
      vertex.projection.reset();
      const bool narrow = has_columns(*bound.plans[v]) && !wide.count(v);
      if (is_source(vertex) || narrow) project(vertex, *bound.plans[v]->output(), needed[v]);
    }
    BoundGraph narrowed = plan_vertices(graph, registry, 1);
    const std::size_t before = wide.size();
    wide.merge(unhappy(bound, narrowed, needed));
    if (wide.size() == before) {
      ENSURE(narrowed.ok(), "the narrowed plan fails: {}", narrowed.errors.front().to_string());
      forget_unheeded(graph, narrowed);
      bound = std::move(narrowed);
      return;
    }
  }
  ENSURE(false, "push-down found no end");
}

}  // namespace troupe
