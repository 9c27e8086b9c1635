#include "runtime/exec/task_builder.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/data/memory_share.hpp"
#include "runtime/exec/feed_receiver.hpp"
#include "runtime/exec/sink_output.hpp"
#include "runtime/exec/splits_reader.hpp"

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace troupe {
namespace {

/// Waiting rows of a gather may have to be set aside where its producers are fed by an exchange:
/// one that waits would hold up the others.
bool fed_by_exchange(const TaskGraph& graph, StageId stage) {
  for (const auto& edge : graph.edges) {
    if (edge.to != stage || edge.blocking) continue;
    if (edge.exchange != ExchangeKind::forward || fed_by_exchange(graph, edge.from)) return true;
  }
  return false;
}

/// The stages from which all rows of this one come.
std::set<StageId> sources_of(const TaskGraph& graph, StageId stage) {
  std::set<StageId> all;
  for (const auto& edge : graph.edges) {
    if (edge.to == stage) all.merge(sources_of(graph, edge.from));
  }
  if (all.empty()) all.insert(stage);
  return all;
}

/// No source feeds two streams into this stage.
bool streams_apart(const TaskGraph& graph, StageId stage) {
  std::map<int, std::set<StageId>> by_input;
  for (const auto& edge : graph.edges) {
    if (edge.to != stage || !edge.flow.stream) continue;
    by_input[edge.to_input].merge(sources_of(graph, edge.from));
  }
  std::set<StageId> seen;
  for (const auto& [input, sources] : by_input) {
    for (const StageId source : sources) {
      if (!seen.insert(source).second) return false;
    }
  }
  return true;
}

/// All writers of a stage together hold a quarter of what can be reserved.
MemoryShare in_writer(const Stage& stage) {
  return {.parts = 4 * static_cast<std::int64_t>(stage.parallelism),
          .least = 1 << 20,
          .most = std::int64_t{1} << 30};
}

class Assembly {
 public:
  Assembly(const TaskGraph& graph, TaskSite site, const StageObjects& objects, const Clock& clock)
      : graph_(graph),
        stage_(graph.stage(site.task.stage)),
        site_(std::move(site)),
        objects_(objects),
        clock_(clock) {}

  Result<std::unique_ptr<Task>> build() {
    parts_.host = site_.host;
    parts_.memory = site_.memory;
    outputs_ = edges_out_of(graph_, stage_.id);
    for (std::size_t i = 0; i < stage_.chain.size(); ++i) TRY(add(i));
    if (!parts_.gate) add_gate();
    if (!parts_.output) add_router();
    if (site_.epochs.takes_part) add_keeper();
    return std::make_unique<Task>(std::move(parts_), clock_);
  }

 private:
  Result<> add(std::size_t index) {
    const ChainLink& link = stage_.chain[index];
    auto counters = counters_of(link.vertex);
    if (link.phase.make_source) {
      ENSURE(index == 0, "a source inside a chain");
      const auto* narrowed = dynamic_cast<const NarrowedSource*>(objects_.source.get());
      // Positions are of rows: of a stream none is left out.
      if (narrowed != nullptr && narrowed->narrows() && !link.phase.flow(0).stream) {
        parts_.needs = std::make_shared<SourceNeeds>();
        parts_.needs->columns = link.phase.outputs.front()->field_names();
      }
      add_source(link.phase, counters);
    } else if (link.phase.make_sink) {
      ENSURE(index + 1 == stage_.chain.size(), "a sink inside a chain");
      SinkContext context{site_.task.subtask,
                          stage_.parallelism,
                          site_.sink_tag,
                          site_.sink_marker,
                          in_writer(stage_).of(site_.memory.get()),
                          site_.sink_staging};
      parts_.sink = link.vertex;
      parts_.output = std::make_shared<SinkOutput>(site_.host, objects_.sink, std::move(context),
                                                   link.phase.taken_off(0), counters, clock_,
                                                   site_.epochs.restore);
      return {};
    } else {
      parts_.links.push_back(
          {TRY(link.phase.make_operator()), counters, context(index), link.phase.hidden_taken_off});
      tables_.push_back(tables_of(link));
    }
    return {};
  }

  void add_source(const Phase& phase, std::shared_ptr<VertexMeter> counters) {
    parts_.begin = std::make_shared<SplitPosition>();
    const bool stream = phase.flow(0).stream;
    auto reader =
        std::make_unique<SplitsReader>(SplitsSite{.source = objects_.source,
                                                  .self = {site_.task.subtask, stage_.parallelism},
                                                  .splits = std::move(site_.splits),
                                                  .needs = parts_.needs,
                                                  .event_time = phase.event_time,
                                                  .stream = stream,
                                                  .rate = phase.rate,
                                                  .begin = parts_.begin},
                                       clock_);
    auto feed =
        std::make_shared<BatchFeed>(site_.host, std::move(reader), std::move(counters), clock_);
    std::vector<InputGate::Input> inputs(1);
    inputs.front().timed = stream;
    auto receiver = std::make_unique<FeedReceiver>(
        std::move(feed), stream ? phase.event_time : nullptr, site_.epochs.takes_part);
    if (site_.epochs.takes_part) parts_.source = receiver.get();
    inputs.front().channels.push_back(std::move(receiver));
    parts_.gate = std::make_unique<InputGate>(std::move(inputs), site_.memory);
  }

  OperatorContext context(std::size_t index) const {
    OperatorContext context;
    for (const auto* edge : edges_into(graph_, stage_.id)) {
      if (index == 0 && edge->early) context.early_inputs.push_back(edge->to_input);
    }
    context.subtask = site_.task.subtask;
    context.parallelism = stage_.parallelism;
    for (const auto* edge : outputs_) {
      if (edge->exchange == ExchangeKind::range) {
        context.output_partitions = graph_.stage(edge->to).parallelism;
      }
    }
    context.memory = site_.memory.get();
    context.barriers = site_.epochs.takes_part;
    // By its place in the chain: two sorts in one task must not share their files.
    context.scratch_directory = fmt::format("{}/{}", site_.scratch_directory, parts_.links.size());
    context.files = site_.files;
    return context;
  }

  std::shared_ptr<VertexMeter> counters_of(const std::string& vertex) {
    for (const auto& counters : parts_.counters) {
      if (counters->vertex == vertex) return counters;
    }
    parts_.counters.push_back(std::make_shared<VertexMeter>(vertex));
    return parts_.counters.back();
  }

  void add_gate() {
    auto edges = edges_into(graph_, stage_.id);
    ENSURE(edges.size() == site_.receivers.size(), "{} edges, channels for {}", edges.size(),
           site_.receivers.size());
    int count = 0;
    for (const auto* edge : edges) count = std::max(count, edge->to_input + 1);
    std::vector<InputGate::Input> inputs(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < edges.size(); ++i) {
      auto& input = inputs[static_cast<std::size_t>(edges[i]->to_input)];
      for (auto& channel : site_.receivers[i]) input.channels.push_back(std::move(channel));
      input.timed = edges[i]->flow.stream;
      if (edges[i]->exchange != ExchangeKind::gather || input.timed) continue;
      input.ordered = true;
      // Who has kept its rows is held up by nobody.
      input.set_aside = !edges[i]->blocking && fed_by_exchange(graph_, edges[i]->from);
    }
    parts_.inputs = count;
    parts_.gate = std::make_unique<InputGate>(std::move(inputs), site_.memory,
                                              streams_apart(graph_, stage_.id));
  }

  void add_router() {
    ENSURE(outputs_.size() == site_.senders.size(), "{} edges, channels for {}", outputs_.size(),
           site_.senders.size());
    std::vector<Router::Edge> edges;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      edges.push_back({outputs_[i]->from_port, outputs_[i]->exchange, outputs_[i]->keys,
                       std::move(site_.senders[i]), outputs_[i]->flow.stream});
    }
    parts_.output = std::make_shared<Router>(std::move(edges));
  }

  /// By the names that its tables have in files: two phases of a vertex may be in one chain.
  static std::vector<OperatorTable> tables_of(const ChainLink& link) {
    std::vector<OperatorTable> tables;
    for (const auto& table : link.phase.state) {
      tables.push_back({fmt::format("{}/{}", link.vertex, link.phase.name), table});
    }
    return tables;
  }

  void add_keeper() {
    SnapshotSite state;
    state.files = site_.files;
    state.directory = site_.state_directory;
    state.name = site_.state_name;
    state.nodes = site_.state_nodes;
    state.self = {site_.task.subtask, stage_.parallelism};
    state.groups = owned_key_groups(site_.task.subtask, stage_.parallelism);
    state.tables = std::move(tables_);
    state.reads_source = parts_.source != nullptr;
    state.role = site_.epochs;
    parts_.restores = site_.epochs.restore != Epoch();
    parts_.keeper = std::make_shared<SnapshotKeeper>(site_.host, std::move(state));
  }

  const TaskGraph& graph_;
  const Stage& stage_;
  TaskSite site_;
  const StageObjects& objects_;
  const Clock& clock_;
  std::vector<const TaskEdge*> outputs_;
  std::vector<std::vector<OperatorTable>> tables_;
  Task::Parts parts_;
};

std::vector<std::uint32_t> partners(const TaskEdge& edge, std::uint32_t self,
                                    std::uint32_t parallelism) {
  if (edge.exchange == ExchangeKind::forward) return {self};
  std::vector<std::uint32_t> all(parallelism);
  for (std::uint32_t i = 0; i < parallelism; ++i) all[i] = i;
  return all;
}

}  // namespace

