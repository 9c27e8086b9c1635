#include "runtime/decision/column_codec.hpp"

#include "runtime/protocol/struct_codec.hpp"
#include "schemas/job.capnp.h"

#include <capnp/serialize.h>

#include <cstring>
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

  static constexpr auto fields() { return std::tuple{field("sinks", &ManifestColumn::sinks)}; }
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

template <class Column>
std::string encoded(const Column& column) {
  capnp::MallocMessageBuilder message;
  struct_codec::write(message.initRoot<typename Column::Schema>(), column);
  const kj::Array<capnp::word> words = capnp::messageToFlatArray(message);
  const auto chars = words.asChars();
  return {chars.begin(), chars.size()};
}

/// Rows are read by the million words, but come from our own disk: the limit is only a fuse.
constexpr std::uint64_t column_words_max = std::uint64_t{64} << 20;

template <class Column>
Result<Column> decoded(std::string_view bytes, const char* what) {
  if (bytes.size() % sizeof(capnp::word) != 0 || bytes.empty()) {
    return make_error(ErrorCode::corrupt, "{}: {} bytes are no whole words", what, bytes.size());
  }
  try {
    auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
    std::memcpy(words.begin(), bytes.data(), bytes.size());
    capnp::ReaderOptions options;
    options.traversalLimitInWords = column_words_max;
    capnp::FlatArrayMessageReader reader(words, options);
    Column column;
    struct_codec::read(reader.getRoot<typename Column::Schema>(), column);
    return column;
  } catch (const kj::Exception& exception) {
    return make_error(ErrorCode::corrupt, "{}: {}", what, exception.getDescription().cStr());
  }
}

}  // namespace

std::string encode_splits(const Splits& splits) {
  SplitsColumn column;
  for (const auto& subtasks : splits) {
    auto& stage = column.stages.emplace_back();
    for (const auto& each : subtasks) stage.subtasks.push_back({each});
  }
  return encoded(column);
}

Result<Splits> decode_splits(std::string_view bytes) {
  Splits splits;
  for (auto& stage : TRY(decoded<SplitsColumn>(bytes, "splits")).stages) {
    auto& subtasks = splits.emplace_back();
    for (auto& each : stage.subtasks) subtasks.push_back(std::move(each.splits));
  }
  return splits;
}

std::string encode_outputs(const std::vector<OutputSummary>& outputs) {
  return encoded(OutputsColumn{outputs});
}

Result<std::vector<OutputSummary>> decode_outputs(std::string_view bytes) {
  return TRY(decoded<OutputsColumn>(bytes, "outputs")).outputs;
}

std::string encode_manifest(const std::vector<SinkPart>& sinks) {
  return encoded(ManifestColumn{sinks});
}

Result<std::vector<SinkPart>> decode_manifest(std::string_view bytes) {
  return TRY(decoded<ManifestColumn>(bytes, "manifest")).sinks;
}

std::string encode_committables(const std::vector<Committable>& committables) {
  return encode_manifest({{"", committables}});
}

Result<std::vector<Committable>> decode_committables(std::string_view column) {
  std::vector<SinkPart> sinks = TRY(decode_manifest(column));
  if (sinks.size() != 1) {
    return make_error(ErrorCode::corrupt, "committables of {} sinks in one row", sinks.size());
  }
  return std::move(sinks.front().committables);
}

}  // namespace troupe
