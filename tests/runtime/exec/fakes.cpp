#include "tests/runtime/exec/fakes.hpp"

#include "runtime/base/ensure.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

thread_local bool one_thread = false;
thread_local bool plays_io = false;

template <class Op, class... Args>
Phase operator_phase(std::string name, Args... args) {
  Phase phase;
  phase.name = std::move(name);
  phase.make_operator = [args...]() -> Result<std::unique_ptr<Operator>> {
    return std::unique_ptr<Operator>(std::make_unique<Op>(args...));
  };
  return phase;
}

class Repeat : public Operator {
 public:
  explicit Repeat(int times) : times_(times) {}
  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    out.emit(batch);
    if (++done_ < times_) return Step::again;
    done_ = 0;
    return Step::done;
  }

 private:
  const int times_;
  int done_ = 0;
};

class Filter : public Operator {
 public:
  explicit Filter(std::int64_t modulus) : modulus_(modulus) {}
  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    auto values = values_of(batch);
    std::erase_if(values, [&](std::int64_t n) { return n % modulus_ != 0; });
    out.emit(numbers(values));
    return Step::done;
  }

 private:
  const std::int64_t modulus_;
};

class Hold : public Operator {
 public:
  Result<Step> process(int, const Batch& batch, Emitter&) override {
    held_.push_back(batch);
    return Step::done;
  }
  Result<Step> drain(Emitter& out) override {
    if (next_ < held_.size()) out.emit(held_[next_++]);
    return next_ < held_.size() ? Step::again : Step::done;
  }

 private:
  std::vector<Batch> held_;
  std::size_t next_ = 0;
};

class Blocking : public Operator {
 public:
  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    ENSURE(plays_io || !one_thread, "an operator that blocks was called on a worker");
    out.emit(batch);
    return Step::done;
  }
  bool blocks() const override { return true; }
};

class InOrder : public Operator {
 public:
  Result<Step> process(int input, const Batch& batch, Emitter& out) override {
    ENSURE(input == current_, "input {} came before its turn", input);
    out.emit(batch);
    return Step::done;
  }
  Result<> end_of_input(int, Emitter&) override {
    ++current_;
    return {};
  }
  bool wants(int input) const override { return input == current_; }

 private:
  int current_ = 0;
};

class Limit : public Operator {
 public:
  explicit Limit(std::int64_t limit) : left_(limit) {}
  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    auto rows = std::min(left_, batch.rows());
    left_ -= rows;
    out.emit(Batch(batch.columns()->Slice(0, rows)));
    return Step::done;
  }
  bool satisfied() const override { return left_ == 0; }

 private:
  std::int64_t left_;
};

class Failing : public Operator {
 public:
  explicit Failing(std::int64_t value) : value_(value) {}
  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    auto values = values_of(batch);
    if (std::find(values.begin(), values.end(), value_) != values.end()) {
      return make_error(ErrorCode::invalid_argument, "{} is not a number we like", value_);
    }
    out.emit(batch);
    return Step::done;
  }

 private:
  const std::int64_t value_;
};

class RangeReader : public BatchReader {
 public:
  RangeReader(std::int64_t from, int batches, std::int64_t rows)
      : next_(from), left_(batches), rows_(rows) {}
  Result<Batch> next() override {
    if (left_ == 0) return Batch();
    --left_;
    auto batch = number_range(next_, rows_);
    next_ += rows_;
    return batch;
  }

 private:
  std::int64_t next_;
  int left_;
  const std::int64_t rows_;
};

}  // namespace

Batch numbers(const std::vector<std::int64_t>& values) {
  arrow::Int64Builder builder;
  ENSURE(builder.AppendValues(values).ok(), "out of memory");
  auto schema = arrow::schema({arrow::field("n", arrow::int64())});
  return Batch(arrow::RecordBatch::Make(schema, static_cast<std::int64_t>(values.size()),
                                        {builder.Finish().ValueOrDie()}));
}

Batch number_range(std::int64_t from, std::int64_t count) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(from + i);
  return numbers(values);
}

std::vector<std::int64_t> values_of(const Batch& batch) {
  const auto& column = static_cast<const arrow::Int64Array&>(*batch.columns()->column(0));
  return {column.raw_values(), column.raw_values() + column.length()};
}

OneThread::OneThread() { one_thread = true; }
OneThread::~OneThread() { one_thread = false; }
void OneThread::play_io(const std::function<void()>& work) {
  plays_io = true;
  work();
  plays_io = false;
}

