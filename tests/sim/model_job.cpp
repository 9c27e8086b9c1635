#include "tests/sim/model_job.hpp"

#include <charconv>

namespace troupe::sim {
namespace {

constexpr std::uint32_t keys = 23;

Split make_split(Random& random) {
  const std::uint64_t seed = random.next();
  const std::uint64_t rows = 4 + random.below(24);
  return {fmt::format("{}:{}", seed, rows), static_cast<std::int64_t>(rows * 12),
          static_cast<std::int64_t>(rows)};
}

ExchangeKind pick_exchange(Random& random, std::uint32_t from, std::uint32_t to) {
  if (to == 1 && random.chance(1, 2)) return ExchangeKind::gather;
  if (from == to && random.chance(1, 5)) return ExchangeKind::forward;
  if (random.chance(1, 8)) return ExchangeKind::broadcast;
  return random.chance(1, 3) ? ExchangeKind::rebalance : ExchangeKind::hash;
}

Stage make_stage(std::uint32_t number, std::uint32_t parallelism) {
  Stage stage;
  stage.id = StageId(number);
  stage.parallelism = parallelism;
  stage.chain.push_back({vertex_of(stage.id), {}});
  return stage;
}

TaskEdge make_edge(std::uint32_t from, std::uint32_t to, const TaskGraph& graph, Random& random) {
  TaskEdge edge;
  edge.from = StageId(from);
  edge.to = StageId(to);
  edge.exchange =
      pick_exchange(random, graph.stages[from].parallelism, graph.stages[to].parallelism);
  edge.blocking = random.chance(3, 5);
  return edge;
}

void add_stages(ModelJob& job, Random& random) {
  const auto sources = static_cast<std::uint32_t>(1 + random.below(2));
  const auto stages = static_cast<std::uint32_t>(sources + 1 + random.below(3));
  for (std::uint32_t i = 0; i < stages; ++i) {
    const auto width = static_cast<std::uint32_t>(random.chance(1, 6) ? 1 : 1 + random.below(4));
    job.graph.stages.push_back(make_stage(i, width));
    ModelStage stage;
    stage.factor = 1 + random.below(5);
    stage.sums = i >= sources && random.chance(1, 2);
    stage.scatters = random.chance(1, 4);
    job.stages.push_back(stage);
    Stage& made = job.graph.stages.back();
    for (std::uint32_t subtask = 0; i < sources && subtask < width; ++subtask) {
      auto& splits = made.splits.emplace_back();
      for (std::uint64_t n = 1 + random.below(2); n > 0; --n) splits.push_back(make_split(random));
    }
    if (i < sources) continue;
    // Everything that has no consumer yet may get one; some stay sinks of their own.
    job.graph.edges.push_back(
        make_edge(static_cast<std::uint32_t>(random.below(i)), i, job.graph, random));
    if (random.chance(1, 2)) {
      job.graph.edges.push_back(
          make_edge(static_cast<std::uint32_t>(random.below(i)), i, job.graph, random));
    }
  }
}

void add_failures(ModelJob& job, Random& random) {
  const auto any_task = [&] {
    const Stage& stage = job.graph.stages[random.below(job.graph.stages.size())];
    return TaskId{stage.id, static_cast<std::uint32_t>(random.below(stage.parallelism))};
  };
  if (random.chance(1, 6)) job.fail_once[any_task()] = FailureClass::resource;
  if (random.chance(1, 6)) job.fail_once[any_task()] = FailureClass::internal;
  if (random.chance(1, 25)) job.always_fails = any_task();
}

}  // namespace

ModelJob make_model_job(std::uint64_t number, Random& random) {
  ModelJob job;
  job.plan = fmt::format("model-{}", number);
  job.parallelism = static_cast<std::uint32_t>(1 + random.below(4));
  add_stages(job, random);
  // Two stages that run together while one waits for the other would wait for ever: a planner
  // never makes that, so neither does the model.
  if (!TaskTopology::make(job.graph)) {
    for (TaskEdge& edge : job.graph.edges) edge.blocking = true;
  }
  add_failures(job, random);
  return job;
}

Submission submission_of(const ModelJob& job, const std::string& key) {
  Submission submission;
  submission.job = JobName(job.plan);
  submission.plan = std::make_shared<const std::string>(job.plan);
  submission.hash = job.plan;
  submission.by = "sim";
  submission.key = key;
  submission.nonce = std::hash<std::string>()(key);
  submission.target = {job.parallelism, true};
  submission.settings.restart.attempts = 10'000;
  submission.settings.restart.initial_delay = 50ms;
  submission.settings.restart.max_delay = 500ms;
  return submission;
}

std::string vertex_of(StageId stage) { return fmt::format("v{}", stage); }

std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

Rows rows_of(const Split& split) {
  std::uint64_t seed = 0, count = 0;
  const char* const end = split.detail.data() + split.detail.size();
  const auto after = std::from_chars(split.detail.data(), end, seed).ptr;
  std::from_chars(after + 1, end, count);
  Rows rows;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t bits = mix(seed + i);
    rows.push_back({static_cast<std::uint32_t>(bits % keys), bits >> 8});
  }
  return rows;
}

std::vector<Rows> partition(const Rows& rows, const TaskEdge& edge, const TaskGraph& graph,
                            std::uint32_t from, std::uint64_t chance) {
  const std::uint32_t consumers = graph.stage(edge.to).parallelism;
  std::vector<Rows> parts(consumers);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    switch (edge.exchange) {
      case ExchangeKind::forward:
        parts[from].push_back(rows[i]);
        break;
      case ExchangeKind::broadcast:
        for (Rows& part : parts) part.push_back(rows[i]);
        break;
      case ExchangeKind::rebalance:
        parts[(i + chance) % consumers].push_back(rows[i]);
        break;
      case ExchangeKind::gather:
        parts[0].push_back(rows[i]);
        break;
      default:
        parts[rows[i].key % consumers].push_back(rows[i]);
    }
  }
  return parts;
}

PartitionSummary summary_of(const Rows& rows) {
  PartitionSummary summary;
  for (const ModelRow& row : rows) {
    ++summary.rows;
    summary.hash += mix(mix(row.key + 1) ^ row.value);
  }
  return summary;
}

void add(Totals& totals, const Rows& rows) {
  for (const ModelRow& row : rows) totals[row.key] += row.value;
}

std::map<std::string, Totals> ModelJob::expected() const {
  std::map<std::string, Totals> sinks;
  std::vector<Totals> made(graph.stages.size());
  for (const Stage& stage : graph.stages) {
    const std::uint32_t number = stage.id.value();
    Totals& totals = made[number];
    for (const auto& subtask : stage.splits) {
      for (const Split& split : subtask) add(totals, rows_of(split));
    }
    bool is_sink = true;
    for (const TaskEdge& edge : graph.edges) {
      if (edge.from == stage.id) is_sink = false;
      if (edge.to != stage.id) continue;
      const bool copied = edge.exchange == ExchangeKind::broadcast;
      for (const auto& [key, value] : made[edge.from.value()]) {
        totals[key] += value * (copied ? stage.parallelism : 1);
      }
    }
    for (auto& [key, value] : totals) value *= stages[number].factor;
    if (is_sink) sinks[vertex_of(stage.id)] = totals;
  }
  return sinks;
}

}  // namespace troupe::sim
