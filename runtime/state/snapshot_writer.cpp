#include "runtime/state/snapshot_writer.hpp"

#include "runtime/data/take.hpp"
#include "runtime/spill/block_codec.hpp"

#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <xxhash.h>

#include <algorithm>
#include <numeric>
#include <span>

namespace troupe {
namespace {

/// Rows in the order of their groups, and in their own within a group.
std::vector<std::uint32_t> order_of(const std::vector<KeyGroup>& groups, std::uint32_t key_groups) {
  std::vector<std::uint32_t> next(key_groups + 1, 0);
  for (const KeyGroup group : groups) ++next[group + 1u];
  std::partial_sum(next.begin(), next.end(), next.begin());
  std::vector<std::uint32_t> order(groups.size());
  for (std::uint32_t row = 0; row < groups.size(); ++row) order[next[groups[row]]++] = row;
  return order;
}

/// The next batches that fit into one section, at least one; `from` moves on.
std::vector<Batch> next_part(const std::vector<Batch>& rows, std::size_t& from,
                             std::int64_t bytes_max) {
  std::vector<Batch> part;
  for (std::int64_t bytes = 0; from < rows.size(); ++from) {
    bytes += rows[from].bytes();
    if (!part.empty() && bytes > bytes_max) break;
    part.push_back(rows[from]);
  }
  return part;
}

}  // namespace

/// The file under its temporary name, and the hash of what is in it.
class SnapshotWriter::Output {
 public:
  explicit Output(std::unique_ptr<WritableFile> file)
      : file_(std::move(file)), hash_(XXH3_createState(), &XXH3_freeState) {
    XXH3_64bits_reset(hash_.get());
  }

  Result<> append(std::string_view bytes) {
    XXH3_64bits_update(hash_.get(), bytes.data(), bytes.size());
    bytes_ += bytes.size();
    return file_->append(bytes);
  }
  Result<> finish() {
    TRY(file_->sync());
    return file_->close();
  }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t hash() const { return XXH3_64bits_digest(hash_.get()); }

 private:
  std::unique_ptr<WritableFile> file_;
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> hash_;
  std::uint64_t bytes_ = 0;
};

SnapshotWriter::SnapshotWriter(FileSystem& files, SnapshotOptions options)
    : files_(files), options_(std::move(options)), path_(options_.directory + "/" + options_.name) {
  index_.key_groups = options_.key_groups;
  index_.groups = options_.groups;
  index_.epoch_first = options_.epoch_first;
  index_.epoch_last = options_.epoch_last;
}

Result<std::unique_ptr<SnapshotWriter>> SnapshotWriter::create(FileSystem& files,
                                                               SnapshotOptions options) {
  std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(files, std::move(options)));
  TRY(files.make_directories(writer->options_.directory));
  writer->output_ = std::make_unique<Output>(TRY(files.create(writer->path_ + ".new")));
  return writer;
}

SnapshotWriter::~SnapshotWriter() {
  if (finished_ || !output_) return;
  output_.reset();
  static_cast<void>(files_.remove_all(path_ + ".new").ok());
  // Its name may stand already, if making that durable is what failed: nobody was told of it.
  static_cast<void>(files_.remove_all(path_).ok());
}

void SnapshotWriter::begin_section(const std::string& op, const StateTable& table) {
  SnapshotSection section;
  section.op = op;
  section.table = table.name;
  section.schema = table.schema->RemoveMetadata();
  section.key = table.key;
  section.merge = table.merge;
  section.owner = table.owner;
  index_.sections.push_back(std::move(section));
}

