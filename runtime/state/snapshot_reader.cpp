#include "runtime/state/snapshot_reader.hpp"

#include "runtime/base/node_fault.hpp"
#include "runtime/spill/partition_reader.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {

Result<std::shared_ptr<const SnapshotReader>> SnapshotReader::open(FileSystem& files,
                                                                   std::string path) {
  auto file = TRY(files.open(path));
  std::shared_ptr<SnapshotReader> reader(new SnapshotReader(std::move(path), std::move(file)));
  TRY(reader->read_index());
  return std::shared_ptr<const SnapshotReader>(std::move(reader));
}

Result<std::string> SnapshotReader::bytes_at(std::uint64_t offset, std::uint64_t length) const {
  std::string bytes(length, '\0');
  bytes.resize(TRY(file_->read_at(offset, bytes)));
  return bytes;
}

Result<> SnapshotReader::read_index() {
  constexpr std::uint64_t footer = SnapshotIndex::footer_bytes;
  file_bytes_ = TRY(file_->size());
  const std::uint64_t tail = std::min(footer, file_bytes_);
  const std::string end = TRY(bytes_at(file_bytes_ - tail, tail));
  const std::uint64_t index = TRY(SnapshotIndex::index_bytes(end, file_bytes_, path_));
  const std::string bytes = TRY(bytes_at(file_bytes_ - footer - index, index + footer));
  index_ = TRY(SnapshotIndex::decode(bytes, file_bytes_, path_));
  return {};
}

Result<Batch> SnapshotReader::read(const SnapshotSection& section,
                                   const SnapshotBlock& block) const {
  // The index has been checked against the file's size, so no block is larger than its file.
  std::string bytes = TRY(bytes_at(block.place.offset, block.place.bytes));
  Batch rows = TRY(decode_block(std::move(bytes), block.place, path_));
  const auto& columns = *rows.columns();
  bool same = columns.num_columns() == section.schema->num_fields();
  for (int i = 0; same && i < columns.num_columns(); ++i) {
    same = logical_type(columns.column(i)->type())->Equals(*section.schema->field(i)->type());
  }
  if (same) return rows;
  return node_fault(
      make_error(ErrorCode::corrupt,
                 "'{}' at byte {}: a block of '{}' of '{}' has other columns than the index says",
                 path_, block.place.offset, section.table, section.op));
}

}  // namespace troupe
