#pragma once

#include "runtime/exec/pace.hpp"
#include "runtime/operator/flow.hpp"
#include "runtime/operator/needed_values.hpp"
#include "runtime/operator/source.hpp"
#include "runtime/os/clock.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// What of a source is needed, by the names of its columns; told before anything is read, if at
/// all.
struct SourceNeeds {
  std::vector<std::string> columns;  ///< of the source
  ColumnTests tests = {};
};

/// What one subtask reads of a source, and how.
struct SplitsSite {
  std::shared_ptr<Source> source;
  SubtaskOf self = {};
  std::vector<Split> splits = {};  ///< where the source lists them
  std::shared_ptr<const SourceNeeds> needs = {};
  std::shared_ptr<const EventTimePlan> event_time = {};
  bool stream = false;  ///< its batches are those of a stream, and its splits may be a sequence
  std::optional<double> rate = {};  ///< rows a second of all subtasks
  /// Told before anything is read: what is before it is left out.
  std::shared_ptr<const SplitPosition> begin = {};
};

/// Batches of a stream are small: a row does not wait for tens of thousands of others.
inline constexpr std::int64_t stream_batch_rows_max = 8192;

/// The splits of one subtask, read one after the other. A split that is listed, and of which
/// nothing is left, is not opened.
///
/// Rows leave in the batches in which they are read; of a stream, in smaller ones, and where a rate
/// is given, when they are due. The position is behind those that have left.
class SplitsReader : public BatchReader {
 public:
  SplitsReader(SplitsSite site, const Clock& clock);

  Result<Batch> next() override;
  Duration pause() const override { return pause_; }
  SplitPosition position() const override { return at_; }
  SkippedRows skipped() const override { return skipped_; }

 private:
  void begin();
  Result<> open(const Split& split);
  Result<std::unique_ptr<BatchReader>> open_rows(const Split& split);
  Result<bool> next_split();
  Result<bool> next_rows();
  Batch leave();

  SplitsSite site_;
  const Clock& clock_;
  std::optional<Pace> pace_;
  std::unique_ptr<SplitSequence> splits_;
  std::unique_ptr<BatchReader> reader_;
  Batch rest_;  ///< read, but has not left
  SplitPosition at_;
  std::int64_t to_skip_ = 0;  ///< rows of the split at hand that were given in an earlier life
  Duration pause_{0};
  bool ended_ = false;
  SkippedRows skipped_;
};

}  // namespace troupe
