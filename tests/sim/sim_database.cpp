#include "tests/sim/sim_database.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <utility>

namespace troupe::sim {
namespace {

Error no_answer() { return make_error(ErrorCode::unavailable, "the database does not answer"); }

/// The lines are the committable, as those of few rows are that go to a real one.
class DatabaseWriter final : public SinkWriter {
 public:
  Result<> write(const Batch& batch) override {
    for (std::int64_t row = 0; row < batch.rows(); ++row) {
      for (int column = 0; column < batch.columns()->num_columns(); ++column) {
        const auto& numbers =
            static_cast<const arrow::Int64Array&>(*batch.columns()->column(column));
        lines_ += fmt::format("{}{}", column > 0 ? "," : "", numbers.Value(row));
      }
      lines_ += '\n';
    }
    rows_ += batch.rows();
    return {};
  }

  Result<std::vector<Committable>> prepare(Epoch) override {
    if (lines_.empty()) return std::vector<Committable>();
    return std::vector{
        Committable{.detail = std::exchange(lines_, {}), .rows = std::exchange(rows_, 0)}};
  }

 private:
  std::string lines_;
  std::int64_t rows_ = 0;
};

class DatabaseSink final : public Sink {
 public:
  explicit DatabaseSink(Database& database) : database_(database) {}
  Result<std::unique_ptr<SinkWriter>> open(const SinkContext&) override {
    return std::unique_ptr<SinkWriter>(std::make_unique<DatabaseWriter>());
  }
  Result<> commit(const SinkCommit& what, const std::vector<Committable>& staged) override {
    return database_.commit(what, staged);
  }
  Result<> clean_up(const std::string&) override { return {}; }

 private:
  Database& database_;
};

class DatabaseKind final : public OperatorKind {
 public:
  explicit DatabaseKind(std::function<Database&(std::int64_t)> database)
      : database_(std::move(database)) {}
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    Phase phase{"sim.database", {PhaseInput()}, {inputs.front().schema}};
    phase.make_sink = [&database = database_(options.integer("number"))] {
      return Result<std::shared_ptr<Sink>>(std::make_shared<DatabaseSink>(database));
    };
    OperatorPlan plan;
    plan.phases.push_back(std::move(phase));
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "sim.database",
      .summary = "Writes lines to a simulated database.",
      .role = OperatorRole::sink,
      .parameters = {
          {.name = "number", .type = ParameterType::integer, .help = "Which.", .required = true}}};
  const std::function<Database&(std::int64_t)> database_;
};

}  // namespace

Result<> Database::commit(const SinkCommit& what, const std::vector<Committable>& staged) {
  if (away_) return no_answer();
  std::string text;
  for (const Committable& one : staged) text += one.detail;
  const Fate fate = hands_.fate();
  if (fate == Fate::late || fate == Fate::twice) {
    // Nobody hears what becomes of it.
    hands_.later([this, what, text] { static_cast<void>(transact(what, text).ok()); });
  }
  if (fate == Fate::late) return no_answer();
  const Result<> done = transact(what, text);
  return fate == Fate::answer_lost ? Result<>(no_answer()) : done;
}

Result<> Database::transact(const SinkCommit& what, const std::string& text) {
  Epoch& marker = markers_[what.marker];
  if (!faults_.marker_ignored) {
    if (marker >= what.epoch) return {};
    if (marker != what.previous) {
      return make_error(ErrorCode::conflict, "epoch {} of '{}' comes after {}, and {} is there",
                        what.epoch, what.marker, what.previous, marker);
    }
  }
  commits_[what.marker].push_back({what.epoch, what.previous, text});
  hands_.changed(what.marker);
  if (faults_.marker_apart && hands_.fate() != Fate::done) return no_answer();
  marker = what.epoch;
  return {};
}

const std::vector<DatabaseCommit>& Database::commits(const std::string& marker) const {
  static const std::vector<DatabaseCommit> none;
  const auto found = commits_.find(marker);
  return found == commits_.end() ? none : found->second;
}

void register_sim_database(OperatorRegistry& registry,
                           std::function<Database&(std::int64_t)> database) {
  registry.add(std::make_unique<DatabaseKind>(std::move(database)));
}

}  // namespace troupe::sim
