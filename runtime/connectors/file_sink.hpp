#pragma once

#include "runtime/connectors/file_commit.hpp"
#include "runtime/formats/batch_writer.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/operator/sink.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// A way to write files, with its options: what `write.parquet` and its like differ in. Immutable,
/// shared by threads.
class WriteFormat {
 public:
  virtual ~WriteFormat() = default;
  /// Of the files it writes, the one for parts first: ".parquet". A path that ends so means a
  /// single file.
  virtual std::vector<std::string> extensions() const = 0;
  /// Error where the format cannot hold such columns.
  virtual Result<> check(const arrow::Schema& schema) const = 0;
  /// The writer holds about `bytes_max` of rows on their way into the file. Blocks.
  virtual Result<std::unique_ptr<BatchWriter>> create(FileSystem& files, const std::string& path,
                                                      const SchemaPtr& schema,
                                                      std::int64_t bytes_max) const = 0;
};

/// Writes a directory of part files, one a subtask, or a single file.
class FileSink final : public Sink {
 public:
  struct Settings {
    std::string path;
    FileCommit::Existing existing = FileCommit::Existing::replace;
    SchemaPtr schema;
    std::vector<std::string> partition_by = {};  ///< columns that become directories
    bool stream = false;                         ///< epoch after epoch adds files
  };
  /// True where `path` names a single file of this format.
  static bool single_file(const std::string& path, const WriteFormat& format);

  /// Where the path is a symbolic link, the output is where the link leads, and the link stays.
  static Result<std::shared_ptr<FileSink>> make(FileSystem& files, Settings settings,
                                                std::shared_ptr<const WriteFormat> format);

  Result<std::unique_ptr<SinkWriter>> open(const SinkContext& context) override;
  Result<> commit(const SinkCommit& what, const std::vector<Committable>& staged) override;
  Result<> clean_up(const std::string& marker) override;

 private:
  FileSink(FileSystem& files, Settings settings, std::string place,
           std::shared_ptr<const WriteFormat> format);
  Result<> check_target() const;
  Result<> check_only_data(const std::string& directory) const;

  FileSystem& files_;
  const Settings settings_;
  const std::shared_ptr<const WriteFormat> format_;
  const bool single_;
  const std::string place_;  ///< the path without links at its end
  const FileCommit commit_;
};

/// What a commit is told of a staged file.
std::string detail_of(const StagedFile& file);

/// Plans the sink of a `write.*` operator from its `path` and `mode`.
Result<OperatorPlan> plan_file_sink(const OperatorDescription& description, const Options& options,
                                    const PlanInput& input, const PlanContext& context,
                                    std::shared_ptr<const WriteFormat> format);

/// The parameters that every `write.*` operator has.
std::vector<Parameter> file_sink_parameters(const std::string& extension);

/// What `notes` of every `write.*` operator say about when readers see what.
extern const char* const file_sink_notes;

}  // namespace troupe
