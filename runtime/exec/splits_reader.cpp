#include "runtime/exec/splits_reader.hpp"

#include "runtime/base/json.hpp"
#include "runtime/exec/timed_reader.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

/// Those of a list.
class ListedSplits final : public SplitSequence {
 public:
  ListedSplits(std::vector<Split> splits, std::size_t next)
      : splits_(std::move(splits)), next_(next) {}

  Result<Next> next() override {
    if (next_ >= splits_.size()) return Next(NoMore{});
    return Next(splits_[next_++]);
  }

 private:
  const std::vector<Split> splits_;
  std::size_t next_;
};

Batch nothing_yet() {
  static const Batch batch(arrow::RecordBatch::Make(arrow::schema(arrow::FieldVector{}), 0,
                                                    std::vector<std::shared_ptr<arrow::Array>>{}));
  return batch;
}

/// What people call it: a file by its name.
std::string place_of(const Split& split) {
  const Json detail = Json::parse(split.detail, nullptr, /*allow_exceptions=*/false);
  const bool file = detail.is_object() && detail.contains("path") && detail["path"].is_string();
  return file ? fmt::format("'{}'", detail["path"].get<std::string>()) : split.detail;
}

std::optional<Pace> pace_of(const SplitsSite& site) {
  if (!site.rate) return std::nullopt;
  return Pace(*site.rate / site.self.parallelism);
}

}  // namespace

SplitsReader::SplitsReader(SplitsSite site, const Clock& clock)
    : site_(std::move(site)), clock_(clock), pace_(pace_of(site_)) {}

Result<Batch> SplitsReader::next() {
  if (!splits_) begin();
  pause_ = Duration(0);
  while (rest_.rows() == 0) {
    if (!reader_ && !TRY(next_split())) return ended_ ? Batch() : nothing_yet();
    if (!TRY(next_rows())) return nothing_yet();
  }
  return leave();
}

void SplitsReader::begin() {
  if (site_.begin) at_ = *site_.begin;
  if (site_.stream) splits_ = site_.source->sequence(site_.self, at_);
  if (!splits_) splits_ = std::make_unique<ListedSplits>(std::move(site_.splits), at_.split);
  to_skip_ = at_.rows;
}

/// False: there is none, now or ever.
Result<bool> SplitsReader::next_split() {
  const SplitSequence::Next next = TRY(splits_->next());
  at_.mark = splits_->mark();
  if (const auto* not_yet = std::get_if<SplitSequence::NotYet>(&next)) pause_ = not_yet->pause;
  ended_ = std::holds_alternative<SplitSequence::NoMore>(next);
  const auto* split = std::get_if<Split>(&next);
  if (split != nullptr) TRY(open(*split));
  return split != nullptr;
}

Result<> SplitsReader::open(const Split& split) {
  reader_ = TRY(open_rows(split));
  if (site_.event_time) {
    reader_ = std::make_unique<TimedReader>(std::move(reader_), site_.event_time, place_of(split));
  }
  to_skip_ -= reader_->skip(to_skip_);
  return {};
}

Result<std::unique_ptr<BatchReader>> SplitsReader::open_rows(const Split& split) {
  auto* narrowed = dynamic_cast<NarrowedSource*>(site_.source.get());
  if (site_.needs == nullptr || narrowed == nullptr) return site_.source->open(split);
  return narrowed->open_narrowed(split, site_.needs->tests);
}

/// False: the split has none yet. At its end it is left behind.
Result<bool> SplitsReader::next_rows() {
  rest_ = TRY(reader_->next());
  if (!rest_) {
    skipped_.add(reader_->skipped());
    reader_.reset();
    ++at_.split;
    at_.rows = to_skip_ = 0;
    return true;
  }
  pause_ = rest_.rows() == 0 ? reader_->pause() : Duration(0);
  if (const std::int64_t before = std::min(to_skip_, rest_.rows()); before > 0) {
    to_skip_ -= before;
    rest_ = Batch(rest_.columns()->Slice(before));
  }
  return pause_ == Duration(0);
}

/// What of the rows that were read may leave now.
Batch SplitsReader::leave() {
  std::int64_t rows = rest_.rows();
  if (site_.stream) rows = std::min(rows, stream_batch_rows_max);
  if (pace_) {
    const Instant now = clock_.now();
    rows = std::min(rows, pace_->due(now));
    if (rows <= 0) {
      pause_ = pace_->pause(now);
      return nothing_yet();
    }
    pace_->take(rows);
  }
  at_.rows += rows;
  if (rows == rest_.rows()) return std::exchange(rest_, Batch());
  const Batch left(rest_.columns()->Slice(0, rows));
  rest_ = Batch(rest_.columns()->Slice(rows));
  return left;
}

}  // namespace troupe
