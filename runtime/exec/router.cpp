#include "runtime/exec/router.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/exec/any_needed.hpp"

namespace troupe {

Router::Router(std::vector<Edge> edges) {
  for (auto& edge : edges) {
    State state{edge.port, edge.exchange, std::move(edge.keys), {}, 0, edge.timed};
    for (auto& sender : edge.senders) state.lanes.push_back({std::move(sender), {}, {}, false});
    ENSURE(!state.lanes.empty(), "an edge without receivers");
    edges_.push_back(std::move(state));
  }
}

void Router::emit(Batch batch, int port) {
  if (batch.rows() == 0) return;
  for (auto& edge : edges_) {
    if (edge.port == port) note(route(edge, batch));
  }
}

void Router::emit_to(std::uint32_t partition, Batch batch) {
  if (batch.rows() == 0) return;
  for (auto& edge : edges_) {
    if (edge.exchange != ExchangeKind::range) {
      note(route(edge, batch));
      continue;
    }
    ENSURE(partition < edge.lanes.size(), "emit_to({}) of {} receivers", partition,
           edge.lanes.size());
    note(add(edge.lanes[partition], batch));
  }
}

/// The first failure is the one that is told.
void Router::note(Result<> result) {
  if (status_ && !result) status_ = std::move(result);
}

Result<> Router::route(State& edge, const Batch& batch) {
  auto& lanes = edge.lanes;
  switch (edge.exchange) {
    case ExchangeKind::forward:
    case ExchangeKind::gather:
      ENSURE(lanes.size() == 1, "{} has one receiver", to_string(edge.exchange));
      lanes.front().outbox.push_back(batch);
      return {};
    case ExchangeKind::broadcast:
      for (auto& lane : lanes) lane.outbox.push_back(batch);
      return {};
    case ExchangeKind::rebalance:
      lanes[edge.turn++ % lanes.size()].outbox.push_back(batch);
      return {};
    case ExchangeKind::range:
      ENSURE(lanes.size() == 1, "a range exchange needs emit_to");
      lanes.front().outbox.push_back(batch);
      return {};
    case ExchangeKind::hash:
      break;
  }
  auto parts = TRY(partition_by_key(batch, edge.keys, static_cast<std::uint32_t>(lanes.size())));
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    if (parts[i].rows() > 0) TRY(add(lanes[i], std::move(parts[i])));
  }
  return {};
}

Result<> Router::add(Lane& lane, Batch batch) {
  for (auto& ready : TRY(lane.coalescer.add(std::move(batch)))) {
    lane.outbox.push_back(std::move(ready));
  }
  return {};
}

Result<bool> Router::push(Lane& lane) {
  TRY(lane.sender->status());
  if (lane.sender->closed()) lane.outbox.clear();
  while (!lane.outbox.empty()) {
    const auto* rows = std::get_if<Batch>(&lane.outbox.front());
    const std::int64_t bytes = rows ? rows->bytes() : 0;
    if (rows && !lane.sender->has_room(bytes)) return false;
    lane.sender->send(std::move(lane.outbox.front()), bytes);
    lane.outbox.pop_front();
    bytes_.fetch_add(static_cast<std::uint64_t>(bytes), std::memory_order_relaxed);
  }
  if (finishing_ && !lane.ended) {
    lane.sender->send(EndOfStream{}, 0);
    lane.ended = true;
  }
  return true;
}

Result<bool> Router::ready() {
  if (!status_) return status_.error();
  bool all = true;
  for (auto& edge : edges_) {
    for (auto& lane : edge.lanes) all = TRY(push(lane)) && all;
  }
  return all;
}

bool Router::closed() const {
  for (const auto& edge : edges_) {
    for (const auto& lane : edge.lanes) {
      if (!lane.sender->closed()) return false;
    }
  }
  return !edges_.empty();
}

/// Rows that go to several edges are needed where any of their readers needs them: nobody listens.
void Router::listen() {
  if (edges_.size() != 1) return;
  for (auto& lane : edges_.front().lanes) lane.sender->listen();
}

std::optional<NeededValues> Router::needed() {
  if (edges_.size() != 1) return NeededValues();
  std::vector<NeededValues> all;
  for (auto& lane : edges_.front().lanes) {
    if (lane.sender->closed()) continue;
    auto needed = lane.sender->needed();
    if (!needed) return std::nullopt;
    all.push_back(*std::move(needed));
  }
  return any_needed(all);
}

/// Rows that wait for more of them leave.
Result<> Router::flush(Lane& lane) {
  for (auto& batch : TRY(lane.coalescer.flush())) lane.outbox.push_back(std::move(batch));
  return {};
}

bool Router::let_go() {
  bool any = false;
  for (auto& edge : edges_) {
    if (!edge.timed) continue;
    for (auto& lane : edge.lanes) {
      note(flush(lane));
      any = any || !lane.outbox.empty();
    }
  }
  return any;
}

/// Behind all rows.
void Router::mark(const StreamItem& item) {
  for (auto& edge : edges_) {
    if (!edge.timed) continue;
    for (auto& lane : edge.lanes) {
      note(flush(lane));
      lane.outbox.push_back(item);
    }
  }
}

void Router::finish() {
  finishing_ = true;
  for (auto& edge : edges_) {
    for (auto& lane : edge.lanes) note(flush(lane));
  }
}

Result<bool> Router::finished() {
  if (!TRY(ready())) return false;
  for (auto& edge : edges_) {
    for (auto& lane : edge.lanes) {
      TRY(lane.sender->status());
      if (!lane.sender->flushed()) return false;
    }
  }
  return true;
}

}  // namespace troupe
