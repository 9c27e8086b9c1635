#include "actors/system/shell.hpp"

#include "runtime/base/log.hpp"

#include <caf/send.hpp>

#include <exception>

namespace troupe {

void LocalCell::send(Message message, Priority priority) {
  if (ended()) return;
  Envelope envelope{Envelope::Kind::message, std::move(message), 0};
  if (priority == Priority::high) {
    caf::anon_send<caf::message_priority::high>(actor_, std::move(envelope));
  } else {
    caf::anon_send(actor_, std::move(envelope));
  }
}

void LocalCell::stop() {
  if (ended()) return;
  caf::anon_send<caf::message_priority::high>(actor_, Envelope{Envelope::Kind::stop, {}, 0});
}

Shell::Shell(caf::actor_config& config, ActorSystem::State* state, std::shared_ptr<LocalCell> cell,
             std::shared_ptr<std::unique_ptr<Actor>> actor)
    : caf::event_based_actor(config),
      state_(state),
      cell_(std::move(cell)),
      actor_(std::move(*actor)) {
  actor_->shell_ = this;
  set_default_handler([this](caf::scheduled_actor*, caf::message_view&) {
    state_->unexpected.fetch_add(1);
    return caf::result<caf::message>(caf::make_error(caf::sec::unexpected_message));
  });
}

caf::behavior Shell::make_behavior() {
  return {[this](const Envelope& envelope) { take(envelope); }};
}

/// The one place that catches exceptions of actors: the actor stops as `internal`, and its
/// supervisor decides.
void Shell::take(const Envelope& envelope) {
  if (finished_) return;
  try {
    handle(envelope);
  } catch (const std::exception& exception) {
    log::error("{} {} stops: {}", cell_->name(), cell_->id(), exception.what());
    finish(make_error(ErrorCode::internal, "{}", exception.what()));
  }
  // After the handler has returned: the actor must not be destroyed inside one of its own calls.
  if (finished_) release();
}

void Shell::handle(const Envelope& envelope) {
  switch (envelope.kind) {
    case Envelope::Kind::start:
      started_ = true;
      return actor_->start();
    case Envelope::Kind::stop:
      return started_ ? actor_->on_stop() : finish({});
    case Envelope::Kind::timer:
      return actor_->fired(envelope.timer);
    case Envelope::Kind::message:
      break;
  }
  if (actor_->dispatch(envelope.message)) return;
  state_->unexpected.fetch_add(1);
  log::error("{} {} got a message it does not accept", cell_->name(), cell_->id());
}

void Shell::wake_after(Duration delay, TimerId timer) {
  delayed_send(this, delay, Envelope{Envelope::Kind::timer, {}, timer});
}

void Shell::finish(std::optional<Error> error) {
  if (finished_) return;
  finished_ = true;
  error_ = std::move(error);
}

void Shell::release() {
  if (!cell_) return;
  for (auto& [number, watch] : actor_->watches_) watch.other.cell()->unwatch(*cell_, number);
  // The actor goes first, so that watchers find its resources free; the list of live ones comes
  // last, so that after `shutdown` all watchers have been told.
  actor_.reset();
  auto cell = std::move(cell_);
  cell->end(std::move(error_));
  {
    std::lock_guard lock(state_->mutex);
    state_->live.erase(cell->id());
  }
  quit();
}

/// If `release` has not run yet, CAF itself ends the actor.
void Shell::on_exit() {
  finished_ = true;
  release();
}

}  // namespace troupe
