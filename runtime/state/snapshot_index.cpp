#include "runtime/state/snapshot_index.hpp"

#include "runtime/base/node_fault.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/spill/index_words.hpp"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/type.h>
#include <xxhash.h>

namespace troupe {
namespace {

/// The last bytes of every snapshot; the last two tell the version.
constexpr std::string_view magic = "TRSTAT01";

Error corrupt(const std::string& file, const std::string& why) {
  return node_fault(make_error(ErrorCode::corrupt, "the snapshot '{}' {}", file, why));
}

Result<std::string> bytes_of(const arrow::Schema& schema) {
  const auto buffer = TRY(arrow_try(arrow::ipc::SerializeSchema(schema)));
  return buffer->ToString();
}

Result<SchemaPtr> schema_from(std::string bytes) {
  arrow::io::BufferReader source(arrow::Buffer::FromString(std::move(bytes)));
  arrow::ipc::DictionaryMemo memo;
  return arrow_try(arrow::ipc::ReadSchema(&source, &memo));
}

void put(std::string& bytes, const KeyGroupRange& groups) {
  put_word(bytes, groups.begin);
  put_word(bytes, groups.end);
}

KeyGroupRange range_from(IndexWords& words) {
  const std::uint64_t begin = words.next(), end = words.next();
  // A range that no 32 bits hold is none: it fails the check of its place.
  if (begin > UINT32_MAX || end > UINT32_MAX) return {1, 0};
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
}

Result<> put(std::string& bytes, const SnapshotSection& section) {
  put_text(bytes, section.op);
  put_text(bytes, section.table);
  put_text(bytes, TRY(bytes_of(*section.schema)));
  put_word(bytes, section.key.size());
  for (const std::string& column : section.key) put_text(bytes, column);
  put_word(bytes, static_cast<std::uint64_t>(section.merge));
  put_word(bytes, static_cast<std::uint64_t>(section.owner));
  put_word(bytes, section.blocks.size());
  for (const SnapshotBlock& block : section.blocks) {
    put_word(bytes, block.place.offset);
    put_word(bytes, block.place.bytes);
    put_word(bytes, static_cast<std::uint64_t>(block.place.rows));
    put_word(bytes, block.place.checksum);
    put(bytes, block.groups);
    put_word(bytes, static_cast<std::uint64_t>(block.memory_bytes));
  }
  return {};
}

SnapshotBlock block_from(IndexWords& words) {
  SnapshotBlock block;
  block.place.offset = words.next();
  block.place.bytes = words.next();
  block.place.rows = static_cast<std::int64_t>(words.next());
  block.place.checksum = words.next();
  block.groups = range_from(words);
  block.memory_bytes = static_cast<std::int64_t>(words.next());
  return block;
}

Result<SnapshotSection> section_from(IndexWords& words) {
  SnapshotSection section;
  section.op = words.text();
  section.table = words.text();
  section.schema = TRY(schema_from(words.text()));
  section.key.resize(words.count(8));
  for (std::string& column : section.key) column = words.text();
  section.merge = static_cast<StateMerge>(words.next());
  section.owner = static_cast<StateOwner>(words.next());
  section.blocks.resize(words.count(56));
  for (SnapshotBlock& block : section.blocks) block = block_from(words);
  return section;
}

/// Blocks without gap or overlap, each in its file and in the order of groups.
bool in_place(const SnapshotIndex& index) {
  std::uint64_t at = 0;
  for (const SnapshotSection& section : index.sections) {
    std::uint32_t group = 0;
    for (const SnapshotBlock& block : section.blocks) {
      const bool here = block.place.offset == at && block.place.bytes <= index.data_bytes - at;
      const bool ordered = !block.groups.empty() && block.groups.begin >= group &&
                           block.groups.end <= index.key_groups;
      if (!here || !ordered || block.place.rows <= 0 || block.memory_bytes < 0) return false;
      at += block.place.bytes;
      if (section.owner == StateOwner::key_groups) group = block.groups.end - 1;
    }
  }
  return at == index.data_bytes;
}

}  // namespace

std::int64_t SnapshotIndex::rows() const {
  std::int64_t rows = 0;
  for (const SnapshotSection& section : sections) {
    for (const SnapshotBlock& block : section.blocks) rows += block.place.rows;
  }
  return rows;
}

Result<std::string> SnapshotIndex::encode() const {
  std::string bytes;
  put_text(bytes, key_hash_name);
  put_word(bytes, key_groups);
  put(bytes, groups);
  put_word(bytes, epoch_first.value());
  put_word(bytes, epoch_last.value());
  put_word(bytes, data_bytes);
  put_word(bytes, sections.size());
  for (const SnapshotSection& section : sections) TRY(put(bytes, section));
  const std::uint64_t length = bytes.size();
  const std::uint64_t checksum = XXH3_64bits(bytes.data(), bytes.size());
  put_word(bytes, length);
  put_word(bytes, checksum);
  bytes += magic;
  return bytes;
}

Result<std::uint64_t> SnapshotIndex::index_bytes(std::string_view footer, std::uint64_t file_bytes,
                                                 const std::string& file) {
  if (footer.size() != footer_bytes) return corrupt(file, "is too short to be one");
  const std::string_view end = footer.substr(footer_bytes - magic.size());
  if (end.substr(0, 6) != magic.substr(0, 6)) return corrupt(file, "does not end as one");
  if (end != magic) return corrupt(file, fmt::format("is of version {}, not 01", end.substr(6)));
  const std::uint64_t bytes = IndexWords(footer).next();
  if (bytes > file_bytes - footer_bytes) {
    return corrupt(file, fmt::format("has {} bytes, its index alone says {}", file_bytes, bytes));
  }
  return bytes;
}

Result<SnapshotIndex> SnapshotIndex::decode(std::string_view bytes, std::uint64_t file_bytes,
                                            const std::string& file) {
  const std::string_view footer = bytes.substr(bytes.size() - std::min(bytes.size(), footer_bytes));
  const std::uint64_t length = TRY(index_bytes(footer, file_bytes, file));
  const std::string_view body = bytes.substr(0, bytes.size() - footer_bytes);
  if (body.size() != length ||
      IndexWords(footer.substr(8)).next() != XXH3_64bits(body.data(), body.size())) {
    return corrupt(file, "has an index that fails its checksum");
  }
  IndexWords words(body);
  if (const std::string hash = words.text(); hash != key_hash_name) {
    return corrupt(file,
                   fmt::format("groups keys by the hash '{}', not '{}'", hash, key_hash_name));
  }
  SnapshotIndex index;
  const std::uint64_t groups = words.next();
  index.key_groups = static_cast<std::uint32_t>(std::min<std::uint64_t>(groups, UINT16_MAX + 1));
  index.groups = range_from(words);
  index.epoch_first = Epoch(words.next());
  index.epoch_last = Epoch(words.next());
  index.data_bytes = words.next();
  for (std::size_t i = words.count(56); i > 0; --i) {
    auto section = section_from(words);
    if (!section)
      return corrupt(file, "has an index that cannot be read: " + section.error().message);
    index.sections.push_back(std::move(*section));
  }
  if (!words.ended_well() || index.data_bytes != file_bytes - bytes.size() || !in_place(index)) {
    return corrupt(file, "does not hold what its index announces");
  }
  return index;
}

}  // namespace troupe
