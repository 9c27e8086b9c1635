#pragma once

#include "actors/node/node_body.hpp"
#include "actors/system/actor.hpp"

#include <functional>
#include <utility>

namespace troupe {

/// NODE: supervise this actor: if it fails, the body ends.
struct Supervise {
  ActorHandle child;
};

/// The root supervisor. Its children are the coordinator, the executor and the store. If one fails,
/// its state is lost and it cannot be restarted alone: the node begins again as another
/// incarnation, so that its earlier messages are fenced.
class NodeActor : public ActorOf<NodeActor, Supervise> {
 public:
  explicit NodeActor(std::function<void(BodyEnd)> ended) : ended_(std::move(ended)) {}

  void on(const Supervise& supervise) {
    watch(supervise.child, [this](const Down& down) {
      if (!down.error) return;  // it was told to stop
      ended_({down.error->within(down.name + " has ended"), {}, false});
    });
  }

 private:
  const std::function<void(BodyEnd)> ended_;
};

}  // namespace troupe
