#include "runtime/exec/operator_chain.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/operator/flow.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

namespace troupe {

class OperatorChain::LinkEmitter : public Emitter {
 public:
  LinkEmitter(OperatorChain& chain, std::size_t index) : chain_(chain), index_(index) {}
  void emit(Batch batch, int port) override;
  void emit_to(std::uint32_t partition, Batch batch) override;

 private:
  bool last() const { return index_ + 1 == chain_.stops_.size(); }
  /// The bytes of the batch, which the next operator counts, too.
  std::int64_t count(const Batch& batch);

  OperatorChain& chain_;
  const std::size_t index_;
};

/// One operator and what waits in front of it.
struct OperatorChain::Stop {
  struct Waiting {
    int input = 0;
    Batch batch;
    std::int64_t bytes = 0;
  };

  Link link;
  std::unique_ptr<LinkEmitter> emitter;
  std::deque<Waiting> waiting;
  std::optional<Watermark> mark;  ///< its time is told to the operator once nothing waits before it
  std::optional<Barrier> barrier;
  std::vector<int> open;   ///< inputs whose end it has not been told
  std::vector<int> ended;  ///< those of them that have ended
  bool draining = false;
  bool finished = false;

  void take(int input, Batch batch, std::int64_t bytes) {
    const auto at = static_cast<std::size_t>(input);
    const bool all = at >= link.hidden_taken_off.size();
    const Batch taken = all ? std::move(batch) : without_hidden(batch, link.hidden_taken_off[at]);
    waiting.push_back({input, taken, bytes});
  }
  bool busy() const { return !waiting.empty() || mark || barrier || !ended.empty() || draining; }
};

std::int64_t OperatorChain::LinkEmitter::count(const Batch& batch) {
  const std::int64_t bytes = batch.bytes();
  chain_.stops_[index_].link.counters->count_out(batch.rows(), bytes);
  return bytes;
}

void OperatorChain::LinkEmitter::emit(Batch batch, int port) {
  if (batch.rows() == 0) return;
  const std::int64_t bytes = count(batch);
  if (last()) return chain_.out_.emit(std::move(batch), port);
  ENSURE(port == 0, "only the last operator of a chain has several outputs");
  auto& next = chain_.stops_[index_ + 1];
  if (!next.finished) next.take(0, std::move(batch), bytes);
}

void OperatorChain::LinkEmitter::emit_to(std::uint32_t partition, Batch batch) {
  if (batch.rows() == 0) return;
  ENSURE(last(), "only the last operator of a chain chooses its receiver");
  count(batch);
  chain_.out_.emit_to(partition, std::move(batch));
}

OperatorChain::OperatorChain(std::vector<Link> links, int inputs, TaskOutput& out,
                             const Clock& clock)
    : out_(out), clock_(clock), open_inputs_(inputs) {
  stops_.resize(links.size());
  for (std::size_t i = 0; i < links.size(); ++i) {
    stops_[i].link = std::move(links[i]);
    stops_[i].emitter = std::make_unique<LinkEmitter>(*this, i);
    stops_[i].open.resize(i == 0 ? static_cast<std::size_t>(inputs) : 1);
    std::iota(stops_[i].open.begin(), stops_[i].open.end(), 0);
  }
}

OperatorChain::~OperatorChain() = default;

Result<> OperatorChain::open() {
  for (auto& stop : stops_) {
    auto opened = stop.link.op->open(stop.link.context);
    if (!opened) return opened.error().within(fmt::format("'{}'", stop.link.counters->vertex));
  }
  return {};
}

bool OperatorChain::accepts() const {
  if (open_inputs_ == 0) return false;
  for (const auto& stop : stops_) {
    if (stop.busy()) return false;
  }
  return true;
}

bool OperatorChain::wants(int input) const {
  return stops_.empty() || stops_.front().link.op->wants(input);
}

/// None where an input must be wanted all the time: its producers cannot wait to be told what is
/// needed, for the operator may be waiting for them.
NarrowsInput* OperatorChain::narrows_input() const {
  if (stops_.empty() || !stops_.front().link.context.early_inputs.empty()) return nullptr;
  return dynamic_cast<NarrowsInput*>(stops_.front().link.op.get());
}

bool OperatorChain::passes_columns() const {
  return std::all_of(stops_.begin(), stops_.end(), [](const Stop& stop) {
    const auto* passes = dynamic_cast<const PassesColumns*>(stop.link.op.get());
    return passes != nullptr && passes->passes();
  });
}

NeededValues OperatorChain::traced(const NeededValues& of_output) const {
  NeededValues needed;
  for (NeededValue value : of_output) {
    for (auto stop = stops_.rbegin(); stop != stops_.rend() && value.column >= 0; ++stop) {
      const auto* passes = dynamic_cast<const PassesColumns*>(stop->link.op.get());
      value.column = passes != nullptr ? passes->input_of(value.column) : -1;
    }
    if (value.column >= 0) needed.push_back(std::move(value));
  }
  return needed;
}

void OperatorChain::offer(int input, Batch batch) {
  if (batch.rows() == 0) return;
  if (stops_.empty()) return out_.emit(std::move(batch), 0);
  const std::int64_t bytes = batch.bytes();
  stops_.front().take(input, std::move(batch), bytes);
}

void OperatorChain::advance(const Watermark& mark) {
  if (stops_.empty()) return out_.advance(mark);
  stops_.front().mark = mark;
}

/// Behind the rows that the operator has emitted: each passes the time on after its own rows.
void OperatorChain::pass_on(std::size_t index, const Watermark& mark) {
  if (index + 1 == stops_.size()) return out_.advance(mark);
  if (!stops_[index + 1].finished) stops_[index + 1].mark = mark;
}

void OperatorChain::barrier(const Barrier& barrier) {
  rows_.clear();
  if (stops_.empty()) return leave(barrier);
  stops_.front().barrier = barrier;
}

void OperatorChain::leave(const Barrier& barrier) {
  out_.barrier(barrier);
  handed_ = Handed{barrier, std::exchange(rows_, {})};
}

Result<> OperatorChain::hand_over(Stop& stop, std::size_t index) {
  if (TRY(stop.link.op->flush(*stop.emitter)) == Step::again) return {};
  rows_.push_back(TRY(stop.link.op->snapshot()));
  const Barrier barrier = *std::exchange(stop.barrier, std::nullopt);
  if (index + 1 == stops_.size()) {
    leave(barrier);
  } else {
    stops_[index + 1].barrier = barrier;
  }
  return {};
}

Result<> OperatorChain::restore(std::size_t op, int table, const Batch& rows) {
  const Link& link = stops_[op].link;
  auto restored = link.op->restore(table, rows);
  if (!restored) return restored.error().within(fmt::format("'{}'", link.counters->vertex));
  return {};
}

void OperatorChain::end_input(int input) {
  ENSURE(open_inputs_ > 0, "an input of a chain ended twice");
  --open_inputs_;
  if (!stops_.empty()) stops_.front().ended.push_back(input);
}

void OperatorChain::abandon() {
  for (auto& stop : stops_) {
    stop.waiting.clear();
    stop.mark.reset();
    stop.barrier.reset();
    stop.ended.clear();
    stop.draining = false;
    stop.finished = true;
  }
  open_inputs_ = 0;
}

bool OperatorChain::blocks() const {
  auto* stop = const_cast<OperatorChain*>(this)->active();
  return stop != nullptr && stop->link.op->blocks();
}

OperatorChain::Stop* OperatorChain::active() {
  for (auto stop = stops_.rbegin(); stop != stops_.rend(); ++stop) {
    if (stop->finished) return nullptr;
    if (stop->busy()) return &*stop;
  }
  return nullptr;
}

Result<bool> OperatorChain::step() {
  Stop* stop = active();
  if (stop == nullptr) return false;
  Instant begin = clock_.now();
  auto called = call(*stop);
  if (!called) return called.error().within(fmt::format("'{}'", stop->link.counters->vertex));
  stop->link.counters->count_busy(clock_.now() - begin);
  return true;
}

Result<> OperatorChain::call(Stop& stop) {
  Operator& op = *stop.link.op;
  auto index = static_cast<std::size_t>(&stop - stops_.data());
  if (!stop.waiting.empty()) {
    auto& front = stop.waiting.front();
    const std::int64_t rows = front.batch.rows(), bytes = front.bytes;
    if (TRY(op.process(front.input, front.batch, *stop.emitter)) == Step::again) return {};
    stop.waiting.pop_front();
    stop.link.counters->count_in(rows, bytes);
    stop.link.counters->rows_late.store(op.rows_late(), std::memory_order_relaxed);
    if (op.satisfied()) end_early(index);
    return {};
  }
  if (stop.mark) {
    if (TRY(op.advance(stop.mark->time, *stop.emitter)) == Step::again) return {};
    pass_on(index, *std::exchange(stop.mark, std::nullopt));
    return {};
  }
  if (stop.barrier) return hand_over(stop, index);
  if (!stop.ended.empty()) {
    int input = stop.ended.front();
    stop.ended.erase(stop.ended.begin());
    stop.open.erase(std::find(stop.open.begin(), stop.open.end(), input));
    TRY(op.end_of_input(input, *stop.emitter));
    stop.draining = stop.open.empty();
    return {};
  }
  if (TRY(op.drain(*stop.emitter)) == Step::again) return {};
  stop.draining = false;
  stop.finished = true;
  stop.link.counters->tell(op.notes());
  if (index + 1 < stops_.size()) stops_[index + 1].ended.push_back(0);
  return {};
}

/// Nothing above this operator matters any more, and neither does what waits for it.
void OperatorChain::end_early(std::size_t satisfied) {
  for (std::size_t i = 0; i <= satisfied; ++i) {
    stops_[i].waiting.clear();
    stops_[i].mark.reset();
    stops_[i].barrier.reset();
    stops_[i].ended.clear();
    stops_[i].draining = false;
    stops_[i].finished = i < satisfied;
  }
  Stop& stop = stops_[satisfied];
  stop.ended = stop.open;
  stop.draining = stop.open.empty();
  open_inputs_ = 0;
}

bool OperatorChain::finished() const {
  return stops_.empty() ? open_inputs_ == 0 : stops_.back().finished;
}

}  // namespace troupe