Result<StageObjects> StageObjects::make(const Stage& stage) {
  StageObjects objects;
  for (const auto& link : stage.chain) {
    if (link.phase.make_source) objects.source = TRY(link.phase.make_source());
    if (link.phase.make_sink) objects.sink = TRY(link.phase.make_sink());
  }
  return objects;
}

std::vector<const TaskEdge*> edges_into(const TaskGraph& graph, StageId stage) {
  std::vector<const TaskEdge*> edges;
  for (const auto& edge : graph.edges) {
    if (edge.to == stage) edges.push_back(&edge);
  }
  return edges;
}

std::vector<const TaskEdge*> edges_out_of(const TaskGraph& graph, StageId stage) {
  std::vector<const TaskEdge*> edges;
  for (const auto& edge : graph.edges) {
    if (edge.from == stage) edges.push_back(&edge);
  }
  return edges;
}

std::vector<std::uint32_t> producers_of(const TaskGraph& graph, const TaskEdge& edge,
                                        std::uint32_t consumer) {
  return partners(edge, consumer, graph.stage(edge.from).parallelism);
}

std::vector<std::uint32_t> consumers_of(const TaskGraph& graph, const TaskEdge& edge,
                                        std::uint32_t producer) {
  return partners(edge, producer, graph.stage(edge.to).parallelism);
}

Result<std::unique_ptr<Task>> build_task(const TaskGraph& graph, TaskSite site,
                                         const StageObjects& objects, const Clock& clock) {
  return Assembly(graph, std::move(site), objects, clock).build();
}

}  // namespace troupe
