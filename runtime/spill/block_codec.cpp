#include "runtime/spill/block_codec.hpp"

#include "runtime/base/node_fault.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/data/key_hash.hpp"
#include "runtime/data/take.hpp"
#include "runtime/spill/partition_reader.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>
#include <xxhash.h>

namespace troupe {
namespace {

/// Every block carries its dictionaries, so one that is not small beside the block costs too much.
bool dictionary_pays(const arrow::Array& array) {
  const std::int64_t entries = array.data()->dictionary->length;
  return entries <= 256 || entries * 4 <= array.length();
}

Result<Batch> with_cheap_dictionaries(const Batch& batch) {
  arrow::FieldVector fields;
  std::vector<std::shared_ptr<arrow::Array>> columns;
  bool changed = false;
  for (int i = 0; i < batch.columns()->num_columns(); ++i) {
    auto column = batch.columns()->column(i);
    if (column->type_id() == arrow::Type::DICTIONARY && !dictionary_pays(*column)) {
      column = TRY(plain(column));
      changed = true;
    }
    const auto& field = batch.columns()->schema()->field(i);
    // The schema may tell the logical type; a file needs the type that the bytes have.
    changed = changed || !field->type()->Equals(*column->type());
    fields.push_back(field->WithType(column->type()));
    columns.push_back(std::move(column));
  }
  if (!changed) return batch;
  return Batch(
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.rows(), std::move(columns)));
}

/// Values that have no canonical bytes (nested ones) are hashed as their text: slow, but the same
/// everywhere.
std::vector<std::uint64_t> hashes_of_text(const arrow::Array& column) {
  std::vector<std::uint64_t> hashes;
  for (std::int64_t i = 0; i < column.length(); ++i) {
    const auto scalar = column.GetScalar(i);
    const std::string text = scalar.ok() ? (*scalar)->ToString() : std::string();
    hashes.push_back(XXH3_64bits(text.data(), text.size()));
  }
  return hashes;
}

Error corrupt(const std::string& file, const SpillBlock& block, const std::string& why) {
  return node_fault(make_error(ErrorCode::corrupt, "'{}' at byte {}: {}", file, block.offset, why));
}

}  // namespace

Result<std::shared_ptr<arrow::Buffer>> encode_block(const Batch& batch,
                                                    SpillCompression compression) {
  const Batch encoded = TRY(with_cheap_dictionaries(batch));
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  options.use_threads = false;
  if (compression == SpillCompression::lz4) {
    options.codec = TRY(arrow_try(arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME)));
  }
  auto sink = TRY(arrow_try(arrow::io::BufferOutputStream::Create(batch.bytes() + 4096)));
  auto writer =
      TRY(arrow_try(arrow::ipc::MakeStreamWriter(sink, encoded.columns()->schema(), options)));
  TRY(arrow_try(writer->WriteRecordBatch(*encoded.columns())));
  TRY(arrow_try(writer->Close()));
  return arrow_try(sink->Finish());
}

Result<Batch> decode_block(std::string bytes, const SpillBlock& block, const std::string& file) {
  // Checked before Arrow looks at them: its reader trusts the offsets within.
  if (bytes.size() != block.bytes)
    return corrupt(file, block, "the file is shorter than its index says");
  if (XXH3_64bits(bytes.data(), bytes.size()) != block.checksum) {
    return corrupt(file, block, "a block fails its checksum");
  }
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  const auto source =
      std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::move(bytes)));
  auto reader = TRY(arrow_try(arrow::ipc::RecordBatchStreamReader::Open(source, options)));
  std::shared_ptr<arrow::RecordBatch> columns;
  TRY(arrow_try(reader->ReadNext(&columns)));
  if (columns == nullptr || columns->num_rows() != block.rows) {
    return corrupt(file, block, "a block does not hold the rows its index says");
  }
  return Batch(std::move(columns));
}

Result<> hashes_of_rows(const Batch& batch, std::vector<std::uint64_t>& out) {
  const auto rows = static_cast<std::size_t>(batch.rows());
  out.assign(rows, 0);
  std::vector<std::uint64_t> hashes;
  for (int i = 0; i < batch.columns()->num_columns(); ++i) {
    const auto column = batch.columns()->column(i);
    if (const auto hashed = hash_keys({column}, batch.rows(), hashes); !hashed) {
      if (hashed.error().code != ErrorCode::unsupported) return hashed.error();
      hashes = hashes_of_text(*column);
    }
    // Multiplying by an odd number keeps (1, 2) and (2, 1) apart.
    for (std::size_t row = 0; row < rows; ++row) {
      out[row] = out[row] * 0x9E3779B97F4A7C15u + hashes[row];
    }
  }
  return {};
}

Result<std::uint64_t> hash_of_rows(const Batch& batch) {
  std::vector<std::uint64_t> sums;
  TRY(hashes_of_rows(batch, sums));
  // A sum does not depend on the order of the rows. Each row is mixed first: a plain sum would not
  // notice two rows that have swapped a value.
  std::uint64_t total = 0;
  for (const std::uint64_t sum : sums) total += (sum ^ (sum >> 29)) * 0xD6E8FEB86659FD93u;
  return total;
}

}  // namespace troupe
