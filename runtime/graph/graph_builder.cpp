#include "runtime/graph/graph_builder.hpp"

#include "runtime/base/json.hpp"
#include "runtime/graph/graph_check.hpp"

#include <utility>

namespace troupe {

GraphBuilder::GraphBuilder(std::string_view name) { graph_.name = JobName(std::string(name)); }

GraphBuilder::Vertex GraphBuilder::add(std::string id, std::string op) {
  return add(std::move(id), std::move(op), Json::object());
}

GraphBuilder::Vertex GraphBuilder::add(std::string id, std::string op, const Json& with) {
  JobVertex vertex;
  vertex.id = std::move(id);
  vertex.op = std::move(op);
  vertex.with = std::make_shared<const Json>(with.is_null() ? Json::object() : with);
  graph_.vertices.push_back(std::move(vertex));
  return Vertex(*this, graph_.vertices.size() - 1);
}

GraphBuilder& GraphBuilder::parallelism(std::uint32_t subtasks) {
  graph_.settings.parallelism = subtasks;
  return *this;
}

GraphBuilder& GraphBuilder::memory(std::int64_t bytes) {
  graph_.settings.memory_bytes = bytes;
  return *this;
}

GraphBuilder& GraphBuilder::restart(const RestartSettings& settings) {
  graph_.settings.restart = settings;
  return *this;
}

GraphBuilder& GraphBuilder::mode(JobMode mode) {
  graph_.settings.mode = mode;
  return *this;
}

Result<JobGraph> GraphBuilder::build() const {
  JobGraph graph = graph_;
  for (const JobVertex& vertex : graph.vertices) {
    if (!valid_id(vertex.id))
      return make_error(ErrorCode::invalid_argument, "'{}' is no id", vertex.id);
    if (!vertex.with->is_object()) {
      return make_error(ErrorCode::invalid_argument, "the parameters of '{}' are no map",
                        vertex.id);
    }
  }
  order_vertices(graph);
  TRY(well_formed(graph));
  return graph;
}

JobVertex& GraphBuilder::Vertex::get() const { return builder_->graph_.vertices[index_]; }

const std::string& GraphBuilder::Vertex::id() const { return get().id; }

const GraphBuilder::Vertex& GraphBuilder::Vertex::from(const Vertex& producer) const {
  return from({producer});
}

const GraphBuilder::Vertex& GraphBuilder::Vertex::from(
    std::initializer_list<Vertex> producers) const {
  get().inputs.clear();
  for (const Vertex& producer : producers) and_from(producer);
  return *this;
}

const GraphBuilder::Vertex& GraphBuilder::Vertex::and_from(const Vertex& producer,
                                                           std::string port) const {
  get().inputs.push_back({producer.id(), std::move(port)});
  return *this;
}

const GraphBuilder::Vertex& GraphBuilder::Vertex::event_time(TimeSettings settings) const {
  get().event_time = std::move(settings);
  return *this;
}

const GraphBuilder::Vertex& GraphBuilder::Vertex::parallelism(std::uint32_t subtasks) const {
  get().parallelism = subtasks;
  return *this;
}

}  // namespace troupe
