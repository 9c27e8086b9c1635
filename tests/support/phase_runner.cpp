#include "tests/support/phase_runner.hpp"

#include "runtime/data/key_group.hpp"
#include "runtime/data/key_hash.hpp"
#include "runtime/data/take.hpp"

#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <random>

namespace troupe {

namespace {

struct Emitted {
  Batch batch;
  std::int64_t partition = -1;  ///< of `emit_to`
};

/// What one phase has emitted: [port][subtask].
using PhaseOutput = std::vector<std::vector<std::vector<Emitted>>>;

void check_emitted(const Batch& batch, const SchemaPtr& declared) {
  ENSURE(batch.rows() <= batch_rows_max, "a batch of {} rows was emitted", batch.rows());
  const auto& schema = batch.columns()->schema();
  ENSURE(schema->num_fields() == declared->num_fields(), "emitted {}, declared {}",
         schema->ToString(), declared->ToString());
  for (int i = 0; i < schema->num_fields(); ++i) {
    ENSURE(schema->field(i)->name() == declared->field(i)->name() &&
               logical_type(batch.columns()->column(i)->type())
                   ->Equals(logical_type(declared->field(i)->type())),
           "emitted column {}, declared {}", schema->field(i)->ToString(),
           declared->field(i)->ToString());
  }
  const auto valid = batch.columns()->ValidateFull();
  ENSURE(valid.ok(), "an invalid batch was emitted: {}", valid.ToString());
}

class Collector final : public Emitter {
 public:
  Collector(const Phase& phase, PhaseOutput& output, std::uint32_t subtask, bool check)
      : phase_(phase), output_(output), subtask_(subtask), check_(check) {}

  void emit(Batch batch, int port) override { keep(std::move(batch), port, -1); }
  void emit_to(std::uint32_t partition, Batch batch) override {
    keep(std::move(batch), 0, partition);
  }

 private:
  void keep(Batch batch, int port, std::int64_t partition) {
    if (batch.rows() == 0) return;
    if (check_) {
      const SchemaPtr& visible = phase_.outputs.at(static_cast<std::size_t>(port));
      check_emitted(batch, with_hidden(visible, phase_.flow(port)));
    }
    output_.at(static_cast<std::size_t>(port))
        .at(subtask_)
        .push_back({std::move(batch), partition});
  }

  const Phase& phase_;
  PhaseOutput& output_;
  const std::uint32_t subtask_;
  const bool check_;
};

/// The rows of `batch` that a hash exchange sends to each of `receivers`.
std::vector<Batch> split_by_key(const Batch& batch, const std::vector<int>& keys,
                                std::uint32_t receivers) {
  std::vector<std::vector<std::uint32_t>> chosen(receivers);
  std::vector<std::uint64_t> hashes;
  const auto hashed = hash_keys(batch, keys, hashes);
  ENSURE(hashed.ok(), "{}", hashed.error().to_string());
  for (std::uint32_t i = 0; i < hashes.size(); ++i) {
    chosen[owner_of(key_group_of(hashes[i]), receivers)].push_back(i);
  }
  std::vector<Batch> parts;
  for (const auto& rows : chosen) parts.push_back(take(batch, rows).value());
  return parts;
}

/// What one subtask receives on one input: a queue for each producer.
std::vector<std::deque<Batch>> channels_of(const PhaseInput& input,
                                           const std::vector<std::vector<Emitted>>& producers,
                                           std::uint32_t subtask, std::uint32_t parallelism) {
  std::vector<std::deque<Batch>> channels(producers.size());
  const bool one_to_one = producers.size() == parallelism;
  for (std::size_t p = 0; p < producers.size(); ++p) {
    std::uint32_t next = static_cast<std::uint32_t>(p);
    for (const Emitted& item : producers[p]) {
      bool mine = false;
      switch (input.exchange) {
        case ExchangeKind::forward:
          ENSURE(one_to_one, "forward from {} subtasks to {}", producers.size(), parallelism);
          mine = p == subtask;
          break;
        case ExchangeKind::rebalance:
          mine = next++ % parallelism == subtask;
          break;
        case ExchangeKind::range:
          ENSURE(item.partition >= 0 && item.partition < parallelism,
                 "a range exchange needs emit_to a receiver");
          mine = item.partition == subtask;
          break;
        case ExchangeKind::gather:
          ENSURE(parallelism == 1, "gather to {}", parallelism);
          [[fallthrough]];
        case ExchangeKind::broadcast:
          mine = true;
          break;
        case ExchangeKind::hash: {
          auto part = split_by_key(item.batch, input.keys, parallelism)[subtask];
          if (part.rows() > 0) channels[p].push_back(std::move(part));
          break;
        }
      }
      if (mine) channels[p].push_back(item.batch);
    }
  }
  return channels;
}

/// Calls until the operator says done.
Result<> to_the_end(const std::function<Result<Step>()>& call) {
  for (int calls = 0;; ++calls) {
    ENSURE(calls < 10'000'000, "an operator that never says done");
    if (TRY(call()) == Step::done) return {};
  }
}

Result<> run_subtask(Operator& op, const Phase& phase, Collector& out,
                     std::vector<std::vector<std::deque<Batch>>> inputs,
                     const std::vector<int>& early_inputs, std::mt19937& random) {
  std::vector<bool> ended(inputs.size());
  for (std::size_t open = inputs.size(); open > 0;) {
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!ended[i] && op.wants(static_cast<int>(i))) wanted.push_back(i);
    }
    ENSURE(!wanted.empty(), "no open input of {} is wanted", phase.name);
    for (const int early : early_inputs) {
      ENSURE(op.wants(early), "{} does not want its early input {}", phase.name, early);
    }
    const std::size_t input = wanted[random() % wanted.size()];
    std::vector<std::deque<Batch>*> ready;
    for (auto& channel : inputs[input]) {
      if (!channel.empty()) ready.push_back(&channel);
    }
    if (ready.empty() || op.satisfied()) {
      ended[input] = true;
      --open;
      TRY(op.end_of_input(static_cast<int>(input), out));
      continue;
    }
    const bool in_order = phase.inputs[input].exchange == ExchangeKind::gather;
    auto& channel = *ready[in_order ? 0 : random() % ready.size()];
    const Batch batch = channel.front();
    channel.pop_front();
    TRY(to_the_end([&] { return op.process(static_cast<int>(input), batch, out); }));
  }
  return to_the_end([&] { return op.drain(out); });
}

