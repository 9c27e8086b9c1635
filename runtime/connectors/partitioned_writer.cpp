#include "runtime/connectors/partitioned_writer.hpp"

#include "runtime/connectors/partitions.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/os/file_pattern.hpp"

#include <arrow/array.h>
#include <arrow/compute/api.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>
#include <map>
#include <set>

namespace troupe {
namespace {

/// The directory of each row.
Result<std::vector<std::string>> directories_of(const Batch& batch,
                                                const std::vector<std::string>& columns) {
  std::vector<std::string> directories(static_cast<std::size_t>(batch.rows()));
  for (const std::string& name : columns) {
    const auto column = TRY(plain(batch.columns()->GetColumnByName(name)));
    // Each value becomes text once, however many rows have it.
    const auto encoded = TRY(arrow_try(arrow::compute::DictionaryEncode(column)));
    const auto array = encoded.make_array();
    const auto& dictionary = static_cast<const arrow::DictionaryArray&>(*array);
    std::vector<std::string> names;
    for (std::int64_t i = 0; i < dictionary.dictionary()->length(); ++i) {
      const auto value = TRY(arrow_try(dictionary.dictionary()->GetScalar(i)));
      names.push_back(partition_directory(name, *value));
    }
    const std::string null = partition_directory(name, *arrow::MakeNullScalar(column->type()));
    for (std::int64_t row = 0; row < batch.rows(); ++row) {
      std::string& directory = directories[static_cast<std::size_t>(row)];
      if (!directory.empty()) directory += '/';
      directory += dictionary.IsNull(row)
                       ? null
                       : names[static_cast<std::size_t>(dictionary.GetValueIndex(row))];
    }
  }
  return directories;
}

}  // namespace

SchemaPtr without_columns(const SchemaPtr& schema, const std::vector<std::string>& columns) {
  arrow::FieldVector fields;
  for (const auto& field : schema->fields()) {
    if (std::find(columns.begin(), columns.end(), field->name()) == columns.end()) {
      fields.push_back(field);
    }
  }
  return arrow::schema(std::move(fields));
}

struct PartitionedWriter::OpenFile {
  std::string name;  ///< in the output: "year=2013/part-00000.csv"
  std::unique_ptr<BatchWriter> writer;
  std::int64_t rows = 0;
  std::uint64_t used = 0;  ///< by the count of writes
};

struct PartitionedWriter::State {
  SchemaPtr schema;  ///< of the files
  std::map<std::string, OpenFile> open;
  std::map<std::string, int> begun;  ///< files by directory
  std::set<std::string> directories;
  std::vector<StagedFile> finished;
  std::uint64_t writes = 0;
};

PartitionedWriter::PartitionedWriter(FileSystem& files, StagingPlace place, const SchemaPtr& schema,
                                     std::vector<std::string> columns,
                                     std::shared_ptr<const WriteFormat> format)
    : files_(files),
      place_(std::move(place)),
      columns_(std::move(columns)),
      format_(std::move(format)),
      state_(std::make_unique<State>()) {
  state_->schema = without_columns(schema, columns_);
}

PartitionedWriter::~PartitionedWriter() {
  if (prepared_) return;
  state_->open.clear();
  static_cast<void>(files_.remove_all(place_.directory).ok());
}

Result<> PartitionedWriter::write(const Batch& batch) {
  const auto directories = TRY(directories_of(batch, columns_));
  std::map<std::string_view, std::vector<std::uint32_t>> rows;
  for (std::size_t row = 0; row < directories.size(); ++row) {
    rows[directories[row]].push_back(static_cast<std::uint32_t>(row));
  }
  arrow::ArrayVector kept;
  arrow::FieldVector fields;
  for (const auto& field : state_->schema->fields()) {
    kept.push_back(batch.columns()->GetColumnByName(field->name()));
    fields.push_back(field->WithType(kept.back()->type()));
  }
  const Batch values(
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.rows(), kept));
  for (const auto& [directory, numbers] : rows) {
    TRY(write(std::string(directory), TRY(take(values, numbers))));
  }
  return {};
}

Result<> PartitionedWriter::write(const std::string& directory, const Batch& rows) {
  OpenFile* file = TRY(open(directory));
  file->used = ++state_->writes;
  file->rows += rows.rows();
  TRY(file->writer->write(rows));
  return keep_to_limit();
}

/// Once a write is enough: a write adds little, and what an empty file holds cannot be let go.
Result<> PartitionedWriter::keep_to_limit() {
  std::int64_t held = 0;
  BatchWriter* largest = nullptr;
  for (const auto& [directory, file] : state_->open) {
    held += file.writer->held_bytes();
    if (largest == nullptr || file.writer->held_bytes() > largest->held_bytes()) {
      largest = file.writer.get();
    }
  }
  return held > place_.bytes_max ? largest->let_go() : Result<>();
}

Result<PartitionedWriter::OpenFile*> PartitionedWriter::open(const std::string& directory) {
  if (const auto known = state_->open.find(directory); known != state_->open.end()) {
    return &known->second;
  }
  if (state_->open.size() >= open_files_max) {
    const auto oldest = std::min_element(
        state_->open.begin(), state_->open.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
    TRY(finish(oldest->second));
    state_->open.erase(oldest);
  }
  const std::string inside = place_.directory + "/" + directory;
  TRY(make_durable_directories(files_, inside));
  state_->directories.insert(inside);
  OpenFile file{.name = directory + "/" + free_name(directory)};
  // Some are large and most are small: so many large ones hold what all may.
  constexpr std::int64_t large_files = 8;
  file.writer = TRY(format_->create(files_, place_.directory + "/" + file.name, state_->schema,
                                    place_.bytes_max / large_files));
  return &state_->open.emplace(directory, std::move(file)).first->second;
}

/// "part-00000.csv", then "part-00000-2.csv".
std::string PartitionedWriter::free_name(const std::string& directory) {
  const int number = ++state_->begun[directory];
  if (number == 1) return place_.part;
  const std::string ending(extension_of(place_.part));
  return fmt::format("{}-{}{}", place_.part.substr(0, place_.part.size() - ending.size()), number,
                     ending);
}

Result<> PartitionedWriter::finish(OpenFile& file) {
  TRY(file.writer->close());
  const std::uint64_t bytes = TRY(files_.size(place_.directory + "/" + file.name));
  const StagedFile staged{.staged = place_.tag + "/" + file.name,
                          .name = file.name,
                          .bytes = static_cast<std::int64_t>(bytes),
                          .rows = file.rows};
  state_->finished.push_back(staged);
  return {};
}

Result<std::vector<Committable>> PartitionedWriter::prepare(Epoch epoch) {
  for (auto& [directory, file] : state_->open) TRY(finish(file));
  state_->open.clear();
  for (const std::string& directory : state_->directories) TRY(files_.sync_directory(directory));
  // The attempt's name, and the marker's: an attempt before may have died in between.
  std::string directory = place_.directory;
  for (int i = 0; i < 3; ++i, directory = parent_of(directory)) {
    TRY(files_.sync_directory(directory));
  }
  prepared_ = true;
  std::vector<Committable> committables;
  for (StagedFile& file : std::exchange(state_->finished, {})) {
    file.name = place_.name_in_epoch(file.name, epoch);
    committables.push_back({.detail = detail_of(file), .rows = file.rows});
  }
  return committables;
}

}  // namespace troupe
