#include "actors/system/actor_system.hpp"

#include "actors/system/shell.hpp"
#include "runtime/base/log.hpp"

#include <caf/logger.hpp>
#include <caf/policy/work_sharing.hpp>
#include <caf/scheduler/coordinator.hpp>
#include <caf/send.hpp>

#include <chrono>
#include <thread>

namespace troupe {
namespace {

std::unique_ptr<caf::actor_system_config> configure(const ActorSystemOptions& options) {
  std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  auto config = std::make_unique<caf::actor_system_config>();
  config->set("scheduler.policy", caf::atom("sharing"));
  config->set("scheduler.max-threads", options.workers > 0 ? options.workers : cores);
  config->set("scheduler.max-throughput", options.throughput);
  return config;
}

/// CAF leaves a reference to its logger with every thread that makes a system or spawns an actor,
/// and ~actor_system waits until no thread has one. A system that ends on another thread than it
/// began on would wait for ever.
void forget_logger() { caf::logger::set_current_actor_system(nullptr); }

void check(caf::actor_system& system) {
  using Sharing = caf::scheduler::coordinator<caf::policy::work_sharing>;
  ENSURE(dynamic_cast<Sharing*>(&system.scheduler()) != nullptr,
         "CAF must run with the sharing scheduler");
  ENSURE(system.scheduler().max_throughput() <= 64, "CAF must take turns after few messages");
}

}  // namespace

ActorSystem::State::State(ActorSystem& owner_, std::unique_ptr<caf::actor_system_config> config_)
    : owner(owner_), config(std::move(config_)), caf(std::make_unique<caf::actor_system>(*config)) {
  forget_logger();
}

ActorSystem::ActorSystem(ActorSystemOptions options)
    : state_(std::make_unique<State>(*this, configure(options))), io_(options.io) {
  check(*state_->caf);
}

ActorSystem::ActorSystem(std::unique_ptr<State> state, IoPool::Limits io)
    : state_(std::move(state)), io_(io) {}

ActorSystem::~ActorSystem() {
  auto ended = shutdown(shutdown_grace);
  io_.stop();
  if (ended) return;
  // ~actor_system would wait for these actors for ever. A leak in a process that ends is better.
  log::error("{}", ended.error().message);
  static_cast<void>(state_.release());
}

ActorHandle ActorSystem::launch(std::string name, std::unique_ptr<Actor> actor) {
  auto cell = std::make_shared<LocalCell>(next_id(), std::move(name));
  auto boxed = std::make_shared<std::unique_ptr<Actor>>(std::move(actor));
  {
    // Spawned under the lock, so that `stop_all` either finds the actor or prevents it.
    std::lock_guard lock(state_->mutex);
    if (!state_->closed) {
      auto shell = state_->caf->spawn<Shell>(state_.get(), cell, boxed);
      forget_logger();
      cell->attach(shell);
      caf::anon_send(shell, Envelope{Envelope::Kind::start, {}, 0});
      state_->live.emplace(cell->id(), cell);
      return ActorHandle(cell);
    }
  }
  cell->end(make_error(ErrorCode::cancelled, "the actor system is shutting down"));
  return ActorHandle(cell);
}

ActorId ActorSystem::next_id() { return ActorId(state_->last_id.fetch_add(1) + 1); }

const Clock& ActorSystem::clock() const { return state_->clock ? *state_->clock : system_clock(); }

std::vector<LiveActor> ActorSystem::live() const {
  std::lock_guard lock(state_->mutex);
  std::vector<LiveActor> actors;
  for (const auto& [id, cell] : state_->live) actors.push_back({id, cell->name()});
  return actors;
}

std::uint64_t ActorSystem::unexpected_messages() const { return state_->unexpected.load(); }

void ActorSystem::stop_all() {
  std::vector<std::shared_ptr<LocalCell>> cells;
  {
    std::lock_guard lock(state_->mutex);
    state_->closed = true;
    for (auto cell = state_->live.rbegin(); cell != state_->live.rend(); ++cell) {
      cells.push_back(cell->second);
    }
  }
  for (const auto& cell : cells) cell->stop();
}

Result<> ActorSystem::shutdown(Duration grace) {
  stop_all();
  const Instant begin = system_clock().now();
  while (!live().empty()) {
    if (system_clock().now() - begin > grace) {
      std::string names;
      for (const auto& actor : live()) names += fmt::format(" {}#{}", actor.name, actor.id);
      return make_error(ErrorCode::timeout, "these actors have not ended:{}", names);
    }
    settle();
  }
  return {};
}

/// Lets the actors run while `shutdown` waits for their end.
void ActorSystem::settle() { std::this_thread::sleep_for(1ms); }

}  // namespace troupe
