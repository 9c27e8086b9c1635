#include "runtime/exec/timed_reader.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <limits>

namespace troupe {
namespace {

constexpr std::int64_t latest = std::numeric_limits<std::int64_t>::max() / 1000;

}  // namespace

Result<Batch> TimedReader::next() {
  const Batch rows = TRY(rows_->next());
  if (!rows || rows.rows() == 0) return rows;
  const auto times = TRY(plain(TRY(event_time_->value.evaluate(rows))));
  TRY(check(*times));
  rows_before_ += rows.rows();
  arrow::FieldVector fields = rows.columns()->schema()->fields();
  const Flow timed{.timed = true};
  const SchemaPtr schema = with_hidden(arrow::schema(std::move(fields)), timed);
  auto columns = rows.columns()->columns();
  // Moments with and without a time zone are the same microseconds.
  columns.push_back(TRY(arrow_try(times->View(schema->fields().back()->type()))));
  return Batch(arrow::RecordBatch::Make(schema, rows.rows(), std::move(columns)));
}

std::int64_t TimedReader::skip(std::int64_t rows) {
  const std::int64_t skipped = rows_->skip(rows);
  rows_before_ += skipped;
  return skipped;
}

Result<> TimedReader::check(const arrow::Array& times) const {
  const auto& moments = static_cast<const arrow::TimestampArray&>(times);
  std::int64_t least = 0, most = 0;
  for (std::int64_t i = 0; i < moments.length(); ++i) {
    least = std::min(least, moments.raw_values()[i]);
    most = std::max(most, moments.raw_values()[i]);
  }
  if (moments.null_count() == 0 && least >= 0 && most <= latest) return {};
  for (std::int64_t i = 0; i < moments.length(); ++i) {
    const bool null = moments.IsNull(i);
    if (!null && moments.Value(i) >= 0 && moments.Value(i) <= latest) continue;
    Error error = make_error(ErrorCode::invalid_argument, "{}, row {}: its event time ({}) is {}",
                             place_, rows_before_ + i + 1, event_time_->value.text(),
                             null ? "null" : "not in the years 1970 to 2262");
    error.hint = "filter such rows out before, or give them another event time with coalesce";
    error.reason = ErrorReason::poison_record;
    return error;
  }
  return {};
}

}  // namespace troupe
