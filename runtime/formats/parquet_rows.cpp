#include "runtime/formats/parquet_rows.hpp"

#include "runtime/formats/column_chunk.hpp"
#include "runtime/formats/damage.hpp"
#include "runtime/formats/parquet_column.hpp"
#include "runtime/formats/parquet_error.hpp"
#include "runtime/formats/parquet_leaf_check.hpp"
#include "runtime/formats/pending_column.hpp"
#include "runtime/formats/value_check.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/column_reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include <algorithm>

namespace troupe {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

/// One column of the rows that are read, and its reader in the current row group: one of the two.
struct ReadColumn {
  explicit ReadColumn(ParquetField from)
      : field(std::move(from.field)), leaves(std::move(from.leaves)), pending(field->type()) {}

  std::shared_ptr<arrow::Field> field;
  std::vector<int> leaves;
  PendingColumn pending;
  std::unique_ptr<ParquetColumn> pages = {};
  std::unique_ptr<arrow::RecordBatchReader> others = {};
  bool proven = false;  ///< of what is pending
  std::int64_t rows_at_once = batch_rows_max;
};

class GroupReader final : public BatchReader {
 public:
  explicit GroupReader(ParquetRead read) : read_(std::move(read)), checks_(read_.path) {
    for (ParquetField& column : read_.columns) columns_.emplace_back(std::move(column));
  }

  Result<Batch> next() override {
    while (rows_left_ == 0) {
      TRY(check_ended());
      if (next_group_ == read_.groups.size()) return Batch();
      TRY(begin(read_.groups[next_group_++]));
    }
    std::int64_t rows = std::min(batch_rows_max, rows_left_);
    for (ReadColumn& column : columns_) {
      if (column.pending.rows() == 0) TRY(fill(column, rows));
      rows = column.pending.fitting(std::min(rows, column.pending.rows()));
    }
    const std::int64_t first = rows_of_group_ - rows_left_;
    const auto place = [&](std::int64_t row) {
      return fmt::format("row group {}, row {}", group_, first + row + 1);
    };
    rows_left_ -= rows;
    arrow::ArrayVector columns;
    arrow::FieldVector fields;
    for (ReadColumn& column : columns_) {
      auto values = column.pending.take(rows);
      if (!values) return at_place(values.error(), read_.path, place_of(column));
      columns.push_back(*std::move(values));
      TRY(checks_.check(*columns.back(), column.field->name(), column.proven, place));
      fields.push_back(column.field->WithType(columns.back()->type()));
    }
    return Batch(
        arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(columns)));
  }

 private:
  /// Of the row group that has been read.
  Result<> check_ended() const {
    for (const ReadColumn& column : columns_) {
      if (column.pages == nullptr || column.pages->ended()) continue;
      return damaged(read_.path, place_of(column),
                     "it has more values than its row group has rows");
    }
    return {};
  }

  Result<> begin(int group) {
    group_ = group;
    for (ReadColumn& column : columns_) {
      TRY(read_try(read_.path, place_of(column), parquet_call([&] { return open(column); })));
    }
    return {};
  }

  arrow::Status open(ReadColumn& column) {
    parquet::ParquetFileReader& reader = *read_.file->parquet_reader();
    const auto group = reader.RowGroup(group_);
    rows_left_ = rows_of_group_ = group->metadata()->num_rows();
    const int leaf = column.leaves.front();
    if (column.leaves.size() == 1) {
      const auto& described = *reader.metadata()->schema()->Column(leaf);
      if (is_flat_column(described, *column.field->type())) {
        column.pages = open_flat_column(
            described, column.field->type(),
            open_chunk(read_.bytes, *reader.metadata(), group_, leaf, read_.memory), read_.memory);
        return arrow::Status::OK();
      }
    }
    for (const int each : column.leaves) {
      if (may_lose_values(*reader.metadata()->schema()->Column(each))) {
        check_leaf(*group->Column(each));
      }
    }
    column.rows_at_once = rows_at_once(column, *group->metadata());
    ARROW_ASSIGN_OR_RAISE(column.others, read_.file->GetRecordBatchReader({group_}, column.leaves));
    return arrow::Status::OK();
  }

  /// How many rows Arrow's reader shall give at once, so that they are few bytes where all rows are
  /// about as large.
  static std::int64_t rows_at_once(const ReadColumn& column,
                                   const parquet::RowGroupMetaData& group) {
    std::int64_t bytes = 0;
    for (const int leaf : column.leaves) {
      bytes += std::max<std::int64_t>(0, group.ColumnChunk(leaf)->total_uncompressed_size());
    }
    const std::int64_t each = bytes / std::max<std::int64_t>(1, group.num_rows());
    return std::clamp<std::int64_t>(column_bytes_max / std::max<std::int64_t>(1, each), 1,
                                    batch_rows_max);
  }

  Result<> fill(ReadColumn& column, std::int64_t rows) {
    const auto filled = column.pending.fill(TRY(fetch(column, rows)));
    if (!filled) return at_place(filled.error(), read_.path, place_of(column));
    return {};
  }

  /// Some of the next `rows` values of a column, at least one.
  Result<ArrayPtr> fetch(ReadColumn& column, std::int64_t rows) {
    const auto values = parquet_call([&]() -> arrow::Result<ArrayPtr> {
      if (column.pages) {
        auto array = column.pages->read(rows);
        column.proven = column.pages->proven();
        return array;
      }
      read_.file->set_batch_size(std::min(rows, column.rows_at_once));
      std::shared_ptr<arrow::RecordBatch> batch;
      ARROW_RETURN_NOT_OK(column.others->ReadNext(&batch));
      if (batch == nullptr || batch->num_rows() == 0) {
        return arrow::Status::Invalid("it ends before its row group");
      }
      if (batch->num_rows() > rows_left_) {
        return arrow::Status::Invalid("it has more rows than its row group");
      }
      return batch->column(0);
    });
    return read_try(read_.path, place_of(column), arrow::Result<ArrayPtr>(values));
  }

  std::string place_of(const ReadColumn& column) const {
    return column_place("row group", group_, column.field->name());
  }

  ParquetRead read_;
  std::vector<ReadColumn> columns_;
  std::size_t next_group_ = 0;
  int group_ = 0;
  std::int64_t rows_of_group_ = 0;
  std::int64_t rows_left_ = 0;
  ValueChecks checks_;
};

}  // namespace

std::unique_ptr<BatchReader> read_groups(ParquetRead read) {
  return std::make_unique<GroupReader>(std::move(read));
}

}  // namespace troupe
