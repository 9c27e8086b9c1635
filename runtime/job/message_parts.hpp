#pragma once

#include "runtime/exec/task_messages.hpp"
#include "schemas/job.capnp.h"

#include <cstdint>
#include <string>
#include <vector>

/// What messages and columns are made of, to Cap'n Proto and back, one pair of functions a part.
/// Private to this room: `message_codec.cpp` puts them into frames, `column_codec.cpp` into rows.
/// A field that a part gains is written and read here, side by side, and the round trip of
/// `message_codec_test.cpp` fails until it is.
namespace troupe::message_parts {

inline std::string text(capnp::Text::Reader reader) { return {reader.begin(), reader.size()}; }
inline std::string bytes(capnp::Data::Reader reader) {
  return {reinterpret_cast<const char*>(reader.begin()), reader.size()};
}
inline capnp::Data::Reader data(const std::string& value) {
  return {reinterpret_cast<const kj::byte*>(value.data()), value.size()};
}

/// Writes one element each; reads likewise.
template <class List, class Items, class Write>
inline void write_list(List list, const Items& items, Write write) {
  for (std::uint32_t i = 0; i < items.size(); ++i) write(list[i], items[i]);
}
template <class Item, class List, class Read>
std::vector<Item> read_list(List list, Read read) {
  std::vector<Item> items;
  items.reserve(list.size());
  for (const auto element : list) items.push_back(read(element));
  return items;
}

inline void write_task(schema::TaskRef::Builder out, const TaskId& task) {
  out.setStage(task.stage.value());
  out.setSubtask(task.subtask);
}
inline TaskId read_task(schema::TaskRef::Reader in) {
  return {StageId(in.getStage()), in.getSubtask()};
}

inline void write_peer(schema::TaskPeer::Builder out, const TaskPeer& peer) {
  write_task(out.initTask(), peer.task);
  out.setAttempt(peer.attempt.value());
  out.setNode(peer.node.value());
}
inline TaskPeer read_peer(schema::TaskPeer::Reader in) {
  return {read_task(in.getTask()), Attempt(in.getAttempt()), NodeId(text(in.getNode()))};
}

inline void write_edge(schema::EdgePeers::Builder out, const EdgePeers& edge) {
  out.setEdge(edge.edge);
  write_list(out.initPeers(edge.peers.size()), edge.peers, write_peer);
}
inline EdgePeers read_edge(schema::EdgePeers::Reader in) {
  return {in.getEdge(), read_list<TaskPeer>(in.getPeers(), read_peer)};
}

inline void write_node(schema::PeerNode::Builder out, const PeerNode& node) {
  out.setNode(node.node.value());
  out.setIncarnation(node.incarnation.value());
  out.setAddress(node.address);
}
inline PeerNode read_node(schema::PeerNode::Reader in) {
  return {NodeId(text(in.getNode())), Incarnation(in.getIncarnation()), text(in.getAddress())};
}

inline void write_split(schema::SplitRef::Builder out, const Split& split) {
  out.setDetail(split.detail);
  out.setBytes(split.bytes);
  out.setRows(split.rows);
}
inline Split read_split(schema::SplitRef::Reader in) {
  return {text(in.getDetail()), in.getBytes(), in.getRows()};
}

inline void write_output(schema::OutputSummary::Builder out, const OutputSummary& output) {
  out.setEdge(output.edge);
  write_list(out.initPartitions(output.partitions.size()), output.partitions,
             [](schema::PartitionSummary::Builder part, const PartitionSummary& summary) {
               part.setRows(summary.rows);
               part.setHash(summary.hash);
             });
}
inline OutputSummary read_output(schema::OutputSummary::Reader in) {
  return {in.getEdge(), read_list<PartitionSummary>(
                            in.getPartitions(), [](schema::PartitionSummary::Reader part) {
                              return PartitionSummary{part.getRows(), part.getHash()};
                            })};
}

inline void write_committable(schema::CommittableRef::Builder out, const Committable& staged) {
  out.setDetail(data(staged.detail));
  out.setRows(staged.rows);
}
inline Committable read_committable(schema::CommittableRef::Reader in) {
  return {bytes(in.getDetail()), in.getRows()};
}

inline void write_vertex(schema::VertexCounters::Builder out, const VertexCounters& vertex) {
  out.setVertex(vertex.vertex);
  out.setRowsIn(vertex.rows_in);
  out.setRowsOut(vertex.rows_out);
  out.setBytesIn(vertex.bytes_in);
  out.setBytesOut(vertex.bytes_out);
  auto notes = out.initNotes(vertex.notes.size());
  for (std::uint32_t i = 0; i < vertex.notes.size(); ++i) notes.set(i, vertex.notes[i]);
}
inline VertexCounters read_vertex(schema::VertexCounters::Reader in) {
  return {text(in.getVertex()), in.getRowsIn(),   in.getRowsOut(),
          in.getBytesIn(),      in.getBytesOut(), read_list<std::string>(in.getNotes(), text)};
}

inline void write_counters(schema::TaskCounters::Builder out, const TaskCounters& counters) {
  write_list(out.initVertices(counters.vertices.size()), counters.vertices, write_vertex);
  out.setBusyNanos(counters.busy.count());
  out.setBlockedNanos(counters.blocked.count());
  out.setIdleNanos(counters.idle.count());
  out.setQueuePercent(counters.queue_percent);
}
inline TaskCounters read_counters(schema::TaskCounters::Reader in) {
  return {read_list<VertexCounters>(in.getVertices(), read_vertex), Duration(in.getBusyNanos()),
          Duration(in.getBlockedNanos()), Duration(in.getIdleNanos()), in.getQueuePercent()};
}

inline void write_held(schema::HeldTask::Builder out, const HeldTask& held) {
  out.setRun(held.token.run.value());
  out.setRunAttempt(held.token.run_attempt.value());
  write_task(out.initTask(), held.token.task);
  out.setAttempt(held.token.attempt.value());
  out.setTerm(held.token.term.value());
  out.setState(static_cast<schema::HeldState>(held.state));
}
inline HeldTask read_held(schema::HeldTask::Reader in) {
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

}  // namespace troupe::message_parts
