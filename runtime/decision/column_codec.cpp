#include "runtime/decision/column_codec.hpp"

#include "runtime/protocol/struct_bytes.hpp"
#include "schemas/job.capnp.h"

#include <utility>

namespace troupe {
namespace {

// The columns as the schema has them.
struct OutputsColumn {
  using Schema = schema::OutputsRecord;
  std::vector<OutputSummary> outputs;

  static constexpr auto fields() { return std::tuple{field("outputs", &OutputsColumn::outputs)}; }
};
struct ManifestColumn {
  using Schema = schema::ManifestRecord;
  std::vector<SinkPart> sinks;
  std::vector<TaskPart> tasks;
  RunUid staged_by;

  static constexpr auto fields() {
    return std::tuple{field("sinks", &ManifestColumn::sinks),
                      field("tasks", &ManifestColumn::tasks),
                      field("staged_by", &ManifestColumn::staged_by)};
  }
};
struct SubtaskSplits {
  std::vector<Split> splits;

  static constexpr auto fields() { return std::tuple{field("splits", &SubtaskSplits::splits)}; }
};
struct StageSplits {
  std::vector<SubtaskSplits> subtasks;

  static constexpr auto fields() { return std::tuple{field("subtasks", &StageSplits::subtasks)}; }
};
struct SplitsColumn {
  using Schema = schema::SplitsRecord;
  std::vector<StageSplits> stages;

  static constexpr auto fields() { return std::tuple{field("stages", &SplitsColumn::stages)}; }
};

}  // namespace

std::string encode_splits(const Splits& splits) {
  SplitsColumn column;
  for (const auto& subtasks : splits) {
    auto& stage = column.stages.emplace_back();
    for (const auto& each : subtasks) stage.subtasks.push_back({each});
  }
  return bytes_of(column);
}

Result<Splits> decode_splits(std::string_view bytes) {
  Splits splits;
  for (auto& stage : TRY(read_bytes<SplitsColumn>(bytes, "splits")).stages) {
    auto& subtasks = splits.emplace_back();
    for (auto& each : stage.subtasks) subtasks.push_back(std::move(each.splits));
  }
  return splits;
}

std::string encode_outputs(const std::vector<OutputSummary>& outputs) {
  return bytes_of(OutputsColumn{outputs});
}

Result<std::vector<OutputSummary>> decode_outputs(std::string_view bytes) {
  return TRY(read_bytes<OutputsColumn>(bytes, "outputs")).outputs;
}

std::string encode_manifest(const Manifest& manifest) {
  return bytes_of(ManifestColumn{manifest.sinks, manifest.tasks, manifest.staged_by});
}

Result<Manifest> decode_manifest(std::string_view bytes) {
  auto column = TRY(read_bytes<ManifestColumn>(bytes, "manifest"));
  return Manifest{std::move(column.sinks), std::move(column.tasks), std::move(column.staged_by)};
}

std::string encode_committables(const std::vector<Committable>& committables) {
  return encode_manifest({{{"", committables}}, {}});
}

Result<std::vector<Committable>> decode_committables(std::string_view column) {
  std::vector<SinkPart> sinks = TRY(decode_manifest(column)).sinks;
  if (sinks.size() != 1) {
    return make_error(ErrorCode::corrupt, "committables of {} sinks in one row", sinks.size());
  }
  return std::move(sinks.front().committables);
}

}  // namespace troupe
