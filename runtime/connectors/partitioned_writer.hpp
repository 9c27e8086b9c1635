#pragma once

#include "runtime/connectors/file_sink.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What a writer of part files needs to know of its attempt.
struct StagingPlace {
  std::string directory;                        ///< of the attempt; made
  std::string tag;                              ///< its name
  std::string part;                             ///< what a part file of this subtask is called
  bool stream = false;                          ///< each epoch has files of its own
  std::int64_t bytes_max = writer_bytes_usual;  ///< what its writer may hold, about

  /// In the output; in a stream no other epoch has the name.
  std::string name_in_epoch(const std::string& name, Epoch epoch) const;
};

/// Writes rows into directories named by their values, `year=2013/part-00000.csv`, without the
/// columns that the names tell. At most `open_files_max` files are open: the one that has waited
/// longest is finished, and a later row of its directory begins another, `part-00000-2.csv`. Where
/// all open files hold too much, the one that holds the most lets go of it.
class PartitionedWriter final : public SinkWriter {
 public:
  static constexpr std::size_t open_files_max = 64;

  /// `columns` are columns of `schema` that `check_partition_type` takes.
  PartitionedWriter(FileSystem& files, StagingPlace place, const SchemaPtr& schema,
                    std::vector<std::string> columns, std::shared_ptr<const WriteFormat> format);
  ~PartitionedWriter() override;

  Result<> write(const Batch& batch) override;
  Result<std::vector<Committable>> prepare(Epoch) override;

 private:
  struct OpenFile;
  Result<> write(const std::string& directory, const Batch& rows);
  Result<OpenFile*> open(const std::string& directory);
  Result<> keep_to_limit();
  Result<> finish(OpenFile& file);
  std::string free_name(const std::string& directory);

  FileSystem& files_;
  const StagingPlace place_;
  const std::vector<std::string> columns_;
  const std::shared_ptr<const WriteFormat> format_;
  struct State;
  const std::unique_ptr<State> state_;
  bool prepared_ = false;  ///< else nobody will commit what is staged: it goes with the writer
};

/// The columns that stay in the files.
SchemaPtr without_columns(const SchemaPtr& schema, const std::vector<std::string>& columns);

}  // namespace troupe
