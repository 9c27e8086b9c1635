#pragma once

#include "runtime/data/key_group.hpp"
#include "runtime/data/key_hash.hpp"
#include "runtime/data/take.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/os/own_files.hpp"
#include "tests/support/rows.hpp"

#include <deque>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace troupe {

/// Runs the phases of an operator in one thread, with exchanges in memory: each phase to its end
/// before the next one starts. It keeps the promises that the task runtime makes to an operator
/// (`wants`, `again`, `satisfied`, the order of a gather) and checks those that an operator makes:
/// batches of the declared schema, none too large, some open input always wanted.
///
///   const auto output = run_phases(plan, {left, right}, {.parallelism = 3}).value();
struct PhaseRun {
  std::uint32_t parallelism = 2;
  MemoryBudget* memory = nullptr;  ///< default: 4 GiB
  std::string scratch_directory = {};
  FileSystem* files = &own_files();    ///< what it is on
  std::uint32_t seed = 1;              ///< decides which input's batch comes next
  std::vector<int> early_inputs = {};  ///< of the last phase: they are to be wanted at any time
  bool check = true;                   ///< every value of every emitted batch; off for benchmarks
};

using Stream = std::vector<Batch>;    ///< of one subtask
using Streams = std::vector<Stream>;  ///< of all subtasks

namespace detail {

struct Emitted {
  Batch batch;
  std::int64_t partition = -1;  ///< of `emit_to`
};

/// What one phase has emitted: [port][subtask].
using PhaseOutput = std::vector<std::vector<std::vector<Emitted>>>;

inline void check_emitted(const Batch& batch, const SchemaPtr& declared) {
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
    if (check_) check_emitted(batch, phase_.outputs.at(static_cast<std::size_t>(port)));
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
inline std::vector<Batch> split_by_key(const Batch& batch, const std::vector<int>& keys,
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
inline std::vector<std::deque<Batch>> channels_of(
    const PhaseInput& input, const std::vector<std::vector<Emitted>>& producers,
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
inline Result<> to_the_end(const std::function<Result<Step>()>& call) {
  for (int calls = 0;; ++calls) {
    ENSURE(calls < 10'000'000, "an operator that never says done");
    if (TRY(call()) == Step::done) return {};
  }
}

inline Result<> run_subtask(Operator& op, const Phase& phase, Collector& out,
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

}  // namespace detail

/// `inputs[i][s]`: what subtask s of the producer of input i has emitted. The result is what each
/// subtask of the last phase emits on port 0.
inline Result<Streams> run_phases(const OperatorPlan& plan, const std::vector<Streams>& inputs,
                                  const PhaseRun& run = {}) {
  MemoryBudget plenty(std::int64_t{4} << 30);
  std::mt19937 random(run.seed);
  const auto parallelism_of = [&](const Phase& phase) {
    return std::min(run.parallelism, phase.parallelism_max.value_or(run.parallelism));
  };
  std::vector<std::vector<std::vector<detail::Emitted>>> given;
  for (const Streams& streams : inputs) {
    given.emplace_back();
    for (const Stream& stream : streams) {
      given.back().emplace_back();
      for (const Batch& batch : stream) given.back().back().push_back({batch, -1});
    }
  }
  std::vector<detail::PhaseOutput> outputs;
  for (std::size_t p = 0; p < plan.phases.size(); ++p) {
    const Phase& phase = plan.phases[p];
    const std::uint32_t parallelism = parallelism_of(phase);
    std::uint32_t receivers = run.parallelism;
    for (std::size_t later = p + 1; later < plan.phases.size(); ++later) {
      for (const PhaseInput& input : plan.phases[later].inputs) {
        if (input.origin == PhaseInput::Origin::phase && input.index == static_cast<int>(p) &&
            input.port == 0) {
          receivers = parallelism_of(plan.phases[later]);
        }
      }
    }
    detail::PhaseOutput output(phase.outputs.size());
    for (auto& port : output) port.resize(parallelism);
    for (std::uint32_t subtask = 0; subtask < parallelism; ++subtask) {
      OperatorContext context;
      context.subtask = subtask;
      context.parallelism = parallelism;
      context.output_partitions = receivers;
      context.memory = run.memory != nullptr ? run.memory : &plenty;
      context.scratch_directory = fmt::format("{}/{}.{}", run.scratch_directory, p, subtask);
      context.files = run.files;
      if (p + 1 == plan.phases.size()) context.early_inputs = run.early_inputs;
      std::vector<std::vector<std::deque<Batch>>> received;
      for (const PhaseInput& input : phase.inputs) {
        const auto index = static_cast<std::size_t>(input.index);
        const bool own = input.origin == PhaseInput::Origin::phase;
        const auto& producers =
            own ? outputs.at(index).at(static_cast<std::size_t>(input.port)) : given.at(index);
        received.push_back(detail::channels_of(input, producers, subtask, parallelism));
      }
      auto op = TRY(phase.make_operator());
      TRY(op->open(context));
      detail::Collector out(phase, output, subtask, run.check);
      TRY(detail::run_subtask(*op, phase, out, std::move(received), context.early_inputs, random));
    }
    outputs.push_back(std::move(output));
  }
  Streams result;
  for (const auto& items : outputs.back().front()) {
    result.emplace_back();
    for (const detail::Emitted& item : items) result.back().push_back(item.batch);
  }
  return result;
}

}  // namespace troupe
