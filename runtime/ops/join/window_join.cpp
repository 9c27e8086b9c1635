#include "runtime/ops/join/window_join.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/ops/columns.hpp"
#include "runtime/ops/join/join_table.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <deque>
#include <optional>

namespace troupe {
namespace {

class WindowJoin final : public Operator {
 public:
  explicit WindowJoin(std::shared_ptr<const WindowJoinSpec> spec) : spec_(std::move(spec)) {}

  Result<> open(const OperatorContext& context) override {
    left_.emplace(spec_->left, context);
    right_.emplace(spec_->right, context);
    return {};
  }

  Result<Step> process(int input, const Batch& batch, Emitter&) override {
    TRY((input == 0 ? *left_ : *right_).add(batch));
    return Step::done;
  }

  Result<Step> advance(EventTime time, Emitter& out) override {
    return close(time.time_since_epoch().count(), out);
  }
  Result<Step> drain(Emitter& out) override {
    return close(EventTime::max().time_since_epoch().count(), out);
  }

  Result<StateRows> snapshot() override {
    return StateRows{left_->take_changes(), right_->take_changes()};
  }
  Result<> restore(int table, const Batch& rows) override {
    return (table == 0 ? *left_ : *right_).restore(rows);
  }

  std::vector<std::string> notes() const override {
    const std::uint64_t late = left_->late() + right_->late();
    if (late == 0) return {};
    return {fmt::format("{} late row{} dropped", late, late == 1 ? " was" : "s were")};
  }

 private:
  /// The rows of one time, on their way out.
  struct Closing {
    std::int64_t time = 0;
    std::unique_ptr<JoinTable> table;
    std::unique_ptr<JoinProbe> probe;
    std::deque<Batch> left;
    bool probing = false;
    std::uint32_t unmatched_from = 0;
  };

  Result<Step> close(std::int64_t watermark, Emitter& out) {
    if (!closing_ && !TRY(begin_next(watermark))) return Step::done;
    if (!TRY(go_on(out))) closing_.reset();
    return Step::again;
  }

  Result<bool> begin_next(std::int64_t watermark) {
    const auto left = left_->first(), right = right_->first();
    if (!left && !right) return false;
    const std::int64_t time =
        std::min(left.value_or(*(left ? left : right)), right.value_or(*(right ? right : left)));
    if (time >= watermark) return false;
    closing_ = Closing{.time = time};
    std::vector<Batch> rows = left_->take(time);
    closing_->left.assign(rows.begin(), rows.end());
    std::vector<Batch> build = right_->take(time);
    if (build.empty()) {
      build.emplace_back(TRY(arrow_try(arrow::RecordBatch::MakeEmpty(spec_->join->right))));
    }
    closing_->table =
        std::make_unique<JoinTable>(TRY(JoinTable::make(spec_->join, std::move(build))));
    closing_->probe = std::make_unique<JoinProbe>(*closing_->table);
    return true;
  }

  /// About one batch of output; false where there is no more.
  Result<bool> go_on(Emitter& out) {
    if (!closing_->left.empty()) {
      const Batch& batch = closing_->left.front();
      if (!closing_->probing) TRY(closing_->probe->start(batch, nullptr, true));
      closing_->probing = closing_->probe->next(pairs_);
      if (closing_->probing) {
        emit(TRY(closing_->table->output(batch, pairs_)), out);
      } else {
        closing_->left.pop_front();
      }
      return true;
    }
    const auto rows = closing_->table->unmatched(closing_->unmatched_from);
    if (rows.empty()) return false;
    emit(TRY(closing_->table->output_unmatched(rows)), out);
    return true;
  }

  void emit(const Batch& rows, Emitter& out) {
    auto columns = rows.columns()->columns();
    columns.push_back(
        times_array(std::vector(static_cast<std::size_t>(rows.rows()), closing_->time)));
    out.emit(make_batch(spec_->output, std::move(columns), rows.rows()));
  }

  const std::shared_ptr<const WindowJoinSpec> spec_;
  std::optional<RowsByTime> left_, right_;
  std::optional<Closing> closing_;
  JoinPairs pairs_;
};

}  // namespace

Result<std::unique_ptr<Operator>> make_window_join(std::shared_ptr<const WindowJoinSpec> spec) {
  return std::make_unique<WindowJoin>(std::move(spec));
}

}  // namespace troupe
