#include "deploy/cli/collected_rows.hpp"

#include "runtime/base/json.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <functional>
#include <mutex>
#include <utility>

namespace troupe {
namespace {

constexpr const char* collect = "collect";
constexpr const char* of_operator = "operator";

}  // namespace

/// Tasks stage rows under the name of their attempt; a commit moves them to their operator.
class CollectedRows::Store {
 public:
  void stage(const std::string& attempt, std::vector<Batch> rows) {
    const std::lock_guard lock(mutex_);
    staged_[attempt] = std::move(rows);
  }
  void commit(const std::string& id, const std::vector<Committable>& staged) {
    const std::lock_guard lock(mutex_);
    auto& rows = committed_[id];
    for (const Committable& attempt : staged) {
      auto found = staged_.extract(attempt.detail);
      if (found.empty()) continue;  // committed before
      for (Batch& batch : found.mapped()) rows.push_back(std::move(batch));
    }
  }
  std::map<std::string, std::vector<Batch>> take() {
    const std::lock_guard lock(mutex_);
    staged_.clear();
    return std::exchange(committed_, {});
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<Batch>> staged_, committed_;
};

namespace {

class CollectWriter final : public SinkWriter {
 public:
  using Stage = std::function<void(const std::string& name, std::vector<Batch> rows)>;
  CollectWriter(std::string attempt, Stage stage)
      : attempt_(std::move(attempt)), stage_(std::move(stage)) {}

  Result<> write(const Batch& batch) override {
    rows_ += batch.rows();
    batches_.push_back(batch);
    return {};
  }
  Result<std::vector<Committable>> prepare(Epoch epoch) override {
    const std::string name = fmt::format("{}/{}", attempt_, epoch);
    stage_(name, std::exchange(batches_, {}));
    return std::vector<Committable>{{name, std::exchange(rows_, 0)}};
  }

 private:
  const std::string attempt_;
  const Stage stage_;
  std::vector<Batch> batches_;
  std::int64_t rows_ = 0;
};

class CollectSink final : public Sink {
 public:
  CollectSink(std::shared_ptr<CollectedRows::Store> store, std::string id)
      : store_(std::move(store)), id_(std::move(id)) {}

  Result<std::unique_ptr<SinkWriter>> open(const SinkContext& context) override {
    const std::string attempt = fmt::format("{}/{}", id_, context.tag);
    return std::unique_ptr<SinkWriter>(std::make_unique<CollectWriter>(
        attempt, [store = store_](const std::string& name, std::vector<Batch> rows) {
          store->stage(name, std::move(rows));
        }));
  }
  Result<> commit(const SinkCommit&, const std::vector<Committable>& staged) override {
    store_->commit(id_, staged);
    return {};
  }
  Result<> clean_up(const std::string&) override { return {}; }

 private:
  const std::shared_ptr<CollectedRows::Store> store_;
  const std::string id_;
};

class CollectKind final : public OperatorKind {
 public:
  explicit CollectKind(std::shared_ptr<CollectedRows::Store> store) : store_(std::move(store)) {}

  const OperatorDescription& description() const override { return description_; }
  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    Phase phase;
    phase.name = collect;
    phase.inputs = {PhaseInput{}};
    phase.outputs = {inputs.front().schema};
    phase.make_sink = [store = store_,
                       id = options.text(of_operator)]() -> Result<std::shared_ptr<Sink>> {
      return std::shared_ptr<Sink>(std::make_shared<CollectSink>(store, id));
    };
    OperatorPlan plan;
    plan.phases = {std::move(phase)};
    return plan;
  }

 private:
  const OperatorDescription description_{
      .name = collect,
      .role = OperatorRole::sink,
      .parameters = {{.name = of_operator, .type = ParameterType::text, .required = true}}};
  const std::shared_ptr<CollectedRows::Store> store_;
};

}  // namespace

CollectedRows::CollectedRows() : store_(std::make_shared<Store>()) {}
CollectedRows::~CollectedRows() = default;

void CollectedRows::add_to(OperatorRegistry& registry) const {
  registry.add(std::make_unique<CollectKind>(store_));
}

JobGraph CollectedRows::collecting(JobGraph graph, const std::set<std::string>& operators) const {
  for (const std::string& id : operators) {
    JobVertex sink{fmt::format("{}.{}", id, collect), collect,
                   std::make_shared<const Json>(Json{{of_operator, id}})};
    sink.inputs = {{id}};
    graph.vertices.push_back(std::move(sink));
  }
  return graph;
}

std::map<std::string, std::vector<Batch>> CollectedRows::take() { return store_->take(); }

}  // namespace troupe
