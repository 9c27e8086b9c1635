#include "runtime/exec/task.hpp"

#include "runtime/base/ensure.hpp"

#include <utility>

namespace troupe {
namespace {

/// Rows of a join that find no partner cost it little: to ask for each must be worth it.
constexpr std::int64_t needed_one_in = 8;

std::int64_t bytes_of(const std::vector<StoredSnapshot>& files) {
  std::uint64_t bytes = 0;
  for (const StoredSnapshot& stored : files) bytes += stored.file.bytes;
  return static_cast<std::int64_t>(bytes);
}

}  // namespace

/// A call of an operator that runs on a thread that may block. It keeps what it uses alive, so a
/// task may be dropped meanwhile.
class Task::Away {
 public:
  bool gone() const { return gone_.load(std::memory_order_acquire); }
  void leave() { gone_.store(true, std::memory_order_relaxed); }
  void come_back(Result<bool> result) {
    result_ = std::move(result);
    gone_.store(false, std::memory_order_release);
  }
  const Result<bool>& result() const { return result_; }

 private:
  std::atomic<bool> gone_{false};
  Result<bool> result_ = true;
};

Task::Task(Parts parts, const Clock& clock)
    : host_(std::move(parts.host)),
      memory_(std::move(parts.memory)),
      clock_(clock),
      gate_(std::move(parts.gate)),
      output_(std::move(parts.output)),
      chain_(
          std::make_shared<OperatorChain>(std::move(parts.links), parts.inputs, *output_, clock)),
      away_(std::make_shared<Away>()),
      meters_(std::move(parts.counters)),
      keeper_(std::move(parts.keeper)),
      sink_(std::move(parts.sink)),
      source_(parts.source),
      begin_(std::move(parts.begin)),
      restored_(parts.restores ? std::make_shared<TaskPoint>() : nullptr) {
  if (parts.needs && chain_->passes_columns()) {
    needs_ = std::move(parts.needs);
    output_->listen();
  }
  const NarrowsInput* narrows = chain_->narrows_input();
  promised_ = narrows != nullptr && !narrows->told_columns(0).empty();
  if (promised_) gate_->promise(0);
}

Task::~Task() {
  close_input();
  if (keeper_) keeper_->close();
}

void Task::cancel() {
  cancelled_.store(true, std::memory_order_relaxed);
  host_->wake();
}

void Task::fail(Error error) {
  if (!error_) error_ = std::move(error);
}

void Task::snapshot(const Barrier& barrier, bool hold) {
  if (source_ == nullptr) return;
  source_->order(barrier, hold);
  host_->wake();
}

void Task::end_sources() {
  if (source_ == nullptr) return;
  source_->let_end();
  host_->wake();
}

TaskNews Task::news() {
  if (keeper_ == nullptr) return {};
  if (source_ != nullptr && source_->exhausted()) {
    news_.exhausted = !std::exchange(told_exhausted_, true);
  }
  return std::exchange(news_, {});
}

Progress Task::run(const TaskBudget& budget) {
  const Instant begin = clock_.now();
  account(last_run_.value_or(begin), begin, last_turn_);
  if (cancelled_.load(std::memory_order_relaxed))
    fail(make_error(ErrorCode::cancelled, "cancelled"));
  Turn turn = Turn::worked;
  Instant now = begin;
  for (int step = 0; step < budget.steps && turn == Turn::worked && !error_; ++step) {
    auto result = this->turn();
    now = clock_.now();
    if (!result) {
      fail(std::move(result).error());
    } else {
      turn = *result;
    }
    if (now - begin >= budget.time) break;
  }
  account(begin, now, Turn::worked);
  note_alignment(now);
  last_turn_ = turn;
  last_run_ = now;
  queue_percent_.store(gate_->fill_percent(), std::memory_order_relaxed);
  if (error_) {
    // While an operator is away it may still emit; then the output goes with the task.
    if (!away_->gone()) output_->abandon();
    close_input();
    return Progress::failed;
  }
  if (turn == Turn::done) return Progress::done;
  return turn == Turn::worked ? Progress::worked : Progress::waiting;
}

/// One call of one operator, or one batch taken in.
Result<Task::Turn> Task::turn() {
  if (away_->gone()) return Turn::blocked;
  TRY(away_->result());
  if (!opened_) return open();
  if (restored_) begin();
  if (keeper_) {
    TRY(keep_handed());
    TRY(acknowledge());
  }
  if (finishing_) return TRY(output_->finished()) ? Turn::done : Turn::blocked;
  if (!TRY(output_->ready())) return Turn::blocked;
  if (output_->closed()) chain_->abandon();
  return advance();
}

Result<Task::Turn> Task::open() {
  TRY(chain_->open());
  if (promised_ && gate_->listened(0)) chain_->narrows_input()->ask(0);
  opened_ = true;
  if (!restored_) return Turn::worked;
  away_->leave();
  host_->offload([away = away_, chain = chain_, output = output_, memory = memory_, host = host_,
                  keeper = keeper_, restored = restored_] {
    away->come_back([&]() -> Result<bool> {
      *restored = TRY(keeper->restore(*chain));
      return true;
    }());
    host->wake();
  });
  return Turn::blocked;
}

/// Where it was at the barrier that it goes on from.
void Task::begin() {
  const TaskPoint point = *std::exchange(restored_, nullptr);
  gate_->begin_at(point.time);
  if (source_ == nullptr || !point.position) return;
  source_->begin(*point.position, point.time);
  *begin_ = *point.position;
}

/// Once a barrier has left the chain. No input was taken since it came.
Result<> Task::keep_handed() {
  auto handed = chain_->take_handed();
  if (!handed) return {};
  handed_at_ = clock_.now();
  TaskPoint point{time_, {}};
  if (source_ != nullptr) point.position = source_->position();
  return keeper_->keep(*std::move(handed), point);
}

/// Its state is durable, and then its sink has prepared.
Result<> Task::acknowledge() {
  if (auto saved = TRY(keeper_->saved())) saved_ = std::move(saved);
  if (!saved_) return {};
  auto staged = output_->staged_by(saved_->epoch);
  if (!staged) return {};
  state_bytes_.store(bytes_of(saved_->files), std::memory_order_relaxed);
  TaskSnapshot snapshot{std::move(saved_->files), sink_, *std::move(staged), aligned_};
  if (handed_at_) snapshot.written = clock_.now() - *handed_at_;
  news_.saved.emplace_back(saved_->epoch, std::move(snapshot));
  saved_.reset();
  return {};
}

Result<Task::Turn> Task::advance() {
  if (chain_->blocks()) return send_away();
  if (TRY(chain_->step())) return Turn::worked;
  if (chain_->finished()) {
    close_input();
    finishing_ = true;
    output_->finish();
    return Turn::worked;
  }
  ENSURE(!chain_->closed(), "a chain without input has neither finished nor anything to do");
  return take_input();
}

Result<Task::Turn> Task::send_away() {
  away_->leave();
  host_->offload([away = away_, chain = chain_, output = output_, memory = memory_, host = host_] {
    away->come_back(chain->step());
    host->wake();
  });
  return Turn::blocked;
}

/// False while somebody who has promised to say what he needs of the source has not.
bool Task::know_needs() {
  if (needs_ == nullptr) return true;
  const auto needed = output_->needed();
  if (!needed) return false;
  for (const NeededValue& value : chain_->traced(*needed)) {
    const auto column = static_cast<std::size_t>(value.column);
    needs_->tests.push_back({needs_->columns.at(column), value.test, needed_one_in});
  }
  needs_ = nullptr;
  return true;
}

void Task::tell_needs() {
  if (!promised_) return;
  const auto needed = chain_->narrows_input()->needed(0);
  if (!needed) return;
  gate_->tell(0, *needed);
  promised_ = false;
}

Result<Task::Turn> Task::take_input() {
  if (!know_needs()) return Turn::idle;
  tell_needs();
  auto event = TRY(gate_->poll([this](int input) { return chain_->wants(input); }));
  if (!event) return output_->let_go() ? Turn::worked : Turn::idle;
  if (auto* rows = std::get_if<InputGate::Rows>(&*event)) {
    chain_->offer(rows->input, std::move(rows->batch));
  } else if (const auto* advanced = std::get_if<InputGate::Advanced>(&*event)) {
    time_ = advanced->to.time;
    chain_->advance(advanced->to);
  } else if (const auto* aligned = std::get_if<InputGate::Aligned>(&*event)) {
    ENSURE(keeper_ != nullptr, "a barrier for a task that takes no part in epochs");
    aligned_ = clock_.now() - std::exchange(aligning_since_, std::nullopt).value_or(clock_.now());
    chain_->barrier(aligned->barrier);
  } else {
    chain_->end_input(std::get<InputGate::Ended>(*event).input);
  }
  return Turn::worked;
}

/// Producers whose rows nobody wants any more are let go on.
void Task::close_input() {
  if (!std::exchange(input_closed_, true)) gate_->close();
}

void Task::account(Instant from, Instant to, Turn last) {
  auto& time = last == Turn::worked ? busy_ : last == Turn::idle ? idle_ : blocked_;
  time.fetch_add((to - from).count(), std::memory_order_relaxed);
}

/// A first barrier is seen at the end of the turn in which it came: precise enough for people.
void Task::note_alignment(Instant now) {
  if (!gate_->aligning()) {
    aligning_since_.reset();
  } else if (!aligning_since_) {
    aligning_since_ = now;
  }
  const std::int64_t time = time_.time_since_epoch().count();
  const bool told = time_ > EventTime::min() && time_ < EventTime::max();
  if (told) watermark_.store(time, std::memory_order_relaxed);
}

TaskCounters Task::counters() const {
  TaskCounters result;
  for (const auto& meter : meters_) result.vertices.push_back(meter->read());
  result.busy = Duration(busy_.load(std::memory_order_relaxed));
  result.blocked = Duration(blocked_.load(std::memory_order_relaxed));
  result.idle = Duration(idle_.load(std::memory_order_relaxed));
  result.queue_percent = queue_percent_.load(std::memory_order_relaxed);
  result.watermark = watermark_.load(std::memory_order_relaxed);
  result.state_bytes = state_bytes_.load(std::memory_order_relaxed);
  return result;
}

}  // namespace troupe
