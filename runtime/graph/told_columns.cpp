#include "runtime/graph/told_columns.hpp"

#include "runtime/operator/needed_values.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

/// What the first operator of a stage tells of an input.
std::vector<int> told_by(const Stage& stage, int input) {
  const Phase& phase = stage.chain.front().phase;
  if (!phase.make_operator) return {};
  const auto made = phase.make_operator();
  const auto* narrows = made ? dynamic_cast<const NarrowsInput*>(made->get()) : nullptr;
  return narrows != nullptr ? narrows->told_columns(input) : std::vector<int>();
}

bool can_narrow(const Phase& phase) {
  if (!phase.make_source) return false;
  const auto source = phase.make_source();
  const auto* narrowed = source ? dynamic_cast<const NarrowedSource*>(source->get()) : nullptr;
  return narrowed != nullptr && narrowed->narrows();
}

/// The column of a phase's input that a column of its output is; -1 where it is none.
int input_of(const Phase& phase, int column) {
  const auto made =
      phase.make_operator ? phase.make_operator() : Result<std::unique_ptr<Operator>>(nullptr);
  const auto* passes = made ? dynamic_cast<const PassesColumns*>(made->get()) : nullptr;
  return passes != nullptr && passes->passes() ? passes->input_of(column) : -1;
}

}  // namespace

std::vector<std::string> told_columns(const TaskGraph& tasks, const TaskEdge& edge) {
  const Stage& from = tasks.stage(edge.from);
  const auto readers = std::count_if(tasks.edges.begin(), tasks.edges.end(),
                                     [&](const TaskEdge& one) { return one.from == edge.from; });
  // A producer that must not wait for the join cannot wait for its keys either.
  if (edge.blocking || edge.early || readers != 1 || !can_narrow(from.chain.front().phase))
    return {};
  std::vector<std::string> columns;
  for (int column : told_by(tasks.stage(edge.to), edge.to_input)) {
    for (std::size_t link = from.chain.size() - 1; link > 0 && column >= 0; --link) {
      column = input_of(from.chain[link].phase, column);
    }
    const auto& source = from.chain.front().phase.outputs.front();
    if (column >= 0) columns.push_back(source->field(column)->name());
  }
  return columns;
}

}  // namespace troupe
