#pragma once

#include "runtime/connectors/file_format.hpp"
#include "runtime/connectors/source.hpp"
#include "runtime/ops/operator_kind.hpp"

#include <memory>
#include <string>

namespace troupe {

/// Parts of files, cut so that subtasks balance: a few for each, of a size that is worth a file
/// opening.
inline constexpr std::int64_t parts_a_subtask = 4;
inline constexpr std::int64_t part_bytes_min = 1 << 20;
inline constexpr std::int64_t part_bytes_max = 64 << 20;

/// The rows of all files that a pattern names, in one format.
class FileSource final : public Source {
 public:
  FileSource(std::string pattern, std::shared_ptr<const ReadFormat> format, ReadRequest request)
      : pattern_(std::move(pattern)), format_(std::move(format)), request_(std::move(request)) {}

  Result<std::vector<Split>> splits(std::uint32_t wanted) override;
  Result<std::unique_ptr<SplitReader>> open(const Split& split) override;

 private:
  const std::string pattern_;
  const std::shared_ptr<const ReadFormat> format_;
  const ReadRequest request_;
};

/// Plans the source of a `read.*` operator: finds the files and their columns, unless `context`
/// has them already, and applies its `path` and `columns` and what the planner has pushed down.
Result<OperatorPlan> plan_file_source(const OperatorDescription& description,
                                      const Options& options, const PlanContext& context,
                                      std::shared_ptr<const ReadFormat> format);

/// The parameters that every `read.*` operator has: `path` and `columns`.
std::vector<Parameter> file_source_parameters(const std::string& extension);

}  // namespace troupe
