#include "runtime/job/message_codec.hpp"

#include "runtime/job/message_parts.hpp"

#include <utility>

namespace troupe {
namespace {

using namespace message_parts;

// ---- the fence: half of it in the envelope
// -------------------------------------------------------

Tokens envelope_tokens(const Token& token, const Sender& sender) {
  return {sender.cluster,    sender.node, sender.incarnation, token.term,   token.run,
          token.run_attempt, token.task,  token.attempt,      token.cluster};
}

template <class Body>
void write_fence(Body body, const Token& token) {
  auto fence = body.initFence();
  fence.setIncarnation(token.incarnation.value());
  fence.setSeq(token.seq);
}

Token read_token(const Frame& frame, schema::Fence::Reader fence) {
  const Tokens tokens = frame.tokens();
  return {tokens.cluster_id,
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
  out.setRunUid(deploy.run_uid.value());
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
  tokens.cluster_id = joined.cluster;
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
  Tokens tokens{sender.cluster, sender.node, sender.incarnation};
  tokens.cluster_id = join.cluster;
  return Frame::make<schema::JoinCluster>(tokens, coordinator_address,
                                          [&](schema::JoinCluster::Builder body) {
                                            body.setNode(join.node.value());
                                            body.setIncarnation(join.incarnation.value());
                                            body.setTermSeen(join.term_seen.value());
                                            body.setAddress(join.address);
                                            body.setSlots(join.slots);
                                          });
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
  deploy.run_uid = RunUid(text(in.getRunUid()));
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
  failed.failure = failure <= static_cast<std::uint16_t>(FailureClass::node_fault)
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
    joined = {tokens.cluster_id, tokens.term, Incarnation(body.getIncarnation())};
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
        frame.tokens().cluster_id, NodeId(text(body.getNode())), Incarnation(body.getIncarnation()),
        Term(body.getTermSeen()),  text(body.getAddress()),      body.getSlots()};
  }));
  return join;
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

}  // namespace troupe