/// What one subtask receives: [input][producer].
using Received = std::vector<std::vector<std::deque<Batch>>>;

/// The phases of one plan, one after the other.
class PhaseRunner {
 public:
  PhaseRunner(const OperatorPlan& plan, const std::vector<Streams>& inputs, const PhaseRun& run)
      : plan_(plan), run_(run), random_(run.seed) {
    for (const Streams& streams : inputs) given_.push_back(emitted(streams));
  }

  Result<Streams> run() {
    for (std::size_t p = 0; p < plan_.phases.size(); ++p) outputs_.push_back(TRY(run_phase(p)));
    Streams result;
    for (const auto& items : outputs_.back().front()) {
      result.emplace_back();
      for (const Emitted& item : items) result.back().push_back(item.batch);
    }
    return result;
  }

 private:
  static std::vector<std::vector<Emitted>> emitted(const Streams& streams) {
    std::vector<std::vector<Emitted>> all;
    for (const Stream& stream : streams) {
      all.emplace_back();
      for (const Batch& batch : stream) all.back().push_back({batch, -1});
    }
    return all;
  }

  std::uint32_t parallelism_of(const Phase& phase) const {
    return std::min(run_.parallelism, phase.parallelism_max.value_or(run_.parallelism));
  }

  /// How many subtasks read port 0 of phase `p`.
  std::uint32_t receivers_of(std::size_t p) const {
    std::uint32_t receivers = run_.parallelism;
    for (std::size_t later = p + 1; later < plan_.phases.size(); ++later) {
      for (const PhaseInput& input : plan_.phases[later].inputs) {
        const bool reads = input.origin == PhaseInput::Origin::phase &&
                           input.index == static_cast<int>(p) && input.port == 0;
        if (reads) receivers = parallelism_of(plan_.phases[later]);
      }
    }
    return receivers;
  }

  OperatorContext context_of(std::size_t p, std::uint32_t subtask) {
    OperatorContext context;
    context.subtask = subtask;
    context.parallelism = parallelism_of(plan_.phases[p]);
    context.output_partitions = receivers_of(p);
    context.memory = run_.memory != nullptr ? run_.memory : &plenty_;
    context.scratch_directory = fmt::format("{}/{}.{}", run_.scratch_directory, p, subtask);
    context.files = run_.files;
    if (p + 1 == plan_.phases.size()) context.early_inputs = run_.early_inputs;
    return context;
  }

  Received received_by(const Phase& phase, std::uint32_t subtask) const {
    Received received;
    for (const PhaseInput& input : phase.inputs) {
      const auto index = static_cast<std::size_t>(input.index);
      const auto& producers = input.origin == PhaseInput::Origin::phase
                                  ? outputs_.at(index).at(static_cast<std::size_t>(input.port))
                                  : given_.at(index);
      received.push_back(channels_of(input, producers, subtask, parallelism_of(phase)));
    }
    return received;
  }

  Result<PhaseOutput> run_phase(std::size_t p) {
    const Phase& phase = plan_.phases[p];
    const std::uint32_t parallelism = parallelism_of(phase);
    PhaseOutput output(phase.outputs.size());
    for (auto& port : output) port.resize(parallelism);
    for (std::uint32_t subtask = 0; subtask < parallelism; ++subtask) {
      const OperatorContext context = context_of(p, subtask);
      auto op = TRY(phase.make_operator());
      TRY(op->open(context));
      Collector out(phase, output, subtask, run_.check);
      TRY(run_subtask(*op, phase, out, received_by(phase, subtask), context.early_inputs, random_));
    }
    return output;
  }

  const OperatorPlan& plan_;
  const PhaseRun& run_;
  MemoryBudget plenty_{std::int64_t{4} << 30};
  std::mt19937 random_;
  std::vector<std::vector<std::vector<Emitted>>> given_;  ///< [input][subtask]
  std::vector<PhaseOutput> outputs_;                      ///< of the phases so far
};

}  // namespace

Result<Streams> run_phases(const OperatorPlan& plan, const std::vector<Streams>& inputs,
                           const PhaseRun& run) {
  return PhaseRunner(plan, inputs, run).run();
}

}  // namespace troupe
