#include "runtime/host/snapshot_bytes.hpp"

#include "runtime/data/arrow_result.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace troupe {

Result<Batch> SnapshotBytesReader::next() {
  static const auto schema = arrow::schema({arrow::field("byte", arrow::uint8(), false)});
  if (!file_) file_ = TRY(files_.open(path_));
  std::shared_ptr<arrow::ResizableBuffer> bytes =
      TRY(arrow_try(arrow::AllocateResizableBuffer(batch_rows_max)));
  auto* const data = reinterpret_cast<char*>(bytes->mutable_data());
  const auto got = static_cast<std::int64_t>(
      TRY(file_->read_at(at_, {data, static_cast<std::size_t>(bytes->size())})));
  if (got == 0) return Batch();
  at_ += static_cast<std::uint64_t>(got);
  const auto column = std::make_shared<arrow::UInt8Array>(got, bytes);
  return Batch(arrow::RecordBatch::Make(schema, got, arrow::ArrayVector{column}));
}

Result<std::string_view> bytes_in(const Batch& batch) {
  const auto& columns = *batch.columns();
  if (columns.num_columns() != 1 || columns.column(0)->type_id() != arrow::Type::UINT8 ||
      columns.column(0)->null_count() > 0) {
    return make_error(ErrorCode::corrupt, "what came for a state file are not its bytes: {}",
                      columns.schema()->ToString());
  }
  const auto& bytes = static_cast<const arrow::UInt8Array&>(*columns.column(0));
  return std::string_view(reinterpret_cast<const char*>(bytes.raw_values()),
                          static_cast<std::size_t>(bytes.length()));
}

}  // namespace troupe
