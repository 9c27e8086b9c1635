#include "runtime/host/serving_task.hpp"

#include "runtime/exec/feed_receiver.hpp"
#include "runtime/exec/router.hpp"
#include "runtime/host/partition_file_reader.hpp"
#include "runtime/host/snapshot_bytes.hpp"

#include <utility>

namespace troupe {
namespace {

Result<std::unique_ptr<BatchReader>> rows_of(const KeptPartition& what, const ServedFiles& files) {
  const std::string path = files.kept.output(what.producer, what.edge);
  return std::unique_ptr<BatchReader>(
      std::make_unique<PartitionFileReader>(files.kept.files(), path, what.partition));
}

Result<std::unique_ptr<BatchReader>> rows_of(const WantedSnapshot& what, const ServedFiles& files) {
  const std::string path = TRY(files.snapshots.path(what.run, what.name));
  return std::unique_ptr<BatchReader>(
      std::make_unique<SnapshotBytesReader>(files.snapshots.files(), path));
}

}  // namespace

Result<std::shared_ptr<Task>> serving_task(const FetchRequest& request, const ServedFiles& files,
                                           DataPlane& plane, std::shared_ptr<TaskHost> host,
                                           const Clock& clock) {
  auto rows = TRY(std::visit([&](const auto& what) { return rows_of(what, files); }, request.what));
  return serving_task(request, std::move(rows), plane, std::move(host), clock);
}

Result<std::shared_ptr<Task>> serving_task(const FetchRequest& request,
                                           std::unique_ptr<BatchReader> rows, DataPlane& plane,
                                           std::shared_ptr<TaskHost> host, const Clock& clock) {
  Router::Edge edge;
  edge.senders.push_back(TRY(plane.open_sender(request.from, host)));
  std::vector<Router::Edge> edges;
  edges.push_back(std::move(edge));
  Task::Parts parts;
  parts.host = host;
  std::vector<InputGate::Input> inputs(1);
  inputs.front().channels.push_back(std::make_unique<FeedReceiver>(
      std::make_shared<BatchFeed>(std::move(host), std::move(rows), nullptr, clock)));
  parts.gate = std::make_unique<InputGate>(std::move(inputs));
  parts.output = std::make_shared<Router>(std::move(edges));
  return std::make_shared<Task>(std::move(parts), clock);
}

}  // namespace troupe
