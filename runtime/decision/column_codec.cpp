#include "runtime/decision/column_codec.hpp"

#include "runtime/job/message_parts.hpp"

#include <capnp/serialize.h>

#include <cstring>
#include <utility>

namespace troupe {
namespace {

using namespace message_parts;

template <class S, class Fill>
std::string encoded(Fill fill) {
  capnp::MallocMessageBuilder message;
  fill(message.initRoot<S>());
  const kj::Array<capnp::word> words = capnp::messageToFlatArray(message);
  const auto chars = words.asChars();
  return {chars.begin(), chars.size()};
}

/// Rows are read by the million words, but come from our own disk: the limit is only a fuse.
constexpr std::uint64_t column_words_max = std::uint64_t{64} << 20;

template <class S, class Read>
Result<> decoded(std::string_view column, const char* what, Read read) {
  if (column.size() % sizeof(capnp::word) != 0 || column.empty()) {
    return fail(ErrorCode::corrupt, "{}: {} bytes are no whole words", what, column.size());
  }
  try {
    auto words = kj::heapArray<capnp::word>(column.size() / sizeof(capnp::word));
    std::memcpy(words.begin(), column.data(), column.size());
    capnp::ReaderOptions options;
    options.traversalLimitInWords = column_words_max;
    capnp::FlatArrayMessageReader reader(words, options);
    read(reader.getRoot<S>());
    return {};
  } catch (const kj::Exception& exception) {
    return fail(ErrorCode::corrupt, "{}: {}", what, exception.getDescription().cStr());
  }
}

}  // namespace

std::string encode_splits(const Splits& splits) {
  return encoded<schema::SplitsRecord>([&](schema::SplitsRecord::Builder out) {
    write_list(out.initStages(splits.size()), splits,
               [](schema::SplitsRecord::Stage::Builder stage, const auto& subtasks) {
                 write_list(stage.initSubtasks(subtasks.size()), subtasks,
                            [](schema::SplitsRecord::Subtask::Builder subtask, const auto& each) {
                              write_list(subtask.initSplits(each.size()), each, write_split);
                            });
               });
  });
}

Result<Splits> decode_splits(std::string_view column) {
  Splits splits;
  TRY(decoded<schema::SplitsRecord>(column, "splits", [&](schema::SplitsRecord::Reader in) {
    for (const auto stage : in.getStages()) {
      auto& subtasks = splits.emplace_back();
      for (const auto subtask : stage.getSubtasks()) {
        subtasks.push_back(read_list<Split>(subtask.getSplits(), read_split));
      }
    }
  }));
  return splits;
}

std::string encode_outputs(const std::vector<OutputSummary>& outputs) {
  return encoded<schema::OutputsRecord>([&](schema::OutputsRecord::Builder out) {
    write_list(out.initOutputs(outputs.size()), outputs, write_output);
  });
}

Result<std::vector<OutputSummary>> decode_outputs(std::string_view column) {
  std::vector<OutputSummary> outputs;
  TRY(decoded<schema::OutputsRecord>(column, "outputs", [&](schema::OutputsRecord::Reader in) {
    outputs = read_list<OutputSummary>(in.getOutputs(), read_output);
  }));
  return outputs;
}

std::string encode_manifest(const std::vector<SinkPart>& sinks) {
  return encoded<schema::ManifestRecord>([&](schema::ManifestRecord::Builder out) {
    write_list(out.initSinks(sinks.size()), sinks,
               [](schema::ManifestRecord::SinkPart::Builder part, const SinkPart& sink) {
                 part.setVertex(sink.vertex);
                 write_list(part.initCommittables(sink.committables.size()), sink.committables,
                            write_committable);
               });
  });
}

Result<std::vector<SinkPart>> decode_manifest(std::string_view column) {
  std::vector<SinkPart> sinks;
  TRY(decoded<schema::ManifestRecord>(column, "manifest", [&](schema::ManifestRecord::Reader in) {
    for (const auto part : in.getSinks()) {
      sinks.push_back({text(part.getVertex()),
                       read_list<Committable>(part.getCommittables(), read_committable)});
    }
  }));
  return sinks;
}

std::string encode_committables(const std::vector<Committable>& committables) {
  return encode_manifest({{"", committables}});
}

Result<std::vector<Committable>> decode_committables(std::string_view column) {
  std::vector<SinkPart> sinks = TRY(decode_manifest(column));
  if (sinks.size() != 1) {
    return fail(ErrorCode::corrupt, "committables of {} sinks in one row", sinks.size());
  }
  return std::move(sinks.front().committables);
}

}  // namespace troupe
