#include "runtime/data/take.hpp"
#include "runtime/operator/flow.hpp"
#include "runtime/ops/window/window_plan.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>

namespace troupe {
namespace {

/// Times are not negative, but a window may begin before 1970.
std::int64_t floor_to(std::int64_t value, std::int64_t step) {
  const std::int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

const SchemaPtr& added_columns(bool sessions) {
  static const auto moment = arrow::timestamp(arrow::TimeUnit::MICRO);
  static const SchemaPtr windows = arrow::schema({arrow::field(slice_column, moment, false)});
  static const SchemaPtr both = arrow::schema(
      {arrow::field(at_column, moment, false), arrow::field(slice_column, moment, false)});
  return sessions ? both : windows;
}

class AssignWindows final : public Operator {
 public:
  AssignWindows(const WindowSpan& span, bool sessions, bool late_port)
      : span_(span), sessions_(sessions), late_port_(late_port) {}

  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    const auto times = times_of(batch);
    slices_.clear();
    for (const std::int64_t time : times) slices_.push_back(span_.slice_of(time));
    // What is late is known by one number of each row.
    const std::span<const std::int64_t> decisive = sessions_ ? times : slices_;
    if (times.empty() || !is_late(*std::min_element(decisive.begin(), decisive.end()))) {
      out.emit(with_slices(batch, slices_));
      return Step::done;
    }
    std::vector<std::uint32_t> late, on_time;
    for (std::uint32_t row = 0; row < times.size(); ++row) {
      (is_late(decisive[row]) ? late : on_time).push_back(row);
    }
    TRY(put_aside(batch, late, out));
    for (std::size_t i = 0; i < on_time.size(); ++i) slices_[i] = slices_[on_time[i]];
    slices_.resize(on_time.size());
    if (!slices_.empty()) out.emit(with_slices(TRY(take(batch, on_time)), slices_));
    return Step::done;
  }

  Result<Step> advance(EventTime time, Emitter&) override {
    time_ = time.time_since_epoch().count();
    return Step::done;
  }

  std::uint64_t rows_late() const override { return dropped_; }

  std::vector<std::string> notes() const override {
    if (dropped_ == 0) return {};
    return {fmt::format("{} late row{} dropped", dropped_, dropped_ == 1 ? " was" : "s were")};
  }

 private:
  /// Of a slice of windows, or the time of a row of a session.
  bool is_late(std::int64_t decisive) const {
    return sessions_ ? decisive < time_ : span_.last_end(decisive) <= time_;
  }

  Result<> put_aside(const Batch& batch, const std::vector<std::uint32_t>& late, Emitter& out) {
    if (late_port_) {
      out.emit(TRY(take(batch, late)), 1);
    } else {
      dropped_ += late.size();
    }
    return {};
  }

  /// In the place of the hidden event time.
  Batch with_slices(const Batch& batch, std::vector<std::int64_t> slices) const {
    const SchemaPtr& added = added_columns(sessions_);
    arrow::FieldVector fields = batch.columns()->schema()->fields();
    auto columns = batch.columns()->columns();
    const auto time = columns.back();
    fields.pop_back();
    columns.pop_back();
    fields.insert(fields.end(), added->fields().begin(), added->fields().end());
    if (sessions_) columns.push_back(time);
    columns.push_back(
        std::make_shared<arrow::TimestampArray>(added->fields().back()->type(), batch.rows(),
                                                arrow::Buffer::FromVector(std::move(slices))));
    return Batch(arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.rows(),
                                          std::move(columns)));
  }

  const WindowSpan span_;
  const bool sessions_;
  const bool late_port_;
  std::int64_t time_ = EventTime::min().time_since_epoch().count();
  std::uint64_t dropped_ = 0;
  std::vector<std::int64_t> slices_;  ///< of the batch at hand
};

}  // namespace

WindowSpan WindowSpan::make(std::int64_t size, std::int64_t slide) {
  return {size, slide, std::gcd(size, slide)};
}

std::int64_t WindowSpan::slice_of(std::int64_t time) const { return floor_to(time, slice); }

std::int64_t WindowSpan::last_end(std::int64_t slice) const {
  return floor_to(slice, slide) + size;
}

/// The first window that has the slice begins no earlier than the window's size before its end.
std::int64_t WindowSpan::first_end(std::int64_t slice_begin) const {
  return floor_to(slice_begin + slice - size + slide - 1, slide) + size;
}

Result<std::unique_ptr<Operator>> make_assign_windows(const WindowSpan& span, bool late_port) {
  return std::make_unique<AssignWindows>(span, false, late_port);
}

Result<std::unique_ptr<Operator>> make_assign_sessions(const SessionSpan& span, bool late_port) {
  return std::make_unique<AssignWindows>(span.slices(), true, late_port);
}

}  // namespace troupe
