#pragma once

#include "runtime/exec/channel.hpp"
#include "runtime/exec/fifo.hpp"
#include "runtime/exec/partitioner.hpp"
#include "runtime/exec/task_output.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <atomic>
#include <memory>
#include <vector>

namespace troupe {

/// Sends a task's rows over its outgoing edges, each by its own exchange.
///
/// What does not fit into a channel waits in that channel's outbox, and the task makes no more rows
/// until every outbox is empty: so an outbox holds at most what one call of an operator emitted.
class Router : public TaskOutput {
 public:
  struct Edge {
    int port = 0;
    ExchangeKind exchange = ExchangeKind::forward;
    std::vector<int> keys;
    /// One for each subtask of the consumer; a single one for `forward`.
    std::vector<std::unique_ptr<ChannelSender>> senders;
    bool timed = false;  ///< of a stream: it carries watermarks and barriers, and small batches
  };

  explicit Router(std::vector<Edge> edges);

  void emit(Batch batch, int port) override;
  void emit_to(std::uint32_t partition, Batch batch) override;
  Result<bool> ready() override;
  bool closed() const override;
  void advance(const Watermark& mark) override { this->mark(mark); }
  bool let_go() override;
  void barrier(const Barrier& barrier) override { mark(barrier); }
  void finish() override;
  Result<bool> finished() override;
  void abandon() override { edges_.clear(); }
  std::uint64_t bytes() const override { return bytes_.load(std::memory_order_relaxed); }
  void listen() override;
  std::optional<NeededValues> needed() override;

 private:
  struct Lane {
    std::unique_ptr<ChannelSender> sender;
    Coalescer coalescer;
    Fifo<StreamItem> outbox;
    bool ended = false;
  };
  struct State {
    int port = 0;
    ExchangeKind exchange = ExchangeKind::forward;
    std::vector<int> keys;
    std::vector<Lane> lanes;
    std::size_t turn = 0;
    bool timed = false;
  };

  Result<> route(State& edge, const Batch& batch);
  Result<> add(Lane& lane, Batch batch);
  void note(Result<> result);
  Result<> flush(Lane& lane);
  void mark(const StreamItem& item);
  Result<bool> push(Lane& lane);

  std::vector<State> edges_;
  Result<> status_;
  bool finishing_ = false;
  std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace troupe
