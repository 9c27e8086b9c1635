#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/graph/job_graph.hpp"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace troupe {

/// Makes a JobGraph in C++; the same operators with the same parameters as in YAML give the same
/// bytes, hence the same hash.
///
///     GraphBuilder job("late-flights");
///     auto flights = job.add("flights", "read.parquet", {{"path", "flights.parquet"}});
///     auto late = job.add("late", "filter", {{"where", "dep_delay > 30"}}).from(flights);
///     job.add("show", "print").from(late);
///     JobGraph graph = TRY(job.build());
///
/// Nothing is checked before `build`, which checks ids, parameters and inputs; operators, columns
/// and types are checked when the job is bound. To write `{{...}}`, include
/// "runtime/base/json.hpp".
class GraphBuilder {
 public:
  /// One operator of the job that is being built. A light handle, valid as long as its builder.
  class Vertex {
   public:
    /// Reads these, in this order.
    const Vertex& from(const Vertex& producer) const;
    const Vertex& from(std::initializer_list<Vertex> producers) const;
    /// Reads a further input.
    const Vertex& and_from(const Vertex& producer, std::string port = {}) const;
    /// Of a source: when its rows happened.
    const Vertex& event_time(TimeSettings settings) const;
    const Vertex& parallelism(std::uint32_t subtasks) const;
    const std::string& id() const;

   private:
    friend class GraphBuilder;
    Vertex(GraphBuilder& builder, std::size_t index) : builder_(&builder), index_(index) {}
    JobVertex& get() const;

    GraphBuilder* builder_;
    std::size_t index_;
  };

  /// `name` is "job" or "namespace/job".
  explicit GraphBuilder(std::string_view name);

  Vertex add(std::string id, std::string op);
  Vertex add(std::string id, std::string op, const Json& with);

  GraphBuilder& mode(JobMode mode);
  GraphBuilder& parallelism(std::uint32_t subtasks);
  GraphBuilder& memory(std::int64_t bytes);
  GraphBuilder& restart(const RestartSettings& settings);

  /// The graph, producers before consumers; or its first mistake.
  Result<JobGraph> build() const;

 private:
  JobGraph graph_;
};

}  // namespace troupe
