#include "runtime/exec/input_gate.hpp"

#include "runtime/base/ensure.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

InputGate::InputGate(std::vector<Input> inputs, std::shared_ptr<MemoryBudget> memory, bool apart)
    : memory_(std::move(memory)), apart_(apart) {
  const auto timed = [](const Input& input) { return input.timed; };
  several_timed_ = std::count_if(inputs.begin(), inputs.end(), timed) > 1;
  for (auto& input : inputs) {
    State state;
    state.ordered = input.ordered;
    state.set_aside = input.set_aside;
    state.timed = input.timed;
    ENSURE(!state.timed || !state.ordered, "event time needs all channels of an input at once");
    state.open = input.channels.size();
    for (auto& channel : input.channels) state.lanes.push_back({std::move(channel), {}});
    inputs_.push_back(std::move(state));
  }
}

Result<std::optional<InputGate::Event>> InputGate::poll(const std::function<bool(int)>& wanted) {
  do {
    if (auto told = marks()) return told;
    auto polled = poll_inputs(wanted);
    if (!polled || polled->has_value()) return polled;
  } while (marked_);
  return std::optional<Event>();
}

/// What the marks that came have come to, one at a time.
std::optional<InputGate::Event> InputGate::marks() {
  if (!marked_) return std::nullopt;
  if (auto advanced = advance()) return advanced;
  if (auto aligned = align()) return aligned;
  marked_ = false;
  return std::nullopt;
}

/// The new time of the task, if it has moved, or that it is idle, or back.
std::optional<InputGate::Event> InputGate::advance() {
  EventTime least = EventTime::max(), latest = EventTime::min();
  bool any_idle = false, any_awaited = false;
  for (const State& state : inputs_) {
    for (const Lane& lane : state.lanes) {
      if (!state.timed || lane.ended) continue;
      (lane.idle ? any_idle : any_awaited) = true;
      latest = std::max(latest, lane.watermark);
      if (!lane.idle) least = std::min(least, lane.watermark);
    }
  }
  const bool idle = any_idle && !any_awaited;
  const Watermark now{std::max(told_.time, idle ? latest : least), idle};
  if (now == told_) return std::nullopt;
  told_ = now;
  return Advanced{told_};
}

/// The barrier that all have delivered; whoever has ended has delivered all.
std::optional<InputGate::Event> InputGate::align() {
  if (!aligning_) return std::nullopt;
  for (const State& state : inputs_) {
    for (const Lane& lane : state.lanes) {
      if (state.timed && !holds(lane)) return std::nullopt;
    }
  }
  return Aligned{*std::exchange(aligning_, std::nullopt)};
}

void InputGate::meet(Lane& lane, const Barrier& barrier) {
  lane.barrier = barrier.epoch;
  if (!aligning_ || aligning_->epoch < barrier.epoch) aligning_ = barrier;
  marked_ = true;
}

void InputGate::begin_at(EventTime time) {
  for (State& state : inputs_) {
    if (!state.timed) continue;
    for (Lane& lane : state.lanes) lane.watermark = time;
  }
  marked_ = true;
}

/// How far an input has come; none where nobody waits for it.
std::optional<EventTime> InputGate::time_of(const State& state) const {
  std::optional<EventTime> least;
  for (const Lane& lane : state.lanes) {
    if (!state.timed || lane.ended || lane.idle) continue;
    least = std::min(least.value_or(lane.watermark), lane.watermark);
  }
  return least;
}

std::optional<std::size_t> InputGate::furthest_behind() const {
  std::optional<std::size_t> behind;
  std::optional<EventTime> least;
  for (std::size_t i = 0; i < inputs_.size() && several_timed_; ++i) {
    const auto time = time_of(inputs_[i]);
    if (!time || (least && *least <= *time)) continue;
    behind = i;
    least = time;
  }
  return behind;
}

bool InputGate::waits(const State& state, EventTime least) const {
  if (!apart_ || aligning_) return false;
  const auto time = time_of(state);
  // Where all have told the end of all times, nobody waits.
  return time && least < EventTime::max() - ahead_max && least + ahead_max < *time;
}

Result<std::optional<InputGate::Event>> InputGate::poll_inputs(
    const std::function<bool(int)>& wanted) {
  const auto behind = furthest_behind();
  const EventTime least = behind ? *time_of(inputs_[*behind]) : EventTime::max() - ahead_max;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const std::size_t input = (behind.value_or(turn_) + i) % inputs_.size();
    State& state = inputs_[input];
    if (state.ended || !wanted(static_cast<int>(input)) || waits(state, least)) continue;
    auto polled = poll_input(static_cast<int>(input));
    if (polled.ok() && !polled->has_value()) continue;
    turn_ = input + 1;
    return polled;
  }
  return std::optional<Event>();
}

