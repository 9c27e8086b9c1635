#pragma once

#include "runtime/operator/needed_values.hpp"
#include "runtime/operator/operator.hpp"
#include "runtime/operator/reservation.hpp"
#include "runtime/operator/state_table.hpp"
#include "runtime/ops/join/join_overflow.hpp"
#include "runtime/ops/join/join_spec.hpp"
#include "runtime/ops/join/join_table.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace troupe {

/// One subtask of a join: reads all of its right side (input 1), then probes it with the left one.
/// Where the memory budget refuses the right side, both sides go through `JoinOverflow`.
///
/// Left rows that must be early are held until the right side has ended, in memory; where that is
/// refused, they go through `JoinOverflow`, too.
class JoinOperator final : public Operator, public NarrowsInput {
 public:
  explicit JoinOperator(std::shared_ptr<const JoinSpec> spec) : spec_(std::move(spec)) {}

  Result<> open(const OperatorContext& context) override;
  Result<Step> process(int input, const Batch& batch, Emitter& out) override;
  Result<> end_of_input(int input, Emitter& out) override;
  Result<Step> drain(Emitter& out) override;
  Result<StateRows> snapshot() override;
  Result<> restore(int table, const Batch& rows) override;
  bool wants(int input) const override { return input == 1 || build_ended_ || early_; }
  bool satisfied() const override;
  std::vector<int> told_columns(int input) const override;
  void ask(int /*input*/) override { asked_ = true; }
  std::optional<NeededValues> needed(int input) const override;
  bool blocks() const override { return overflow_ != nullptr || overflow_begins_; }

  /// The state where the left side is a stream: the table to the right, handed over once; and that
  /// it has been read.
  static std::vector<std::shared_ptr<const StateTable>> tables(const JoinSpec& spec);

  /// Larger build sides overflow even where there is memory: a column of a table is one array, and
  /// its strings are addressed with 32 bits.
  static constexpr std::int64_t build_bytes_max = std::int64_t{1} << 30;

 private:
  Result<Step> build(const Batch& batch);
  Error too_large() const;
  Result<> make_table();
  Result<Step> hold(const Batch& batch);
  Result<> begin_overflow();
  Result<Step> probe(const Batch& batch, Emitter& out);
  Result<> probe_held(Emitter& out);

  const std::shared_ptr<const JoinSpec> spec_;
  OperatorContext context_;
  Reservation memory_;
  std::vector<Batch> build_;
  bool build_ended_ = false;
  bool early_ = false;  ///< the left side comes at any time
  Reservation held_memory_;
  std::deque<Batch> held_;  ///< of the left side, oldest first
  bool asked_ = false;      ///< for the keys that the left side needs
  std::unique_ptr<JoinTable> table_;
  std::unique_ptr<JoinProbe> prober_;
  bool probing_ = false;
  std::uint32_t unmatched_from_ = 0;
  JoinPairs pairs_;
  std::unique_ptr<JoinOverflow> overflow_;
  bool overflow_begins_ = false;
  std::vector<Batch> unsaved_;  ///< of the table, where barriers come and none has come yet
  bool restored_ = false;       ///< the table is here already, whatever the right input says
};

}  // namespace troupe
