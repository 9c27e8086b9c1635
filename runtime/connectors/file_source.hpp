#pragma once

#include "runtime/connectors/file_format.hpp"
#include "runtime/operator/needed_values.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/operator/source.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Parts of files, cut so that subtasks balance: a few for each, of a size that is worth a file
/// opening.
inline constexpr std::int64_t parts_a_subtask = 4;
inline constexpr std::int64_t part_bytes_min = 1 << 20;
inline constexpr std::int64_t part_bytes_max = 64 << 20;

/// What makes the files of a source one table.
struct FileTable {
  std::string pattern;
  bool unite = false;  ///< columns that a file lacks are null, narrower types are widened
  std::vector<std::string> partitions = {};  ///< columns from the names of directories
  bool hive = true;                          ///< there may be such
  bool follow = false;                       ///< files go on coming
};

/// The rows of all files that a pattern names, in one format.
class FileSource final : public Source, public NarrowedSource {
 public:
  FileSource(FileTable table, std::shared_ptr<const ReadFormat> format, ReadRequest request)
      : files_(format->files()),
        table_(std::move(table)),
        format_(std::move(format)),
        request_(std::move(request)) {}

  Result<std::vector<Split>> splits(std::uint32_t wanted) override;
  Result<std::unique_ptr<BatchReader>> open(const Split& split) override {
    return open_narrowed(split, {});
  }
  std::unique_ptr<SplitSequence> sequence(const SubtaskOf& self,
                                          const SplitPosition& from) override;
  bool narrows() const override { return format_->narrows(); }
  Result<std::unique_ptr<BatchReader>> open_narrowed(const Split& split,
                                                     const ColumnTests& tests) override;

 private:
  Result<std::vector<Split>> parts_of(const std::string& path, const std::string& version,
                                      const ReadRequest& request, std::int64_t part_bytes) const;
  Result<std::unique_ptr<BatchReader>> open_part(const Split& split, const ColumnTests& tests);
  Result<std::unique_ptr<BatchReader>> open_whole(const std::string& path,
                                                  const std::string& version);
  Result<ReadRequest> request_of(const std::string& path) const;
  Result<bool> may_match(const std::string& path) const;

  FileSystem& files_;
  const FileTable table_;
  const std::shared_ptr<const ReadFormat> format_;
  const ReadRequest request_;
};

/// Plans the source of a `read.*` operator: finds the files and their columns, unless `context`
/// has them already, and applies its `path`, `columns`, `schema` and `partitions`, and what the
/// planner has pushed down.
Result<OperatorPlan> plan_file_source(const OperatorDescription& description,
                                      const Options& options, const PlanContext& context,
                                      std::shared_ptr<const ReadFormat> format);

/// The parameters that every `read.*` operator has.
std::vector<Parameter> file_source_parameters(const std::string& extension);

}  // namespace troupe
