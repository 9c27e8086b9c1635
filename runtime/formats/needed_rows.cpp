#include "runtime/formats/column_chunk.hpp"
#include "runtime/formats/damage.hpp"
#include "runtime/formats/parquet_column.hpp"
#include "runtime/formats/parquet_error.hpp"
#include "runtime/formats/parquet_rows.hpp"
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

/// What is decoded of a block, of all tested columns, stays in the L2 cache.
constexpr std::int64_t block_rows = 4096;

/// A test is asked for so many rows before it may turn out to be in vain.
constexpr std::int64_t rows_to_try = 16 * block_rows;

/// A test of a column, and what came of it.
struct AskedTest {
  std::shared_ptr<const ValueTest> test;
  std::int64_t one_in = 1;
  std::int64_t rows = 0;
  std::int64_t gone = 0;

  bool in_vain() const { return rows >= rows_to_try && gone < rows / one_in; }
};

struct NeededColumn {
  std::shared_ptr<arrow::Field> field;
  int leaf = 0;
  std::vector<AskedTest> tests = {};
  std::unique_ptr<ParquetColumn> pages = {};
};

class NeededRows final : public BatchReader {
 public:
  NeededRows(ParquetRead read, std::vector<NeededColumn> columns)
      : read_(std::move(read)), columns_(std::move(columns)), checks_(read_.path) {
    for (NeededColumn& column : columns_) {
      if (!column.tests.empty()) tested_.push_back(&column);
    }
  }

  Result<Batch> next() override {
    for (;;) {
      if (rows_left_ == 0) {
        if (!rows_.empty()) return finish();
        TRY(check_ended());
        if (next_group_ == read_.groups.size()) return Batch();
        TRY(begin(read_.groups[next_group_++]));
        continue;
      }
      const std::int64_t rows = TRY(block());
      if (rows == 0) return finish();
      TRY(take(rows));
    }
  }

 private:
  Result<> begin(int group) {
    group_ = group;
    row_ = 0;
    const parquet::FileMetaData& metadata = *read_.file->parquet_reader()->metadata();
    for (NeededColumn& column : columns_) {
      TRY(of(column, [&] {
        rows_left_ = metadata.RowGroup(group)->num_rows();
        column.pages = open_flat_column(
            *metadata.schema()->Column(column.leaf), column.field->type(),
            open_chunk(read_.bytes, metadata, group, column.leaf, read_.memory), read_.memory);
      }));
    }
    return {};
  }

  /// Rows that the next step can take of all columns; none where the batch must end first.
  Result<std::int64_t> block() {
    std::int64_t rows = std::min({block_rows, rows_left_, batch_rows_max - rows_of_batch()});
    for (NeededColumn* column : tested_) {
      TRY(of(*column, [&] { rows = std::min(rows, column->pages->page_rows()); }));
    }
    for (NeededColumn& column : columns_) {
      if (rows > 0) TRY(of(column, [&] { rows = column.pages->fitting(rows); }));
    }
    return rows;
  }

  Result<> take(std::int64_t rows) {
    keep_.assign(static_cast<std::size_t>(rows), 1);
    std::int64_t left = rows;
    for (NeededColumn* column : tested_) {
      for (AskedTest& asked : column->tests) {
        if (left == 0 || asked.in_vain()) continue;
        TRY(of(*column, [&] { column->pages->look(rows, *asked.test, keep_.data()); }));
        const std::int64_t before = std::exchange(left, kept(keep_));
        asked.rows += before;
        asked.gone += before - left;
      }
    }
    choose(left);
    for (NeededColumn& column : columns_) {
      TRY(of(column, [&] { column.pages->add(rows, chosen_); }));
    }
    for (const std::uint32_t row : chosen_) rows_.push_back(static_cast<std::uint32_t>(row_) + row);
    row_ += rows;
    rows_left_ -= rows;
    return {};
  }

