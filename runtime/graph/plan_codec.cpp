#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/graph/graph_check.hpp"
#include "runtime/graph/job_graph.hpp"
#include "schemas/plan.capnp.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/type.h>
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>
#include <map>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace troupe {
namespace {

constexpr std::uint32_t plan_format = 1;
constexpr std::size_t plan_bytes_max = std::size_t{64} << 20;
constexpr int json_depth_max = 64;

kj::StringPtr to_kj(const std::string& text) { return {text.c_str(), text.size()}; }
std::string to_std(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

/// Sorts the names of parameters. Deeper levels keep their order: it may be the order of columns.
std::string canonical_json(const Json& with) {
  std::map<std::string, Json> sorted;
  for (const auto& [name, value] : with.items()) sorted.emplace(name, value);
  Json canonical = Json::object();
  for (auto& [name, value] : sorted) canonical[name] = std::move(value);
  return json_text(canonical);
}

std::string encode_schema(const arrow::Schema& schema) {
  const auto bytes = arrow::ipc::SerializeSchema(schema);
  ENSURE(bytes.ok(), "a schema that Arrow cannot write: {}", bytes.status().ToString());
  return bytes.ValueUnsafe()->ToString();
}

Result<SchemaPtr> decode_schema(capnp::Data::Reader bytes) {
  arrow::io::BufferReader input(
      arrow::Buffer::FromString({reinterpret_cast<const char*>(bytes.begin()), bytes.size()}));
  arrow::ipc::DictionaryMemo memo;
  return TRY(arrow_try(arrow::ipc::ReadSchema(&input, &memo)));
}

void put(schema::PlanSettings::Builder out, const JobSettings& settings) {
  out.setMode(static_cast<std::uint16_t>(settings.mode));
  out.setParallelism(settings.parallelism.value_or(0));
  out.setMemoryBytes(settings.memory_bytes);
  out.setRestartAttempts(settings.restart.attempts);
  out.setRestartWindowNs(settings.restart.window.count());
  out.setRestartInitialDelayNs(settings.restart.initial_delay.count());
  out.setRestartMaxDelayNs(settings.restart.max_delay.count());
  out.setCheckpointEveryNs(settings.checkpoint.every.count());
  out.setCheckpointTimeoutNs(settings.checkpoint.timeout.count());
  out.setCheckpointKeep(settings.checkpoint.keep);
  out.setCheckpointCopiesMin(settings.checkpoint.copies_min);
  if (!settings.checkpoint.directory.empty()) {
    out.setCheckpointDirectory(to_kj(settings.checkpoint.directory));
  }
}

void put(schema::PlanVertex::Builder out, const JobVertex& vertex,
         const std::map<std::string, std::uint32_t>& places) {
  out.setId(to_kj(vertex.id));
  out.setOp(to_kj(vertex.op));
  out.setWith(to_kj(canonical_json(*vertex.with)));
  auto inputs = out.initInputs(static_cast<unsigned>(vertex.inputs.size()));
  for (unsigned i = 0; i < inputs.size(); ++i) {
    inputs[i].setVertex(places.at(vertex.inputs[i].from));
    if (!vertex.inputs[i].port.empty()) inputs[i].setPort(to_kj(vertex.inputs[i].port));
  }
  out.setParallelism(vertex.parallelism.value_or(0));
  if (vertex.resolved) {
    const std::string bytes = encode_schema(*vertex.resolved);
    out.setResolved({reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()});
  }
  if (vertex.projection) {
    auto columns =
        out.getProjection().initColumns(static_cast<unsigned>(vertex.projection->size()));
    for (unsigned i = 0; i < columns.size(); ++i) columns.set(i, to_kj((*vertex.projection)[i]));
  }
  out.setPredicate(to_kj(vertex.predicate));
  if (vertex.event_time) {
    auto time = out.initEventTime();
    time.setValue(to_kj(vertex.event_time->value));
    time.setMaxOutOfOrderNs(vertex.event_time->max_out_of_order.count());
    time.setIdleAfterNs(vertex.event_time->idle_after.value_or(Duration(0)).count());
  }
}

JobSettings get(schema::PlanSettings::Reader in) {
  JobSettings settings;
  settings.mode = static_cast<JobMode>(in.getMode());
  if (in.getParallelism()) settings.parallelism = in.getParallelism();
  settings.memory_bytes = in.getMemoryBytes();
  settings.restart.attempts = in.getRestartAttempts();
  settings.restart.window = Duration(in.getRestartWindowNs());
  settings.restart.initial_delay = Duration(in.getRestartInitialDelayNs());
  settings.restart.max_delay = Duration(in.getRestartMaxDelayNs());
  settings.checkpoint.every = Duration(in.getCheckpointEveryNs());
  settings.checkpoint.timeout = Duration(in.getCheckpointTimeoutNs());
  settings.checkpoint.keep = in.getCheckpointKeep();
  settings.checkpoint.copies_min = in.getCheckpointCopiesMin();
  settings.checkpoint.directory = to_std(in.getCheckpointDirectory());
  return settings;
}

/// A map of parameters. Depth is limited, or nested text could overflow the stack of later walks.
Result<std::shared_ptr<const Json>> get_with(const std::string& text) {
  int deepest = 0;
  const auto watch = [&](int depth, Json::parse_event_t, Json&) {
    deepest = std::max(deepest, depth);
    return depth <= json_depth_max;
  };
  Json with = Json::parse(text, watch, false);
  if (with.is_discarded() || !with.is_object() || deepest > json_depth_max) {
    return make_error(ErrorCode::corrupt, "the parameters of an operator are no map");
  }
  return std::make_shared<const Json>(std::move(with));
}

Result<JobVertex> get(schema::PlanVertex::Reader in, const std::vector<JobVertex>& earlier) {
  JobVertex vertex;
  vertex.id = to_std(in.getId());
  vertex.op = to_std(in.getOp());
  vertex.with = TRY(get_with(to_std(in.getWith())));
  for (const auto input : in.getInputs()) {
    if (input.getVertex() >= earlier.size()) {
      return make_error(ErrorCode::corrupt, "'{}' reads operator {}", vertex.id, input.getVertex());
    }
    vertex.inputs.push_back({earlier[input.getVertex()].id, to_std(input.getPort())});
  }
  if (in.getParallelism()) vertex.parallelism = in.getParallelism();
  if (in.hasResolved()) vertex.resolved = TRY(decode_schema(in.getResolved()));
  if (in.getProjection().isColumns()) {
    vertex.projection.emplace();
    for (const auto name : in.getProjection().getColumns()) {
      vertex.projection->push_back(to_std(name));
    }
  }
  vertex.predicate = to_std(in.getPredicate());
  if (in.hasEventTime()) {
    vertex.event_time = TimeSettings{to_std(in.getEventTime().getValue()),
                                     Duration(in.getEventTime().getMaxOutOfOrderNs())};
    const Duration idle_after(in.getEventTime().getIdleAfterNs());
    if (idle_after > Duration(0)) vertex.event_time->idle_after = idle_after;
  }
  return vertex;
}

Result<JobGraph> get(schema::Plan::Reader in) {
  if (in.getFormat() != plan_format) {
    return make_error(ErrorCode::unsupported, "a plan of format {}; this version reads {}",
                      in.getFormat(), plan_format);
  }
  JobGraph graph;
  graph.name = JobName(to_std(in.getName()));
  if (in.getSettings().getMode() > static_cast<std::uint16_t>(EnumOf<JobMode>::last)) {
    return make_error(ErrorCode::unsupported, "a plan of mode {}", in.getSettings().getMode());
  }
  graph.settings = get(in.getSettings());
  if (in.getVertices().size() > vertices_max) {
    return make_error(ErrorCode::corrupt, "a plan of {} operators", in.getVertices().size());
  }
  for (const auto vertex : in.getVertices()) {
    graph.vertices.push_back(TRY(get(vertex, graph.vertices)));
  }
  TRY(well_formed(graph));
  return graph;
}

}  // namespace

std::string encode_plan(const JobGraph& graph) {
  const Result<> formed = well_formed(graph);
  ENSURE(formed.ok(), "a graph that no check has seen: {}", formed.error().to_string());
  capnp::MallocMessageBuilder message;
  auto plan = message.initRoot<schema::Plan>();
  plan.setFormat(plan_format);
  plan.setName(to_kj(graph.name.value()));
  put(plan.initSettings(), graph.settings);
  auto vertices = plan.initVertices(static_cast<unsigned>(graph.vertices.size()));
  std::map<std::string, std::uint32_t> places;
  for (unsigned i = 0; i < vertices.size(); ++i) {
    put(vertices[i], graph.vertices[i], places);
    places.emplace(graph.vertices[i].id, i);
  }
  // The hash of these bytes names a version of the job: equal graphs must have equal bytes.
  const kj::Array<capnp::word> words = capnp::canonicalize(plan.asReader());
  return {reinterpret_cast<const char*>(words.begin()), words.asBytes().size()};
}

Result<JobGraph> decode_plan(std::string_view bytes) {
  if (bytes.empty() || bytes.size() % sizeof(capnp::word) || bytes.size() > plan_bytes_max) {
    return make_error(ErrorCode::corrupt, "{} bytes are no plan", bytes.size());
  }
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes.data(), bytes.size());
  const kj::ArrayPtr<const capnp::word> segment = words;
  capnp::ReaderOptions options;
  // A sound plan is read once. The limit stops pointers that lead to the same bytes again and
  // again.
  options.traversalLimitInWords = 2 * words.size() + 1024;
  try {
    capnp::SegmentArrayMessageReader message(kj::arrayPtr(&segment, 1), options);
    return get(message.getRoot<schema::Plan>());
  } catch (const kj::Exception& broken) {
    return make_error(ErrorCode::corrupt, "no plan: {}", broken.getDescription().cStr());
  }
}

std::string plan_hash(const JobGraph& graph) {
  const std::string bytes = encode_plan(graph);
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace troupe
