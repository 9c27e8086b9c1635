#include "runtime/ops/sort/sort_exchange.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

const char* const held_file = "/sort.held";

/// The columns of a sample before its terms.
constexpr int subtasks_column = 0;
constexpr int weight_column = 1;
constexpr int first_term = 2;

std::int64_t value_at(const Batch& batch, int column, std::int64_t row) {
  return static_cast<const arrow::Int64Array&>(*batch.columns()->column(column)).Value(row);
}

}  // namespace

SchemaPtr sample_schema(const std::vector<OrderTerm>& terms) {
  arrow::FieldVector fields = {arrow::field("subtasks", arrow::int64(), false),
                               arrow::field("weight", arrow::int64(), false)};
  for (std::size_t i = 0; i < terms.size(); ++i) {
    fields.push_back(arrow::field(std::to_string(i), logical_type(terms[i].value.type())));
  }
  return arrow::schema(std::move(fields));
}

Result<> SortSampleOperator::open(const OperatorContext& context) {
  context_ = context;
  memory_.attach(context.memory);
  return {};
}

Result<Step> SortSampleOperator::process(int, const Batch& batch, Emitter&) {
  if (overflow_begins_) {
    overflow_begins_ = false;
    writer_ =
        TRY(PartitionWriter::create(*context_.files, context_.scratch_directory + held_file, 1));
    for (const Batch& held : held_) TRY(writer_->write(0, held));
    held_.clear();
    memory_.release();
  }
  if (writer_ == nullptr && !memory_.grow(batch.bytes())) {
    overflow_begins_ = true;
    return Step::again;
  }
  TRY(sample(batch));
  if (writer_ != nullptr) {
    TRY(writer_->write(0, batch));
  } else {
    held_.push_back(batch);
  }
  return Step::done;
}

Result<> SortSampleOperator::sample(const Batch& batch) {
  std::int64_t stride = std::max<std::int64_t>(1, batch.rows() / rows_per_batch) * thinning_;
  stride = std::min(stride, batch.rows());
  std::vector<std::uint32_t> rows;
  for (std::int64_t i = stride / 2; i < batch.rows(); i += stride) {
    rows.push_back(static_cast<std::uint32_t>(i));
  }
  Sample sample{.rows = static_cast<std::int64_t>(rows.size()), .weight = stride};
  const Batch chosen = TRY(take(batch, rows));
  for (const ArrayPtr& values : TRY(values_of(*terms_, chosen))) {
    sample.values.push_back(TRY(plain(values)));
  }
  sampled_ += sample.rows;
  samples_.push_back(std::move(sample));
  return sampled_ > rows_max ? halve() : Result<>();
}

Result<> SortSampleOperator::halve() {
  thinning_ *= 2;
  sampled_ = 0;
  for (Sample& sample : samples_) {
    if (sample.rows > 1) {
      std::vector<std::uint32_t> rows;
      for (std::int64_t i = 0; i < sample.rows; i += 2) {
        rows.push_back(static_cast<std::uint32_t>(i));
      }
      for (ArrayPtr& values : sample.values) values = TRY(take(*values, rows));
      sample.rows = static_cast<std::int64_t>(rows.size());
      sample.weight *= 2;
    }
    sampled_ += sample.rows;
  }
  return {};
}

Result<> SortSampleOperator::end_of_input(int, Emitter& out) {
  if (writer_ != nullptr) {
    PartitionIndex index = TRY(writer_->finish());
    writer_.reset();
    reader_ = std::make_unique<PartitionReader>(
        *context_.files, context_.scratch_directory + held_file, std::move(index.partitions[0]));
  }
  out.emit(TRY(sample_batch()), 1);
  samples_.clear();
  return {};
}

/// Always at least one row, which says how many samples the receiver has to wait for.
Result<Batch> SortSampleOperator::sample_batch() const {
  arrow::Int64Builder subtasks;
  arrow::Int64Builder weights;
  std::vector<std::vector<ArrayPtr>> values(terms_->size());
  for (const Sample& sample : samples_) {
    for (std::int64_t i = 0; i < sample.rows; ++i) {
      TRY(arrow_try(subtasks.Append(subtasks.length() == 0 ? context_.parallelism : 0)));
      TRY(arrow_try(weights.Append(sample.weight)));
    }
    for (std::size_t i = 0; i < values.size(); ++i) values[i].push_back(sample.values[i]);
  }
  const SchemaPtr schema = sample_schema(*terms_);
  if (subtasks.length() == 0) {
    TRY(arrow_try(subtasks.Append(context_.parallelism)));
    TRY(arrow_try(weights.Append(0)));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto& type = schema->field(first_term + static_cast<int>(i))->type();
      values[i] = {TRY(arrow_try(arrow::MakeArrayOfNull(type, 1)))};
    }
  }
  const std::int64_t rows = subtasks.length();
  std::vector<ArrayPtr> columns = {TRY(arrow_try(subtasks.Finish())),
                                   TRY(arrow_try(weights.Finish()))};
  for (const auto& parts : values) columns.push_back(TRY(concat(parts)));
  return Batch(arrow::RecordBatch::Make(schema, rows, std::move(columns)));
}