  [[gnu::optimize("O3")]] static std::int64_t kept(const std::vector<std::uint8_t>& keep) {
    std::uint32_t count = 0;
    for (const std::uint8_t one : keep) count += one;
    return count;
  }

  /// The rows that are kept, of which there are so many.
  void choose(std::int64_t count) {
    chosen_.resize(keep_.size());
    std::size_t found = 0;
    for (std::size_t row = 0; row < keep_.size(); ++row) {
      chosen_[found] = static_cast<std::uint32_t>(row);
      found += keep_[row];
      if (found == static_cast<std::size_t>(count)) break;
    }
    chosen_.resize(found);
  }

  Result<Batch> finish() {
    arrow::ArrayVector columns;
    arrow::FieldVector fields;
    const auto place = [&](std::int64_t row) {
      return fmt::format("row group {}, row {}", group_, rows_[static_cast<std::size_t>(row)] + 1);
    };
    for (NeededColumn& column : columns_) {
      TRY(of(column, [&] { columns.push_back(column.pages->finish()); }));
      TRY(checks_.check(*columns.back(), column.field->name(), column.pages->proven(), place));
      fields.push_back(column.field->WithType(columns.back()->type()));
    }
    const std::int64_t rows = rows_of_batch();
    rows_.clear();
    return Batch(
        arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(columns)));
  }

  /// Of the row group that has been read.
  Result<> check_ended() const {
    for (const NeededColumn& column : columns_) {
      if (column.pages == nullptr || column.pages->ended()) continue;
      return damaged(read_.path, place_of(column),
                     "it has more values than its row group has rows");
    }
    return {};
  }

  template <class Run>
  Result<> of(const NeededColumn& column, Run&& run) const {
    return read_try(read_.path, place_of(column), parquet_call(std::forward<Run>(run)));
  }
  std::string place_of(const NeededColumn& column) const {
    return column_place("row group", group_, column.field->name());
  }
  std::int64_t rows_of_batch() const { return static_cast<std::int64_t>(rows_.size()); }

  const ParquetRead read_;
  std::vector<NeededColumn> columns_;
  std::vector<NeededColumn*> tested_;
  ValueChecks checks_;
  std::size_t next_group_ = 0;
  int group_ = 0;
  std::int64_t row_ = 0;  ///< the next one of the row group
  std::int64_t rows_left_ = 0;
  std::vector<std::uint8_t> keep_;
  std::vector<std::uint32_t> chosen_;
  std::vector<std::uint32_t> rows_;  ///< of the row group, those in the batch that is being made
};

/// Texts that are packed by what they share with the one before may become any number of bytes.
bool may_swell(const ParquetRead& read, int leaf) {
  const auto& metadata = *read.file->parquet_reader()->metadata();
  return std::any_of(read.groups.begin(), read.groups.end(), [&](int group) {
    const auto chunk = metadata.RowGroup(group)->ColumnChunk(leaf);
    const auto& encodings = chunk->encodings();
    return std::find(encodings.begin(), encodings.end(), parquet::Encoding::DELTA_BYTE_ARRAY) !=
           encodings.end();
  });
}

}  // namespace

std::unique_ptr<BatchReader> read_needed_rows(ParquetRead& read, const ColumnTests& tests) {
  const auto& schema = *read.file->parquet_reader()->metadata()->schema();
  std::vector<NeededColumn> columns;
  bool any_tests = false;
  for (const ParquetField& field : read.columns) {
    const bool flat = field.leaves.size() == 1 &&
                      is_flat_column(*schema.Column(field.leaves.front()), *field.field->type()) &&
                      !may_swell(read, field.leaves.front());
    if (!flat) return nullptr;
    columns.push_back({field.field, field.leaves.front()});
    for (const ColumnTest& test : tests) {
      if (test.column == field.field->name()) {
        columns.back().tests.push_back({test.test, test.one_in});
      }
    }
    any_tests |= !columns.back().tests.empty();
  }
  if (!any_tests) return nullptr;
  return std::make_unique<NeededRows>(std::move(read), std::move(columns));
}

}  // namespace troupe