Result<> SnapshotWriter::write(const std::string& op, const StateTable& table,
                               const std::vector<Batch>& rows) {
  ENSURE(!finished_, "'{}' is finished", path_);
  std::vector<Batch> named;
  for (const Batch& batch : rows) {
    if (batch.rows() > 0) named.push_back(rows_of(table, batch));
  }
  if (table.owner == StateOwner::task) {
    begin_section(op, table);
    for (const Batch& batch : named) TRY(append_block(batch, all_key_groups(options_.key_groups)));
    return {};
  }
  for (std::size_t from = 0; from < named.size();) {
    const Batch part = TRY(concat(next_part(named, from, options_.section_bytes)));
    begin_section(op, table);
    TRY(write_sorted(table, part));
  }
  return {};
}

Result<> SnapshotWriter::write_more(const StateTable& table, const Batch& rows) {
  ENSURE(!index_.sections.empty() && index_.sections.back().table == table.name,
         "'{}' goes on without a section", table.name);
  return write_sorted(table, rows_of(table, rows));
}

Result<> SnapshotWriter::write_sorted(const StateTable& table, const Batch& rows) {
  ENSURE(rows.rows() < no_row, "{} rows of '{}' at once", rows.rows(), table.name);
  std::vector<std::uint64_t> hashes;
  TRY(hash_rows_of(table, rows, hashes));
  std::vector<KeyGroup> groups(hashes.size());
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    groups[i] = key_group_of(hashes[i], options_.key_groups);
    ENSURE(options_.groups.contains(groups[i]), "a row of '{}' in key group {}, not in [{}, {})",
           table.name, groups[i], options_.groups.begin, options_.groups.end);
  }
  return write_blocks(rows, groups, order_of(groups, options_.key_groups));
}

Result<> SnapshotWriter::write_blocks(const Batch& rows, const std::vector<KeyGroup>& groups,
                                      const std::vector<std::uint32_t>& order) {
  const std::int64_t row_bytes =
      std::max<std::int64_t>(1, rows.bytes() / std::max<std::int64_t>(1, rows.rows()));
  const auto step = static_cast<std::size_t>(
      std::clamp<std::int64_t>(options_.block_bytes / row_bytes, 1, batch_rows_max));
  for (std::size_t from = 0; from < order.size(); from += step) {
    const auto some = std::span(order).subspan(from, std::min(step, order.size() - from));
    const KeyGroupRange range{groups[some.front()], groups[some.back()] + 1u};
    TRY(append_block(TRY(take(rows, some)), range));
  }
  return {};
}

Result<> SnapshotWriter::append_block(const Batch& rows, const KeyGroupRange& groups) {
  const auto bytes = TRY(encode_block(rows, SpillCompression::lz4));
  SnapshotBlock block;
  block.place.offset = output_->bytes();
  block.place.bytes = static_cast<std::uint64_t>(bytes->size());
  block.place.rows = rows.rows();
  block.place.checksum = XXH3_64bits(bytes->data(), block.place.bytes);
  block.groups = groups;
  block.memory_bytes = rows.bytes();
  auto& blocks = index_.sections.back().blocks;
  ENSURE(blocks.empty() || index_.sections.back().owner == StateOwner::task ||
             groups.begin + 1 >= blocks.back().groups.end,
         "key group {} of '{}' comes after {}", groups.begin, index_.sections.back().table,
         blocks.back().groups.end - 1);
  blocks.push_back(block);
  return output_->append({reinterpret_cast<const char*>(bytes->data()), block.place.bytes});
}

Result<SnapshotFile> SnapshotWriter::finish() {
  ENSURE(!finished_, "'{}' is finished", path_);
  index_.data_bytes = output_->bytes();
  TRY(output_->append(TRY(index_.encode())));
  TRY(output_->finish());
  TRY(files_.rename(path_ + ".new", path_));
  TRY(files_.sync_directory(options_.directory));
  finished_ = true;
  SnapshotFile file;
  file.name = options_.name;
  file.bytes = output_->bytes();
  file.hash = output_->hash();
  file.rows = index_.rows();
  file.epoch_first = options_.epoch_first;
  file.epoch_last = options_.epoch_last;
  file.groups = options_.groups;
  return file;
}

}  // namespace troupe
