#pragma once

#include "runtime/base/fields.hpp"

#include <fmt/format.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <utility>

namespace troupe {

/// A value with a type of its own, so that a task attempt never passes for a term.
template <class Tag, class Rep>
class StrongId {
 public:
  StrongId() = default;
  explicit StrongId(Rep value) : value_(std::move(value)) {}

  const Rep& value() const { return value_; }

  friend auto operator<=>(const StrongId&, const StrongId&) = default;
  friend bool operator==(const StrongId&, const StrongId&) = default;

 private:
  Rep value_{};
};

template <class Tag>
class Counter : public StrongId<Tag, std::uint64_t> {
 public:
  using StrongId<Tag, std::uint64_t>::StrongId;
  Counter next() const { return Counter(this->value() + 1); }
};

/// A node by the name its operator gave it; unique in a cluster.
using NodeId = StrongId<struct NodeIdTag, std::string>;
/// A cluster by the name that its operators gave it: nodes of clusters of different names refuse
/// each other. Two clusters may have the same name, for example the default one: stored things are
/// told apart by `ClusterId`.
using ClusterName = StrongId<struct ClusterNameTag, std::string>;
/// Names a cluster's metadata: drawn at random when that is made, stored in it, and never the same
/// for two.
using ClusterId = StrongId<struct ClusterIdTag, std::string>;
/// A job by its full name, "namespace/name" or "name".
using JobName = StrongId<struct JobNameTag, std::string>;
/// A run of a job, allocated by the metadata store, never used twice in it.
using RunId = Counter<struct RunIdTag>;
/// Names a run in traces outside its cluster: unique for ever, also if the cluster's metadata began
/// anew or was brought back from a copy. Fit for a file name.
using RunUid = StrongId<struct RunUidTag, std::string>;
/// The leader's fence: it only grows, and every command carries it.
using Term = Counter<struct TermTag>;
/// A node process: a restarted node is a new incarnation and never resumes the old one's sessions.
using Incarnation = Counter<struct IncarnationTag>;
/// A try of a run or of a task. The store allocates it, durably, before it is sent.
using Attempt = Counter<struct AttemptTag>;
/// A checkpoint of a run, and nothing else. A batch run has exactly one.
using Epoch = Counter<struct EpochTag>;
/// A channel between two tasks; unique within a run.
using ChannelId = Counter<struct ChannelIdTag>;
/// A stage of a task graph: a fused chain of operators, run by `parallelism` subtasks.
using StageId = StrongId<struct StageIdTag, std::uint32_t>;

/// One subtask of one stage of a run; its attempts come and go, the task stays.
struct TaskId {
  StageId stage;
  std::uint32_t subtask = 0;

  static constexpr auto fields() {
    return std::tuple{field("stage", &TaskId::stage), field("subtask", &TaskId::subtask)};
  }

  friend auto operator<=>(const TaskId&, const TaskId&) = default;
  friend bool operator==(const TaskId&, const TaskId&) = default;
};

}  // namespace troupe

template <class Tag, class Rep>
struct std::hash<troupe::StrongId<Tag, Rep>> {
  std::size_t operator()(const troupe::StrongId<Tag, Rep>& id) const {
    return std::hash<Rep>()(id.value());
  }
};
template <class Tag>
struct std::hash<troupe::Counter<Tag>> : std::hash<troupe::StrongId<Tag, std::uint64_t>> {};
template <>
struct std::hash<troupe::TaskId> {
  std::size_t operator()(const troupe::TaskId& id) const {
    return (std::size_t{id.stage.value()} << 32) ^ id.subtask;
  }
};

template <class Tag, class Rep>
struct fmt::formatter<troupe::StrongId<Tag, Rep>> : fmt::formatter<Rep> {
  template <class Context>
  auto format(const troupe::StrongId<Tag, Rep>& id, Context& context) const {
    return fmt::formatter<Rep>::format(id.value(), context);
  }
};
template <class Tag>
struct fmt::formatter<troupe::Counter<Tag>> : fmt::formatter<troupe::StrongId<Tag, std::uint64_t>> {
};
/// "3.1": stage 3, subtask 1.
template <>
struct fmt::formatter<troupe::TaskId> {
  constexpr auto parse(format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(const troupe::TaskId& id, Context& context) const {
    return fmt::format_to(context.out(), "{}.{}", id.stage, id.subtask);
  }
};
