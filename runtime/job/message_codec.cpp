#include "runtime/job/message_codec.hpp"

#include "schemas/job.capnp.h"

#include <capnp/serialize.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace troupe {
namespace {

// ---- the parts
// -----------------------------------------------------------------------------------

std::string text(capnp::Text::Reader reader) { return {reader.begin(), reader.size()}; }
std::string bytes(capnp::Data::Reader reader) {
  return {reinterpret_cast<const char*>(reader.begin()), reader.size()};
}
capnp::Data::Reader data(const std::string& value) {
  return {reinterpret_cast<const kj::byte*>(value.data()), value.size()};
}

/// Writes one element each; reads likewise.
template <class List, class Items, class Write>
void write_list(List list, const Items& items, Write write) {
  for (std::uint32_t i = 0; i < items.size(); ++i) write(list[i], items[i]);
}
template <class Item, class List, class Read>
std::vector<Item> read_list(List list, Read read) {
  std::vector<Item> items;
  items.reserve(list.size());
  for (const auto element : list) items.push_back(read(element));
  return items;
}

void write_task(schema::TaskRef::Builder out, const TaskId& task) {
  out.setStage(task.stage.value());
  out.setSubtask(task.subtask);
}
TaskId read_task(schema::TaskRef::Reader in) { return {StageId(in.getStage()), in.getSubtask()}; }

void write_peer(schema::TaskPeer::Builder out, const TaskPeer& peer) {
  write_task(out.initTask(), peer.task);
  out.setAttempt(peer.attempt.value());
  out.setNode(peer.node.value());
}
TaskPeer read_peer(schema::TaskPeer::Reader in) {
  return {read_task(in.getTask()), Attempt(in.getAttempt()), NodeId(text(in.getNode()))};
}

void write_edge(schema::EdgePeers::Builder out, const EdgePeers& edge) {
  out.setEdge(edge.edge);
  write_list(out.initPeers(edge.peers.size()), edge.peers, write_peer);
}
EdgePeers read_edge(schema::EdgePeers::Reader in) {
  return {in.getEdge(), read_list<TaskPeer>(in.getPeers(), read_peer)};
}

void write_node(schema::PeerNode::Builder out, const PeerNode& node) {
  out.setNode(node.node.value());
  out.setIncarnation(node.incarnation.value());
  out.setAddress(node.address);
}
PeerNode read_node(schema::PeerNode::Reader in) {
  return {NodeId(text(in.getNode())), Incarnation(in.getIncarnation()), text(in.getAddress())};
}

void write_split(schema::SplitRef::Builder out, const Split& split) {
  out.setDetail(split.detail);
  out.setBytes(split.bytes);
  out.setRows(split.rows);
}
Split read_split(schema::SplitRef::Reader in) {
  return {text(in.getDetail()), in.getBytes(), in.getRows()};
}

void write_output(schema::OutputSummary::Builder out, const OutputSummary& output) {
  out.setEdge(output.edge);
  write_list(out.initPartitions(output.partitions.size()), output.partitions,
             [](schema::PartitionSummary::Builder part, const PartitionSummary& summary) {
               part.setRows(summary.rows);
               part.setHash(summary.hash);
             });
}
OutputSummary read_output(schema::OutputSummary::Reader in) {
  return {in.getEdge(), read_list<PartitionSummary>(
                            in.getPartitions(), [](schema::PartitionSummary::Reader part) {
                              return PartitionSummary{part.getRows(), part.getHash()};
                            })};
}

void write_committable(schema::CommittableRef::Builder out, const Committable& staged) {
  out.setDetail(data(staged.detail));
  out.setRows(staged.rows);
}
Committable read_committable(schema::CommittableRef::Reader in) {
  return {bytes(in.getDetail()), in.getRows()};
}

void write_vertex(schema::VertexCounters::Builder out, const VertexCounters& vertex) {
  out.setVertex(vertex.vertex);
  out.setRowsIn(vertex.rows_in);
  out.setRowsOut(vertex.rows_out);
  out.setBytesIn(vertex.bytes_in);
  out.setBytesOut(vertex.bytes_out);
}
VertexCounters read_vertex(schema::VertexCounters::Reader in) {
  return {text(in.getVertex()), in.getRowsIn(), in.getRowsOut(), in.getBytesIn(), in.getBytesOut()};
}

void write_counters(schema::TaskCounters::Builder out, const TaskCounters& counters) {
  write_list(out.initVertices(counters.vertices.size()), counters.vertices, write_vertex);
  out.setBusyNanos(counters.busy.count());
  out.setBlockedNanos(counters.blocked.count());
  out.setIdleNanos(counters.idle.count());
  out.setQueuePercent(counters.queue_percent);
}
TaskCounters read_counters(schema::TaskCounters::Reader in) {
  return {read_list<VertexCounters>(in.getVertices(), read_vertex), Duration(in.getBusyNanos()),
          Duration(in.getBlockedNanos()), Duration(in.getIdleNanos()), in.getQueuePercent()};
}

// ---- the fence: half of it in the envelope
// -------------------------------------------------------

Tokens envelope_tokens(const Token& token, const Sender& sender) {
  return {sender.cluster, sender.node,       sender.incarnation, token.term,
          token.run,      token.run_attempt, token.task,         token.attempt};
}

template <class Body>
void write_fence(Body body, const Token& token) {
  auto fence = body.initFence();
  fence.setIncarnation(token.incarnation.value());
  fence.setSeq(token.seq);
}

Token read_token(const Frame& frame, schema::Fence::Reader fence) {
  const Tokens tokens = frame.tokens();
  return {tokens.cluster,
          tokens.term,
          tokens.run,
          tokens.run_attempt,
          tokens.task,
          tokens.task_attempt,
          Incarnation(fence.getIncarnation()),
          fence.getSeq()};
}

// ---- bodies
// --------------------------------------------------------------------------------------

void fill(schema::Adopt::Builder, const Adopt&) {}
void fill(schema::StartTask::Builder, const StartTask&) {}
void fill(schema::AckReport::Builder, const AckReport&) {}
void fill(schema::ReleaseRun::Builder, const ReleaseRun&) {}
void fill(schema::TaskReady::Builder, const TaskReady&) {}
void fill(schema::TaskStopped::Builder, const TaskStopped&) {}
void fill(schema::CancelTask::Builder out, const CancelTask& cancel) {
  out.setReason(cancel.reason);
}
void fill(schema::TaskProgress::Builder out, const TaskProgress& progress) {
  write_counters(out.initCounters(), progress.counters);
}

void fill(schema::DeployTask::Builder out, const DeployTask& deploy) {
  out.setJob(deploy.job.value());
  if (deploy.plan) out.setPlan(data(*deploy.plan));
  out.setParallelism(deploy.target.parallelism);
  out.setKeepBlockingEdges(deploy.target.keep_blocking_edges);
  write_list(out.initSplits(deploy.splits.size()), deploy.splits, write_split);
  write_list(out.initInputs(deploy.inputs.size()), deploy.inputs, write_edge);
  write_list(out.initOutputs(deploy.outputs.size()), deploy.outputs, write_edge);
  write_list(out.initNodes(deploy.nodes.size()), deploy.nodes, write_node);
  out.setMemoryBytes(deploy.memory_bytes);
}

void fill(schema::TaskFinished::Builder out, const TaskFinished& finished) {
  write_list(out.initOutputs(finished.outputs.size()), finished.outputs, write_output);
  out.setSink(finished.sink);
  write_list(out.initCommittables(finished.committables.size()), finished.committables,
             write_committable);
  write_counters(out.initCounters(), finished.counters);
}

void fill(schema::TaskFailed::Builder out, const TaskFailed& failed) {
  out.setFailure(static_cast<schema::FailureClass>(failed.failure));
  out.setCode(static_cast<std::uint16_t>(failed.error.code));
  out.setMessage(failed.error.message);
  out.setHint(failed.error.hint);
  out.setPath(failed.error.path);
  write_list(out.initLostInputs(failed.lost_inputs.size()), failed.lost_inputs, write_peer);
}

template <class S, class M>
Frame fenced(std::string_view to, const M& message, const Sender& sender) {
  return Frame::make<S>(envelope_tokens(message.token, sender), to, [&](typename S::Builder body) {
    write_fence(body, message.token);
    fill(body, message);
  });
}

Frame make(const Joined& joined, const Sender& sender) {
  Tokens tokens{sender.cluster, sender.node, sender.incarnation, joined.term};
  return Frame::make<schema::Joined>(tokens, executor_address, [&](schema::Joined::Builder body) {
    body.setIncarnation(joined.incarnation.value());
  });
}
Frame make(const JoinRefused& refused, const Sender& sender) {
  Tokens tokens{sender.cluster, sender.node, sender.incarnation, refused.term};
  return Frame::make<schema::JoinRefused>(tokens, executor_address,
                                          [&](schema::JoinRefused::Builder body) {
                                            body.setIncarnation(refused.incarnation.value());
                                            body.setHighest(refused.highest.value());
                                            body.setReason(refused.reason);
                                          });
}
Frame make(const JoinCluster& join, const Sender& sender) {
  return Frame::make<schema::JoinCluster>(Tokens{sender.cluster, sender.node, sender.incarnation},
                                          coordinator_address,
                                          [&](schema::JoinCluster::Builder body) {
                                            body.setNode(join.node.value());
                                            body.setIncarnation(join.incarnation.value());
                                            body.setTermSeen(join.term_seen.value());
                                            body.setAddress(join.address);
                                            body.setSlots(join.slots);
                                          });
}

void write_held(schema::HeldTask::Builder out, const HeldTask& held) {
  out.setRun(held.token.run.value());
  out.setRunAttempt(held.token.run_attempt.value());
  write_task(out.initTask(), held.token.task);
  out.setAttempt(held.token.attempt.value());
  out.setTerm(held.token.term.value());
  out.setState(static_cast<schema::HeldState>(held.state));
}

Frame make(const Inventory& inventory, const Sender& sender) {
  return Frame::make<schema::Inventory>(Tokens{sender.cluster, sender.node, sender.incarnation},
                                        coordinator_address, [&](schema::Inventory::Builder body) {
                                          body.setIncarnation(inventory.incarnation.value());
                                          body.setTermSeen(inventory.term_seen.value());
                                          body.setAdoptSeq(inventory.adopt_seq);
                                          write_list(body.initHeld(inventory.held.size()),
                                                     inventory.held, write_held);
                                        });
}
#define TROUPE_FENCED(Message, address)                       \
  Frame make(const Message& message, const Sender& sender) {  \
    return fenced<schema::Message>(address, message, sender); \
  }
TROUPE_FENCED(Adopt, executor_address)
TROUPE_FENCED(DeployTask, executor_address)
TROUPE_FENCED(StartTask, executor_address)
TROUPE_FENCED(CancelTask, executor_address)
TROUPE_FENCED(AckReport, executor_address)
TROUPE_FENCED(ReleaseRun, executor_address)
TROUPE_FENCED(TaskReady, coordinator_address)
TROUPE_FENCED(TaskFinished, coordinator_address)
TROUPE_FENCED(TaskFailed, coordinator_address)
TROUPE_FENCED(TaskStopped, coordinator_address)
TROUPE_FENCED(TaskProgress, coordinator_address)
#undef TROUPE_FENCED

// ---- and back
// ------------------------------------------------------------------------------------

void take(schema::Adopt::Reader, Adopt&) {}
void take(schema::StartTask::Reader, StartTask&) {}
void take(schema::AckReport::Reader, AckReport&) {}
void take(schema::ReleaseRun::Reader, ReleaseRun&) {}
void take(schema::TaskReady::Reader, TaskReady&) {}
void take(schema::TaskStopped::Reader, TaskStopped&) {}
void take(schema::CancelTask::Reader in, CancelTask& cancel) {
  cancel.reason = text(in.getReason());
}
void take(schema::TaskProgress::Reader in, TaskProgress& progress) {
  progress.counters = read_counters(in.getCounters());
}

void take(schema::DeployTask::Reader in, DeployTask& deploy) {
  deploy.job = JobName(text(in.getJob()));
  deploy.plan = std::make_shared<const std::string>(bytes(in.getPlan()));
  deploy.target = {in.getParallelism(), in.getKeepBlockingEdges()};
  deploy.splits = read_list<Split>(in.getSplits(), read_split);
  deploy.inputs = read_list<EdgePeers>(in.getInputs(), read_edge);
  deploy.outputs = read_list<EdgePeers>(in.getOutputs(), read_edge);
  deploy.nodes = read_list<PeerNode>(in.getNodes(), read_node);
  deploy.memory_bytes = in.getMemoryBytes();
}

void take(schema::TaskFinished::Reader in, TaskFinished& finished) {
  finished.outputs = read_list<OutputSummary>(in.getOutputs(), read_output);
  finished.sink = text(in.getSink());
  finished.committables = read_list<Committable>(in.getCommittables(), read_committable);
  finished.counters = read_counters(in.getCounters());
}

/// A value that a newer node may know and we do not is the least trusting one.
void take(schema::TaskFailed::Reader in, TaskFailed& failed) {
  const auto failure = static_cast<std::uint16_t>(in.getFailure());
  failed.failure = failure <= static_cast<std::uint16_t>(FailureClass::internal)
                       ? static_cast<FailureClass>(failure)
                       : FailureClass::internal;
  failed.error.code = in.getCode() <= static_cast<std::uint16_t>(ErrorCode::internal)
                          ? static_cast<ErrorCode>(in.getCode())
                          : ErrorCode::internal;
  failed.error.message = text(in.getMessage());
  failed.error.hint = text(in.getHint());
  failed.error.path = text(in.getPath());
  failed.lost_inputs = read_list<TaskPeer>(in.getLostInputs(), read_peer);
}

template <class S, class M>
Result<M> taken(const Frame& frame) {
  M message;
  TRY(frame.read<S>([&](typename S::Reader body) {
    message.token = read_token(frame, body.getFence());
    take(body, message);
  }));
  return message;
}

Result<Joined> taken_joined(const Frame& frame) {
  Joined joined;
  TRY(frame.read<schema::Joined>([&](schema::Joined::Reader body) {
    const Tokens tokens = frame.tokens();
    joined = {tokens.cluster, tokens.term, Incarnation(body.getIncarnation())};
  }));
  return joined;
}

Result<JoinRefused> taken_refused(const Frame& frame) {
  JoinRefused refused;
  TRY(frame.read<schema::JoinRefused>([&](schema::JoinRefused::Reader body) {
    refused = {frame.tokens().term, Incarnation(body.getIncarnation()),
               Incarnation(body.getHighest()), text(body.getReason())};
  }));
  return refused;
}

Result<JoinCluster> taken_join(const Frame& frame) {
  JoinCluster join;
  TRY(frame.read<schema::JoinCluster>([&](schema::JoinCluster::Reader body) {
    join = {
        frame.tokens().cluster,   NodeId(text(body.getNode())), Incarnation(body.getIncarnation()),
        Term(body.getTermSeen()), text(body.getAddress()),      body.getSlots()};
  }));
  return join;
}

HeldTask read_held(schema::HeldTask::Reader in) {
  HeldTask held;
  held.token.run = RunId(in.getRun());
  held.token.run_attempt = Attempt(in.getRunAttempt());
  held.token.task = read_task(in.getTask());
  held.token.attempt = Attempt(in.getAttempt());
  held.token.term = Term(in.getTerm());
  const auto state = static_cast<std::uint16_t>(in.getState());
  held.state = state <= static_cast<std::uint16_t>(HeldState::failed)
                   ? static_cast<HeldState>(state)
                   : HeldState::failed;
  return held;
}

Result<Inventory> taken_inventory(const Frame& frame) {
  Inventory inventory;
  TRY(frame.read<schema::Inventory>([&](schema::Inventory::Reader body) {
    inventory = {Incarnation(body.getIncarnation()), Term(body.getTermSeen()), body.getAdoptSeq(),
                 read_list<HeldTask>(body.getHeld(), read_held)};
  }));
  return inventory;
}

template <class Variant, class M>
Result<Variant> as(Result<M> message) {
  if (!message) return std::move(message).error();
  return Variant(*std::move(message));
}

template <class... S>
bool is_any(const Frame& frame) {
  return (frame.is<S>() || ...);
}

// ---- columns
// -------------------------------------------------------------------------------------

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

Frame frame_of(const Command& command, const Sender& sender) {
  return std::visit([&](const auto& message) { return make(message, sender); }, command);
}

Frame frame_of(const Report& report, const Sender& sender) {
  return std::visit([&](const auto& message) { return make(message, sender); }, report);
}

bool is_command(const Frame& frame) {
  return is_any<schema::Joined, schema::JoinRefused, schema::Adopt, schema::DeployTask,
                schema::StartTask, schema::CancelTask, schema::AckReport, schema::ReleaseRun>(
      frame);
}

bool is_report(const Frame& frame) {
  return is_any<schema::JoinCluster, schema::TaskReady, schema::TaskFinished, schema::TaskFailed,
                schema::TaskStopped, schema::TaskProgress, schema::Inventory>(frame);
}

Result<Command> command_of(const Frame& frame) {
  if (frame.is<schema::Joined>()) return as<Command>(taken_joined(frame));
  if (frame.is<schema::JoinRefused>()) return as<Command>(taken_refused(frame));
  if (frame.is<schema::Adopt>()) return as<Command>(taken<schema::Adopt, Adopt>(frame));
  if (frame.is<schema::DeployTask>()) {
    return as<Command>(taken<schema::DeployTask, DeployTask>(frame));
  }
  if (frame.is<schema::StartTask>()) return as<Command>(taken<schema::StartTask, StartTask>(frame));
  if (frame.is<schema::CancelTask>()) {
    return as<Command>(taken<schema::CancelTask, CancelTask>(frame));
  }
  if (frame.is<schema::AckReport>()) return as<Command>(taken<schema::AckReport, AckReport>(frame));
  if (frame.is<schema::ReleaseRun>()) {
    return as<Command>(taken<schema::ReleaseRun, ReleaseRun>(frame));
  }
  return fail(ErrorCode::unsupported, "not a command to an executor: kind {:x}", frame.kind());
}

Result<Report> report_of(const Frame& frame) {
  if (frame.is<schema::JoinCluster>()) return as<Report>(taken_join(frame));
  if (frame.is<schema::Inventory>()) return as<Report>(taken_inventory(frame));
  if (frame.is<schema::TaskReady>()) return as<Report>(taken<schema::TaskReady, TaskReady>(frame));
  if (frame.is<schema::TaskFinished>()) {
    return as<Report>(taken<schema::TaskFinished, TaskFinished>(frame));
  }
  if (frame.is<schema::TaskFailed>()) {
    return as<Report>(taken<schema::TaskFailed, TaskFailed>(frame));
  }
  if (frame.is<schema::TaskStopped>()) {
    return as<Report>(taken<schema::TaskStopped, TaskStopped>(frame));
  }
  if (frame.is<schema::TaskProgress>()) {
    return as<Report>(taken<schema::TaskProgress, TaskProgress>(frame));
  }
  return fail(ErrorCode::unsupported, "not a report of an executor: kind {:x}", frame.kind());
}

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