Result<std::optional<InputGate::Event>> InputGate::poll_input(int input) {
  State& state = inputs_[static_cast<std::size_t>(input)];
  auto batch = TRY(state.ordered ? take_in_order(state)
                   : state.timed ? take_furthest_behind(state)
                                 : take_in_turn(state));
  if (batch) return std::optional<Event>(Rows{input, *std::move(batch)});
  // The time that its end has let go on, and an epoch that waited for it, are told before its end.
  if (state.open > 0 || marked_) return std::optional<Event>();
  state.ended = true;
  return std::optional<Event>(Ended{input});
}

Result<std::optional<Batch>> InputGate::take_in_turn(State& state) {
  for (std::size_t i = 0; i < state.lanes.size(); ++i) {
    std::size_t at = (state.next + i) % state.lanes.size();
    if (holds(state.lanes[at])) continue;
    auto batch = TRY(take(state, state.lanes[at]));
    // What a mark comes to is told before the rows behind it.
    if (!batch && !marked_) continue;
    state.next = at + 1;
    return batch;
  }
  return std::optional<Batch>();
}

Result<std::optional<Batch>> InputGate::take_furthest_behind(State& state) {
  Lane* behind = nullptr;
  for (Lane& lane : state.lanes) {
    if (!holds(lane) && (!behind || lane.watermark < behind->watermark)) behind = &lane;
  }
  if (!behind) return std::optional<Batch>();
  auto batch = TRY(take(state, *behind));
  return batch || marked_ ? batch : take_in_turn(state);
}

Result<std::optional<Batch>> InputGate::take_in_order(State& state) {
  for (; state.next < state.lanes.size(); ++state.next) {
    Lane& lane = state.lanes[state.next];
    if (!lane.aside.empty()) return std::optional(take_aside(lane));
    if (lane.ended) continue;
    auto batch = TRY(take(state, lane));
    if (batch) return batch;
    if (!lane.ended) break;
  }
  if (state.set_aside) TRY(move_aside(state));
  return std::optional<Batch>();
}

Result<std::optional<Batch>> InputGate::take(State& state, Lane& lane) {
  auto item = TRY(lane.channel->receive());
  if (!item) return std::optional<Batch>();
  if (auto* batch = std::get_if<Batch>(&*item)) return std::optional(std::move(*batch));
  if (const auto* watermark = std::get_if<Watermark>(&*item)) {
    ENSURE(state.timed, "a watermark on an input without event time");
    lane.watermark = std::max(lane.watermark, watermark->time);
    lane.idle = watermark->idle;
    marked_ = true;
    return std::optional<Batch>();
  }
  if (const auto* barrier = std::get_if<Barrier>(&*item)) {
    ENSURE(state.timed, "a barrier on an input without event time");
    meet(lane, *barrier);
    return std::optional<Batch>();
  }
  lane.ended = true;
  marked_ = marked_ || state.timed;
  --state.open;
  return std::optional<Batch>();
}

Result<> InputGate::move_aside(State& state) {
  for (std::size_t at = state.next + 1; at < state.lanes.size(); ++at) {
    Lane& lane = state.lanes[at];
    while (!lane.ended && lane.channel->full()) {
      auto batch = TRY(take(state, lane));
      if (!batch) break;
      const std::int64_t bytes = batch->bytes();
      if (memory_ && !memory_->reserve(bytes)) {
        return make_error(ErrorCode::unavailable,
                          "rows that are read in the order of their producers do not fit into the "
                          "memory of the run ({} bytes)",
                          memory_->bytes_max());
      }
      lane.aside.push_back({*std::move(batch), bytes});
    }
  }
  return {};
}

Batch InputGate::take_aside(Lane& lane) {
  Aside next = std::move(lane.aside.front());
  lane.aside.pop_front();
  if (memory_) memory_->give_back(next.bytes);
  return std::move(next.batch);
}

InputGate::~InputGate() { close(); }

void InputGate::close() {
  for (auto& state : inputs_) {
    for (auto& lane : state.lanes) {
      while (!lane.aside.empty()) take_aside(lane);
      if (!lane.ended) lane.channel->close();
      lane.ended = true;
    }
    state.open = 0;
    state.ended = true;
  }
}

void InputGate::promise(int input) {
  for (Lane& lane : inputs_[static_cast<std::size_t>(input)].lanes) lane.channel->promise();
}

bool InputGate::listened(int input) const {
  const auto& lanes = inputs_[static_cast<std::size_t>(input)].lanes;
  return std::all_of(lanes.begin(), lanes.end(),
                     [](const Lane& lane) { return lane.channel->listened(); });
}

void InputGate::tell(int input, const NeededValues& needed) {
  for (Lane& lane : inputs_[static_cast<std::size_t>(input)].lanes) lane.channel->tell(needed);
}

std::uint32_t InputGate::fill_percent() const {
  std::uint32_t most = 0;
  for (const auto& state : inputs_) {
    for (const auto& lane : state.lanes) most = std::max(most, lane.channel->level().percent);
  }
  return most;
}

}  // namespace troupe
