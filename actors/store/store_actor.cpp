#include "actors/store/store_actor.hpp"

#include "runtime/base/log.hpp"

#include <utility>

namespace troupe {
namespace {

std::string named(const KeptPartition& what) {
  return fmt::format("{} edge {}", attempt_tag(what.producer), what.edge);
}
std::string named(const WantedSnapshot& what) {
  return fmt::format("'{}' of run {}", what.name, what.run);
}
std::string named(const FetchRequest& request) {
  return std::visit([](const auto& what) { return named(what); }, request.what);
}

}  // namespace

void StoreActor::on(const ServePartition& serve) {
  auto begun = begin(serve.request);
  if (!begun) refuse(serve.request, begun.error());
}

Result<> StoreActor::begin(const FetchRequest& request) {
  if (serving_.size() >= serving_max) {
    return make_error(ErrorCode::unavailable, "{} files are being sent, no more may",
                      serving_.size());
  }
  auto host = std::make_shared<ActorTaskHost>(system().io());
  auto task = TRY(serving_task(request, services_.files, *services_.plane, host, system().clock()));

  // The task that serves needs a key of its own; its number takes the place of the attempt.
  const std::uint64_t number = ++last_number_;
  const AttemptKey key{request.from.key.run, {}, Attempt(number)};
  auto actor = system().spawn<TaskActor>(
      fmt::format("send {} to {}", named(request), request.from.peer.node), key, std::move(task),
      host, self());
  serving_[number] = request;
  watch(actor.handle(), [this, number](const Down& down) {
    auto to = serving_.extract(number);
    if (down.error && !to.empty()) refuse(to.mapped(), *down.error);
  });
  host->attach(actor.handle());
  host->begin();
  return {};
}

void StoreActor::on(const TaskEnded& ended) { bytes_sent_.add(ended.bytes_out); }

void StoreActor::refuse(const FetchRequest& request, const Error& error) {
  log::warn("{} is not sent to node {}: {}", named(request), request.from.peer.node,
            error.to_string());
  services_.plane->refuse_fetch(request.from, error);
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
