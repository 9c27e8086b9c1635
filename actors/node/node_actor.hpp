#pragma once

#include "actors/node/node_body.hpp"
#include "actors/system/actor.hpp"

#include <functional>
#include <utility>

namespace troupe {

/// NODE: from now on this actor's end is the end of the body.
struct Supervise {
  ActorHandle child;
};

/// The root supervisor. Its children are the coordinator and the executor, which know whole
/// machines' states: one that dies by itself is not restarted alone, the node begins again as
/// another incarnation, so that what it said before is fenced.
class NodeActor : public ActorOf<NodeActor, Supervise> {
 public:
  explicit NodeActor(std::function<void(BodyEnd)> ended) : ended_(std::move(ended)) {}

  void on(const Supervise& supervise) {
    watch(supervise.child, [this](const Down& down) {
      if (!down.error) return;  // it was told to
      ended_({down.error->within(down.name + " has ended"), {}, false});
    });
  }

 private:
  const std::function<void(BodyEnd)> ended_;
};

}  // namespace troupe