Result<Step> SortSampleOperator::drain(Emitter& out) {
  if (reader_ != nullptr) {
    Batch batch = TRY(reader_->next());
    if (batch) {
      out.emit(std::move(batch));
      return Step::again;
    }
    reader_.reset();
    return Step::done;
  }
  if (held_.empty()) return Step::done;
  memory_.shrink(held_.front().bytes());
  out.emit(std::move(held_.front()));
  held_.pop_front();
  return Step::again;
}

Result<> SortPartitionOperator::open(const OperatorContext& context) {
  partitions_ = context.output_partitions;
  return {};
}

Result<> SortPartitionOperator::add_samples(const Batch& batch) {
  for (std::int64_t i = 0; i < batch.rows(); ++i) {
    const std::int64_t subtasks = value_at(batch, subtasks_column, i);
    if (subtasks == 0) continue;
    subtasks_ = subtasks;
    ++subtasks_seen_;
  }
  samples_.push_back(batch);
  return subtasks_seen_ == subtasks_ ? find_bounds() : Result<>();
}

/// Bound p is the sampled key at which p + 1 shares of the weight are reached. Samples come in any
/// order, but those with equal keys are taken together, so all subtasks find the same bounds.
Result<> SortPartitionOperator::find_bounds() {
  const Batch all = TRY(concat(samples_));
  samples_.clear();
  ready_ = true;
  std::vector<ArrayPtr> values(all.columns()->columns().begin() + first_term,
                               all.columns()->columns().end());
  keys_ = TRY(make_sort_key(std::move(values), orders_of(*terms_), SortColumn::Scale::across));
  std::int64_t total = 0;
  for (std::int64_t i = 0; i < all.rows(); ++i) total += value_at(all, weight_column, i);
  if (total == 0) return {};
  const auto share = [&](std::int64_t weight) {
    return static_cast<double>(weight) * partitions_ / static_cast<double>(total);
  };
  const std::vector<std::uint32_t> order = sort_rows(keys_);
  std::int64_t before = 0;
  for (std::size_t i = 0; i < order.size();) {
    Bound bound{.row = order[i], .from = share(before)};
    for (; i < order.size() && keys_.compare(order[i], keys_, bound.row) == 0; ++i) {
      before += value_at(all, weight_column, order[i]);
    }
    bound.to = share(before);
    while (bounds_.size() + 1 < partitions_ &&
           bound.to >= static_cast<double>(bounds_.size() + 1)) {
      bounds_.push_back(bound);
    }
  }
  return {};
}

Result<> SortPartitionOperator::end_of_input(int input, Emitter&) {
  if (input == 1) ENSURE(ready_, "{} of {} samples came", subtasks_seen_, subtasks_);
  return {};
}

/// A row equal to a bound may stand on either side of it, and where several bounds are equal in any
/// partition between. Such rows are spread as their share of each partition demands, so a very
/// frequent key does not burden one subtask alone.
void SortPartitionOperator::assign(const SortKey& key,
                                   std::vector<std::vector<std::uint32_t>>& rows) {
  constexpr double golden = 0.6180339887498949;  // its multiples fill [0, 1) evenly at any length
  const std::size_t bounds = bounds_.size();
  for (std::uint32_t row = 0; row < key.rows(); ++row) {
    std::size_t first = 0;
    int order = 1;
    while (first < bounds && (order = key.compare(row, keys_, bounds_[first].row)) > 0) ++first;
    if (first == bounds || order < 0) {
      rows[first].push_back(row);
      continue;
    }
    std::size_t last = first + 1;
    while (last < bounds && key.compare(row, keys_, bounds_[last].row) == 0) ++last;
    const Bound& bound = bounds_[first];
    const auto place = static_cast<std::size_t>(bound.from + spread_ * (bound.to - bound.from));
    spread_ += spread_ + golden < 1 ? golden : golden - 1;
    rows[std::clamp(place, first, last)].push_back(row);
  }
}

Result<Step> SortPartitionOperator::process(int input, const Batch& batch, Emitter& out) {
  if (input == 1) {
    TRY(add_samples(batch));
    return Step::done;
  }
  ENSURE(ready_, "rows came before the samples");
  if (bounds_.empty()) {
    out.emit_to(0, batch);
    return Step::done;
  }
  std::vector<std::vector<std::uint32_t>> rows(partitions_);
  assign(TRY(make_sort_key(*terms_, batch)), rows);
  for (std::uint32_t p = 0; p < partitions_; ++p) {
    if (rows[p].empty()) continue;
    const bool all = static_cast<std::int64_t>(rows[p].size()) == batch.rows();
    out.emit_to(p, all ? batch : TRY(take(batch, rows[p])));
  }
  return Step::done;
}

}  // namespace troupe
