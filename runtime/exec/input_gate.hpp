#pragma once

#include "runtime/data/memory_budget.hpp"
#include "runtime/exec/channel.hpp"
#include "runtime/exec/fifo.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace troupe {

/// All channels into a task, as its inputs; the splits that a source's task reads come through it,
/// too.
///
/// Channels of an unordered input take turns, a batch each. An ordered input (a gather) is read one
/// channel after the other, in producer order; where those producers are fed by a common exchange,
/// one that is not read yet would stop the others for ever, so its waiting rows are set aside.
///
/// The channels of a timed input say by watermarks how far their event time has come. The task's
/// own time is that of the channel which is furthest behind, over all its timed inputs; one that
/// has ended, or is idle, holds nothing back. Where all are idle it is that of the latest, and the
/// task is idle itself. So as not to collect rows that must wait for others, that channel
/// is asked first.
///
/// Of several timed inputs the one that is furthest behind is asked first, too. Where no source
/// feeds two of them (`apart`), the others wait for one that is more than `ahead_max` behind: what
/// a join keeps does not grow with how unequally fast its inputs are. But nobody waits for a
/// barrier's sake.
///
/// They also carry barriers. A channel that has delivered one is not asked any more until all timed
/// channels have: so what was taken before is exactly what belongs to the epoch. A higher barrier
/// ends the waiting for a lower one, whose epoch somebody has given up.
class InputGate {
 public:
  struct Input {
    std::vector<std::unique_ptr<ChannelReceiver>> channels;
    bool ordered = false;
    /// Rows of later channels of an ordered input may be set aside.
    bool set_aside = false;
    /// Its channels carry watermarks and barriers.
    bool timed = false;
  };
  struct Rows {
    int input = 0;
    Batch batch;
  };
  struct Ended {
    int input = 0;
  };
  /// No row with an earlier event time will come from any input, except late ones. Told before the
  /// end of the last timed input, with the end of all times. Or: the task has become idle, or is no
  /// longer.
  struct Advanced {
    Watermark to;
  };
  /// All that was taken so far belongs to this epoch, and nothing else does.
  struct Aligned {
    Barrier barrier;
  };
  using Event = std::variant<Rows, Ended, Advanced, Aligned>;

  /// What is set aside is reserved in `memory` (may be null); no more than fits is.
  explicit InputGate(std::vector<Input> inputs, std::shared_ptr<MemoryBudget> memory = {},
                     bool apart = false);
  ~InputGate();

  /// The next thing to do, from inputs that are wanted; none: the task is woken when there is more.
  Result<std::optional<Event>> poll(const std::function<bool(int)>& wanted);
  /// The task goes on from there: told by the first `poll`, and earlier rows are late.
  void begin_at(EventTime time);
  /// Nothing more is wanted.
  void close();
  /// All producers of an input are told later which rows of it are needed.
  void promise(int input);
  /// Whether all of them listen.
  bool listened(int input) const;
  void tell(int input, const NeededValues& needed);
  /// Some channel has delivered a barrier that another one has not.
  bool aligning() const { return aligning_.has_value(); }
  /// How full the fullest channel is.
  std::uint32_t fill_percent() const;

  static constexpr EventTime::duration ahead_max = 10s;

 private:
  struct Aside {
    Batch batch;
    std::int64_t bytes = 0;
  };
  struct Lane {
    std::unique_ptr<ChannelReceiver> channel;
    Fifo<Aside> aside;
    bool ended = false;
    EventTime watermark = EventTime::min();
    bool idle = false;
    Epoch barrier = {};  ///< the last one that it has delivered
  };
  struct State {
    std::vector<Lane> lanes;
    bool ordered = false;
    bool set_aside = false;
    bool timed = false;
    std::size_t next = 0;  ///< ordered: the lane being read; else: whose turn it is
    std::size_t open = 0;  ///< lanes that have not ended
    bool ended = false;
  };

  std::optional<EventTime> time_of(const State& state) const;
  std::optional<std::size_t> furthest_behind() const;
  bool waits(const State& state, EventTime least) const;
  std::optional<Event> marks();
  std::optional<Event> advance();
  std::optional<Event> align();
  bool holds(const Lane& lane) const {
    return lane.ended || (aligning_ && lane.barrier == aligning_->epoch);
  }
  void meet(Lane& lane, const Barrier& barrier);
  Result<std::optional<Event>> poll_inputs(const std::function<bool(int)>& wanted);
  Result<std::optional<Event>> poll_input(int input);
  Result<std::optional<Batch>> take_furthest_behind(State& state);
  Result<std::optional<Batch>> take_in_order(State& state);
  Result<std::optional<Batch>> take_in_turn(State& state);
  Result<std::optional<Batch>> take(State& state, Lane& lane);
  Result<> move_aside(State& state);
  Batch take_aside(Lane& lane);

  std::vector<State> inputs_;
  std::shared_ptr<MemoryBudget> memory_;
  const bool apart_;
  bool several_timed_ = false;
  std::size_t turn_ = 0;
  Watermark told_{EventTime::min()};
  std::optional<Barrier> aligning_;  ///< the highest that some channel has delivered
  /// A watermark or a barrier came, or a timed channel ended: what that comes to is told before
  /// anything else.
  bool marked_ = false;
};

}  // namespace troupe
