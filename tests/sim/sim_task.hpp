#pragma once

#include "runtime/protocol/messages.hpp"
#include "tests/sim/world.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::sim {

/// Rows from one attempt to another over a pipelined edge; numbered, the last one says so.
struct RowsItem {
  AttemptKey from;
  AttemptKey to;
  std::uint32_t edge = 0;
  std::uint64_t seq = 0;
  Rows rows;
  bool end = false;
};

/// A consumer asks the node of a producer for its partition of a kept output.
struct PartitionRequest {
  AttemptKey reader;
  AttemptKey producer;
  std::uint32_t edge = 0;
  NodeId reader_node;
};

struct PartitionReply {
  AttemptKey reader;
  AttemptKey producer;
  std::uint32_t edge = 0;
  bool missing = false;
  Rows rows;
};

/// Rows that were on their way from this node may be lost, also those of attempts that have ended.
struct RowsLost {};

/// What a finished attempt keeps: by edge, by consumer subtask.
using Kept = std::map<std::uint32_t, std::vector<Rows>>;

/// What a model task needs of its node.
class TaskOwner {
 public:
  virtual ~TaskOwner() = default;
  virtual void send_rows(const TaskPeer& to, RowsItem item) = 0;
  virtual void ask_partition(const TaskPeer& of, PartitionRequest request) = 0;
  virtual void task_done(const AttemptKey& key, TaskFinished report, Kept kept) = 0;
  virtual void task_broke(const AttemptKey& key, TaskFailed report) = 0;
};

/// One attempt of one task of a model job: reads splits, channels and kept partitions, adds up or
/// passes on, and ends in channels, kept partitions or a sink.
class SimTask {
 public:
  SimTask(World& world, NodeIndex node, TaskOwner& owner, DeployTask deploy);

  void run();
  /// From now on it does nothing, whatever it had planned.
  void stop() { over_ = stopped_ = true; }
  /// For a mutant: fails although nothing is wrong.
  void give_up() { break_with(FailureClass::node_lost, "for nothing"); }
  bool running() const { return running_; }
  void take(const RowsItem& item);
  void take(const PartitionReply& reply);
  void peer_lost(const NodeId& node);
  void rows_lost(const NodeId& from);
  const AttemptKey& key() const { return key_; }

 private:
  struct Input {
    TaskPeer producer;
    std::uint32_t edge = 0;
    bool blocking = false;
    std::uint64_t next_seq = 0;
    int asked = 0;
    bool done = false;
  };
  bool reads(const NodeId& node) const;
  void read_split(std::size_t split);
  void ask(std::size_t input);
  Input* input_of(const AttemptKey& producer, std::uint32_t edge);
  void process(const Rows& rows);
  void emit(const Rows& rows, bool end);
  void finish_if_done();
  void finish();
  void break_with(FailureClass failure, std::string message, std::vector<TaskPeer> lost = {},
                  ErrorCode code = ErrorCode::unavailable);
  const TaskEdge& edge(std::uint32_t index) const { return job_.graph.edges[index]; }
  const ModelStage& stage() const { return job_.stages[key_.task.stage.value()]; }

  World& world_;
  NodeIndex node_;
  TaskOwner& owner_;
  DeployTask deploy_;
  AttemptKey key_;
  const ModelJob& job_;
  std::vector<Input> inputs_;
  std::map<std::uint32_t, std::vector<TaskPeer>> consumers_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> sent_;
  std::size_t splits_left_ = 0;
  Totals totals_;
  Rows staged_;
  Kept kept_;
  std::uint64_t rows_seen_ = 0;
  bool running_ = false;
  bool over_ = false;     ///< done or broken, and about to say so
  bool stopped_ = false;  ///< and not even that
};

}  // namespace troupe::sim
