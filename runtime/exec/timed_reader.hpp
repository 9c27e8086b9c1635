#pragma once

#include "runtime/operator/batch_reader.hpp"
#include "runtime/operator/flow.hpp"

#include <memory>
#include <string>

namespace troupe {

/// The rows of another reader, each with its event time as the hidden column.
///
/// A row without event time, or with one outside of the years 1970 to 2262 (what nanoseconds of
/// 64 bits reach, which other systems count in), is a poisoned record: the error names it.
class TimedReader : public BatchReader {
 public:
  /// `place` names what is read, for people.
  TimedReader(std::unique_ptr<BatchReader> rows, std::shared_ptr<const EventTimePlan> event_time,
              std::string place)
      : rows_(std::move(rows)), event_time_(std::move(event_time)), place_(std::move(place)) {}

  Result<Batch> next() override;
  Duration pause() const override { return rows_->pause(); }
  std::int64_t skip(std::int64_t rows) override;
  SkippedRows skipped() const override { return rows_->skipped(); }

 private:
  Result<> check(const arrow::Array& times) const;

  const std::unique_ptr<BatchReader> rows_;
  const std::shared_ptr<const EventTimePlan> event_time_;
  const std::string place_;
  std::int64_t rows_before_ = 0;
};

}  // namespace troupe
