#include "runtime/host/local_plan.hpp"

#include "runtime/data/memory_share.hpp"
#include "runtime/host/kept_output.hpp"

namespace troupe {
namespace {

class Wiring {
 public:
  Wiring(const TaskGraph& graph, const LocalPlan::MakeHost& make_host,
         const LocalPlanOptions& options, const Clock& clock)
      : graph_(graph), make_host_(make_host), options_(options), clock_(clock) {}

  std::map<TaskId, TaskSite> sites(const LocalPlan& plan) {
    auto memory = std::make_shared<MemoryBudget>(reservable(options_.memory_bytes));
    for (const auto& stage : graph_.stages) {
      for (std::uint32_t i = 0; i < stage.parallelism; ++i) {
        TaskSite& site = sites_[TaskId{stage.id, i}];
        site.task = {stage.id, i};
        site.host = make_host_(site.task);
        site.memory = memory;
        site.sink_marker = plan.marker(stage.id);
        site.sink_tag = fmt::format("{}-{}", site.sink_marker, i);
        site.scratch_directory = fmt::format("{}/task-{}", plan.scratch_directory, site.task);
        site.files = options_.files;
        site.taps = options_.taps;
        if (!stage.splits.empty()) site.splits = stage.splits.at(i);
      }
    }
    for (std::size_t i = 0; i < graph_.edges.size(); ++i) {
      if (graph_.edges[i].blocking) {
        keep(i, plan);
      } else {
        connect(graph_.edges[i]);
      }
    }
    return std::move(sites_);
  }

 private:
  void connect(const TaskEdge& edge) {
    const std::uint32_t producers = graph_.stage(edge.from).parallelism;
    const std::uint32_t consumers = graph_.stage(edge.to).parallelism;
    for (std::uint32_t to = 0; to < consumers; ++to) sites_[{edge.to, to}].receivers.emplace_back();
    for (std::uint32_t from = 0; from < producers; ++from) {
      TaskSite& producer = sites_[{edge.from, from}];
      auto& senders = producer.senders.emplace_back();
      for (std::uint32_t to : consumers_of(graph_, edge, from)) {
        TaskSite& consumer = sites_[{edge.to, to}];
        Channel channel(options_.channel);
        senders.push_back(channel.sender(producer.host));
        consumer.receivers.back().push_back(channel.receiver(consumer.host));
      }
    }
  }

  void keep(std::size_t index, const LocalPlan& plan) {
    const TaskEdge& edge = graph_.edges[index];
    const std::uint32_t producers = graph_.stage(edge.from).parallelism;
    const std::uint32_t consumers = graph_.stage(edge.to).parallelism;
    for (std::uint32_t to = 0; to < consumers; ++to) sites_[{edge.to, to}].receivers.emplace_back();
    for (std::uint32_t from = 0; from < producers; ++from) {
      TaskSite& producer = sites_[{edge.from, from}];
      KeptPlace place{options_.files,
                      fmt::format("{}/kept-{}-{}", plan.scratch_directory, index, from), consumers};
      place.memory = producer.memory;
      auto output = std::make_shared<KeptOutput>(producer.host, std::move(place));
      const auto receivers = consumers_of(graph_, edge, from);
      producer.senders.push_back(output->senders(receivers));
      for (std::uint32_t to : receivers) {
        TaskSite& consumer = sites_[{edge.to, to}];
        output->tell(consumer.host);
        consumer.receivers.back().push_back(kept_input(output, to, consumer.host, clock_));
      }
    }
  }

  const TaskGraph& graph_;
  const LocalPlan::MakeHost& make_host_;
  const LocalPlanOptions& options_;
  const Clock& clock_;
  std::map<TaskId, TaskSite> sites_;
};

}  // namespace

std::string LocalPlan::marker(StageId stage) const {
  return fmt::format("run-{}-sink-{}-epoch-1", run, stage);
}

Result<LocalPlan> LocalPlan::make(const TaskGraph& graph, const MakeHost& make_host,
                                  const LocalPlanOptions& options, const Clock& clock) {
  LocalPlan plan;
  plan.run = options.run;
  plan.files = options.files;
  plan.scratch_directory = fmt::format("{}/troupe-run-{}", options.scratch_directory, options.run);
  for (const auto& stage : graph.stages) {
    plan.objects[stage.id] = TRY(StageObjects::make(stage));
  }
  for (auto& [id, site] : Wiring(graph, make_host, options, clock).sites(plan)) {
    plan.tasks[id] = TRY(build_task(graph, std::move(site), plan.objects.at(id.stage), clock));
  }
  return plan;
}

}  // namespace troupe