class FakeSink::Writer : public SinkWriter {
 public:
  Writer(FakeSink& sink, std::string tag) : sink_(sink), tag_(std::move(tag)) {}
  Result<> write(const Batch& batch) override {
    std::lock_guard lock(sink_.mutex_);
    for (auto value : values_of(batch)) rows_.push_back(value);
    sink_.written_ += static_cast<std::size_t>(batch.rows());
    if (sink_.fail_after >= 0 && static_cast<std::int64_t>(rows_.size()) > sink_.fail_after) {
      return make_error(ErrorCode::unavailable, "the disk is full");
    }
    return {};
  }
  Result<std::vector<Committable>> prepare(Epoch) override {
    std::lock_guard lock(sink_.mutex_);
    auto rows = static_cast<std::int64_t>(rows_.size());
    sink_.staged_[tag_] = std::move(rows_);
    return std::vector<Committable>{{tag_, rows}};
  }

 private:
  FakeSink& sink_;
  const std::string tag_;
  std::vector<std::int64_t> rows_;
};

Result<std::unique_ptr<SinkWriter>> FakeSink::open(const SinkContext& context) {
  return std::unique_ptr<SinkWriter>(std::make_unique<Writer>(*this, context.tag));
}

Result<> FakeSink::commit(const SinkCommit&, const std::vector<Committable>& staged) {
  std::lock_guard lock(mutex_);
  ++commits;
  for (const auto& part : staged) {
    const auto& rows = staged_.at(part.detail);
    committed_.insert(committed_.end(), rows.begin(), rows.end());
  }
  return {};
}

Result<> FakeSink::clean_up(const std::string&) {
  std::lock_guard lock(mutex_);
  ++clean_ups;
  staged_.clear();
  return {};
}

std::vector<std::int64_t> FakeSink::rows() const {
  std::lock_guard lock(mutex_);
  auto rows = committed_;
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::size_t FakeSink::written() const {
  std::lock_guard lock(mutex_);
  return written_;
}

Result<std::vector<Split>> FakeSource::splits(std::uint32_t wanted) {
  std::vector<Split> splits;
  for (std::uint32_t i = 0; i < wanted; ++i) splits.push_back({std::to_string(i), 1, -1});
  return splits;
}

Result<std::unique_ptr<BatchReader>> FakeSource::open(const Split& split) {
  auto from = std::stoll(split.detail) * 1'000'000;
  return std::unique_ptr<BatchReader>(std::make_unique<RangeReader>(from, batches_, rows_));
}

Phase source_phase(int batches, std::int64_t rows) {
  Phase phase;
  phase.name = "source";
  phase.make_source = [=]() -> Result<std::shared_ptr<Source>> {
    return std::shared_ptr<Source>(std::make_shared<FakeSource>(batches, rows));
  };
  return phase;
}

Phase sink_phase(std::shared_ptr<FakeSink> sink) {
  Phase phase;
  phase.name = "sink";
  phase.make_sink = [sink]() -> Result<std::shared_ptr<Sink>> { return {sink}; };
  return phase;
}

Phase repeat_phase(int times) { return operator_phase<Repeat>("repeat", times); }
Phase filter_phase(std::int64_t modulus) { return operator_phase<Filter>("filter", modulus); }
Phase hold_phase() { return operator_phase<Hold>("hold"); }
Phase blocking_phase() { return operator_phase<Blocking>("blocking"); }
Phase in_order_phase() { return operator_phase<InOrder>("in order"); }
Phase limit_phase(std::int64_t limit) { return operator_phase<Limit>("limit", limit); }
Phase failing_phase(std::int64_t value) { return operator_phase<Failing>("failing", value); }

StageId add_stage(TaskGraph& graph, std::uint32_t parallelism, std::vector<Phase> chain) {
  Stage stage;
  stage.id = StageId(static_cast<std::uint32_t>(graph.stages.size()));
  stage.parallelism = parallelism;
  for (std::uint32_t i = 0; i < parallelism; ++i) {
    stage.splits.push_back({Split{std::to_string(i), 1, -1}});
  }
  for (std::size_t i = 0; i < chain.size(); ++i) {
    stage.chain.push_back({fmt::format("{}.{}", stage.id, i), std::move(chain[i])});
  }
  graph.stages.push_back(std::move(stage));
  return graph.stages.back().id;
}

void add_edge(TaskGraph& graph, StageId from, StageId to, ExchangeKind exchange, int input) {
  TaskEdge edge;
  edge.from = from;
  edge.to = to;
  edge.to_input = input;
  edge.exchange = exchange;
  if (exchange == ExchangeKind::hash) edge.keys = {0};
  graph.edges.push_back(std::move(edge));
}

}  // namespace troupe
