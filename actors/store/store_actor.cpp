#include "actors/store/store_actor.hpp"

#include "runtime/base/log.hpp"
#include "runtime/host/serving_task.hpp"

#include <utility>

namespace troupe {

void StoreActor::on(const ServePartition& serve) {
  auto begun = begin(serve.request);
  if (!begun) refuse(serve.request.from, begun.error());
}

Result<> StoreActor::begin(const FetchRequest& request) {
  if (serving_.size() >= serving_max) {
    return make_error(ErrorCode::unavailable, "{} partitions are being sent, no more may",
                      serving_.size());
  }
  auto host = std::make_shared<ActorTaskHost>(system().io());
  auto task = TRY(serving_task(request, services_.kept, *services_.plane, host, system().clock()));
  const auto& what = request.what;

  // The task that serves needs a key of its own; its number takes the place of the attempt.
  const std::uint64_t number = ++last_number_;
  const AttemptKey key{what.producer.run, what.producer.task, Attempt(number)};
  auto actor =
      system().spawn<TaskActor>(fmt::format("send {} edge {} to {}", attempt_tag(what.producer),
                                            what.edge, request.from.peer.node),
                                key, std::move(task), host, self());
  serving_[number] = request.from;
  watch(actor.handle(), [this, number](const Down& down) {
    auto to = serving_.extract(number);
    if (down.error && !to.empty()) refuse(to.mapped(), *down.error);
  });
  host->attach(actor.handle());
  host->begin();
  return {};
}

void StoreActor::on(const TaskEnded& ended) { bytes_sent_.add(ended.bytes_out); }

void StoreActor::refuse(const RemoteEnd& to, const Error& error) {
  log::warn("a kept partition of run {} is not sent to node {}: {}", to.key.run, to.peer.node,
            error.to_string());
  services_.plane->refuse_fetch(to, error);
}

StoreActor::Ref spawn_store(ActorSystem& system, LinkService& link, StoreServices services) {
  auto store = system.spawn<StoreActor>("store", std::move(services));
  link.on_frames(std::string(store_address), [store](const NodeId& peer, const Frame& frame) {
    auto request = fetch_request_of(peer, frame);
    if (request) store.tell(ServePartition{*std::move(request)});
  });
  return store;
}

}  // namespace troupe
