#pragma once

#include "actors/system/actor_cell.hpp"
#include "runtime/base/time.hpp"
#include "runtime/os/clock.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace troupe {

class ActorSystem;
class Shell;

using TimerId = std::uint64_t;

/// Takes the answer to a question back to the actor that asked. If the last copy is destroyed
/// without an answer (the asked actor has ended, or forgot), the asker is told `unavailable`.
template <class T>
class Reply {
 public:
  Reply() = default;
  explicit Reply(std::function<void(Result<T>)> send)
      : state_(std::make_shared<State>(std::move(send))) {}

  // Not inline: else g++ 12 warns that the unused half of the variant is uninitialised.
  [[gnu::noinline]] void operator()(Result<T> answer) const {
    if (auto send = std::exchange(state_->send, nullptr)) send(std::move(answer));
  }

 private:
  struct State {
    explicit State(std::function<void(Result<T>)> how) : send(std::move(how)) {}
    ~State() {
      if (send) send(make_error(ErrorCode::unavailable, "the actor that was asked gave no answer"));
    }
    std::function<void(Result<T>)> send;
  };
  std::shared_ptr<State> state_;
};

/// State with a mailbox. One thread at a time calls it. It never blocks: calls that do go to the
/// system's `IoPool`. It ends by `end`, by a `stop` from outside, or by an exception, of which its
/// watchers hear as an `internal` error. The actor object is destroyed then.
///
/// Derive from `ActorOf`, which dispatches messages to `on(const M&)`.
class Actor {
 public:
  Actor() = default;
  virtual ~Actor() = default;
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

 protected:
  /// Called before the first message.
  virtual void start() {}
  /// False if this actor does not accept the message.
  virtual bool receive(const Message& message) = 0;
  /// Called when somebody asked it to stop. The default is to end at once.
  virtual void on_stop() { end(); }

  ActorSystem& system() const;
  const Clock& clock() const;
  ActorHandle self() const;

  /// Ends this actor after the current message; its watchers are told the error.
  void end(std::optional<Error> error = {});

  /// Calls `then` once the other has ended (at once if it has). The news has high priority: it
  /// overtakes normal messages that the other sent before. Watch children, not parents.
  void watch(const ActorHandle& other, std::function<void(const Down&)> then);
  void unwatch(const ActorHandle& other);

  TimerId after(Duration delay, std::function<void()> then);
  TimerId every(Duration interval, std::function<void()> then);
  void cancel(TimerId timer);

  /// Sends the question that `make(Reply<T>)` returns, and calls `then` once: with the answer, with
  /// `unavailable` if the other has ended, or with `timeout` after `deadline`.
  template <class T, class Target, class Make>
  void ask(const Target& target, Duration deadline, Make&& make,
           std::function<void(Result<T>)> then) {
    const TimerId number = ++last_number_;
    const TimerId timer = after(deadline, [this, number] {
      answered(number, Message::of(Result<T>(make_error(ErrorCode::timeout, "no answer in time"))));
    });
    waiting_for_[number] = {[then](Message answer) { then(*answer.get<Result<T>>()); }, timer};
    target.tell(make(Reply<T>([me = self(), number](Result<T> answer) {
      me.send(Message::of(Answer{number, Message::of(std::move(answer))}));
    })));
  }

 private:
  friend class Shell;

  struct Answer {
    std::uint64_t number = 0;
    Message answer;
  };
  struct Question {
    std::function<void(Message)> then;
    TimerId deadline = 0;
  };
  struct Timer {
    std::optional<Duration> interval;
    std::function<void()> then;
  };
  struct Watch {
    ActorHandle other;
    std::function<void(const Down&)> then;
  };

  bool dispatch(const Message& message);
  void answered(std::uint64_t number, Message answer);
  void watched_ended(const Watched& watched);
  void fired(TimerId timer);
  TimerId start_timer(Duration delay, Timer timer);

  Shell* shell_ = nullptr;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Question> waiting_for_;
  std::map<TimerId, Timer> timers_;
  std::map<std::uint64_t, Watch> watches_;
};

/// An actor of type Self that accepts the messages Ms: `void on(const M&)` for each of them.
template <class Self, class... Ms>
class ActorOf : public Actor {
 public:
  using Ref = troupe::Ref<Ms...>;

 protected:
  bool receive(const Message& message) override { return (deliver<Ms>(message) || ...); }

 private:
  template <class M>
  bool deliver(const Message& message) {
    const M* value = message.get<M>();
    if (value != nullptr) static_cast<Self*>(this)->on(*value);
    return value != nullptr;
  }
};

}  // namespace troupe
