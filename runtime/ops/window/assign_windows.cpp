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

class AssignWindows final : public Operator {
 public:
  AssignWindows(const WindowSpan& span, bool late_port) : span_(span), late_port_(late_port) {}

  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    std::vector<std::int64_t> slices;
    slices.reserve(static_cast<std::size_t>(batch.rows()));
    for (const std::int64_t time : times_of(batch)) slices.push_back(span_.slice_of(time));
    if (none_late(slices)) {
      out.emit(with_slices(batch, std::move(slices)));
      return Step::done;
    }
    std::vector<std::uint32_t> late, on_time;
    for (std::uint32_t row = 0; row < slices.size(); ++row) {
      (is_late(slices[row]) ? late : on_time).push_back(row);
    }
    TRY(put_aside(batch, late, out));
    for (std::size_t i = 0; i < on_time.size(); ++i) slices[i] = slices[on_time[i]];
    slices.resize(on_time.size());
    if (!slices.empty()) out.emit(with_slices(TRY(take(batch, on_time)), std::move(slices)));
    return Step::done;
  }

  Result<Step> advance(EventTime time, Emitter&) override {
    time_ = time.time_since_epoch().count();
    return Step::done;
  }

  std::vector<std::string> notes() const override {
    if (dropped_ == 0) return {};
    return {fmt::format("{} late row{} dropped", dropped_, dropped_ == 1 ? " was" : "s were")};
  }

 private:
  bool is_late(std::int64_t slice) const { return span_.last_end(slice) <= time_; }
  bool none_late(const std::vector<std::int64_t>& slices) const {
    return slices.empty() || !is_late(*std::min_element(slices.begin(), slices.end()));
  }

  Result<> put_aside(const Batch& batch, const std::vector<std::uint32_t>& late, Emitter& out) {
    if (late_port_) {
      out.emit(TRY(take(batch, late)), 1);
    } else {
      dropped_ += late.size();
    }
    return {};
  }

  static Batch with_slices(const Batch& batch, std::vector<std::int64_t> slices) {
    static const auto field =
        arrow::field(slice_column, arrow::timestamp(arrow::TimeUnit::MICRO), false);
    arrow::FieldVector fields = batch.columns()->schema()->fields();
    fields.back() = field;
    auto columns = batch.columns()->columns();
    columns.back() = std::make_shared<arrow::TimestampArray>(
        field->type(), batch.rows(), arrow::Buffer::FromVector(std::move(slices)));
    return Batch(arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.rows(),
                                          std::move(columns)));
  }

  const WindowSpan span_;
  const bool late_port_;
  std::int64_t time_ = EventTime::min().time_since_epoch().count();
  std::uint64_t dropped_ = 0;
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
  return std::make_unique<AssignWindows>(span, late_port);
}

}  // namespace troupe
