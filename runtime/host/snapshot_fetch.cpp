#include "runtime/host/snapshot_fetch.hpp"

#include "runtime/base/log.hpp"
#include "runtime/exec/router.hpp"
#include "runtime/host/snapshot_bytes.hpp"
#include "runtime/host/snapshot_copy.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

namespace troupe {
namespace {

/// A call on the I/O pool, and what came of it.
class DiskCall {
 public:
  void start(const std::shared_ptr<TaskHost>& host, std::function<Result<>()> call) {
    state_ = std::make_shared<State>();
    host->offload([state = state_, host, call = std::move(call)]() mutable {
      Result<> outcome = call();
      call = nullptr;  // nothing of it is left when its outcome is told
      {
        const std::lock_guard lock(state->mutex);
        state->outcome = std::move(outcome);
      }
      host->wake();
    });
  }
  bool away() const { return state_ != nullptr; }
  /// Once.
  std::optional<Result<>> take() {
    {
      const std::lock_guard lock(state_->mutex);
      if (!state_->outcome) return {};
    }
    return std::move(std::exchange(state_, nullptr)->outcome);
  }

 private:
  struct State {
    std::mutex mutex;
    std::optional<Result<>> outcome;
  };
  std::shared_ptr<State> state_;
};

/// What every file of an order is fetched with.
struct Common {
  SnapshotOrder order;
  FetchSite site;
  std::shared_ptr<TaskHost> host;
  const Clock& clock;

  bool shared() const { return !order.directory.empty(); }
  const PeerNode* find(const NodeId& node) const {
    const auto found = std::find_if(order.nodes.begin(), order.nodes.end(),
                                    [&](const PeerNode& each) { return each.node == node; });
    return found == order.nodes.end() ? nullptr : &*found;
  }
};

/// One file on its way here.
///
///     unknown -> looking -(it is here)--------------------------------------------> here
///                   `-> choosing -(next node)-> receiving -(whole)-> finishing -> here
///                          ^------------------------'  it is not, or does not come
class OneFile {
 public:
  OneFile(std::shared_ptr<const Common> common, StoredSnapshot wanted)
      : common_(std::move(common)), wanted_(std::move(wanted)) {}
  ~OneFile() { discard(); }
  OneFile(const OneFile&) = delete;
  OneFile& operator=(const OneFile&) = delete;

  bool here() const { return state_ == State::here; }
  /// Nodes that should have a copy, and have none, or a bad one.
  const std::set<NodeId>& bad() const { return bad_; }

  /// True: there is more to do now. Else the task is woken when there is, or it is here.
  Result<bool> advance() {
    if (call_.away()) {
      const auto outcome = call_.take();
      if (!outcome) return false;
      TRY(came_back(*outcome));
      return true;
    }
    switch (state_) {
      case State::unknown:
        return look();
      case State::choosing:
        return choose();
      case State::receiving:
        return receive();
      default:
        return false;
    }
  }

 private:
  enum class State { unknown, looking, choosing, receiving, finishing, here };
  /// Used by the task, or by the call that is away.
  struct Copying {
    std::unique_ptr<SnapshotCopy> copy;
  };

  const RunUid& run() const { return common_->order.run; }

  bool call(State state, std::function<Result<>()> call) {
    state_ = state;
    call_.start(common_->host, std::move(call));
    return false;
  }

  bool look() {
    return call(State::looking, [common = common_, file = wanted_.file] {
      return common->site.store.verify(common->order.run, file);
    });
  }

  /// What fails otherwise is this node's disk.
  Result<> came_back(const Result<>& outcome) {
    heard_ = common_->clock.now();
    const bool looked = state_ == State::looking;
    if (outcome && state_ != State::receiving) state_ = State::here;
    if (outcome) return {};
    const ErrorCode code = outcome.error().code;
    if (!looked || (code != ErrorCode::corrupt && code != ErrorCode::not_found)) return outcome;
    if (code == ErrorCode::corrupt || common_->shared() || has_it(common_->site.self)) {
      note(common_->site.self, outcome.error(), true);
    }
    state_ = State::choosing;
    return {};
  }

  bool has_it(const NodeId& node) const {
    return std::find(wanted_.nodes.begin(), wanted_.nodes.end(), node) != wanted_.nodes.end();
  }

  Result<bool> choose() {
    if (next_ == wanted_.nodes.size()) return nobody_has_it();
    const NodeId& node = wanted_.nodes[next_++];
    if (node == common_->site.self) return true;
    const auto receiver = open(node);
    if (!receiver) {
      note(node, receiver.error(), false);
    } else {
      state_ = State::receiving;
    }
    return true;
  }

  Result<> open(const NodeId& node) {
    const PeerNode* peer = common_->find(node);
    if (peer == nullptr || common_->site.remote == nullptr) {
      return make_error(ErrorCode::unavailable, "it is not there");
    }
    receiver_ =
        TRY(common_->site.remote->fetch_snapshot(*peer, {run(), wanted_.file.name}, common_->host));
    copying_ = std::make_shared<Copying>();
    ended_ = false;
    heard_ = common_->clock.now();
    return {};
  }

  Result<bool> receive() {
    std::vector<Batch> came;
    const Result<> taken = take(came);
    if (!taken) return pass_on(taken.error());
    if (!came.empty()) return write(std::move(came));
    if (!ended_) return wait();
    const Result<> whole = copying_->copy
                               ? copying_->copy->whole()
                               : Result<>(make_error(ErrorCode::corrupt, "nothing is in it"));
    if (!whole) return pass_on(whole.error());
    receiver_.reset();
    return call(State::finishing, [copying = copying_] { return copying->copy->finish(); });
  }

  /// Nothing has come: for long?
  bool wait() {
    const Instant until = heard_ + snapshot_silence_max;
    if (common_->clock.now() >= until) {
      return pass_on(make_error(
          ErrorCode::unavailable, "it has sent nothing for {} s",
          std::chrono::duration_cast<std::chrono::seconds>(snapshot_silence_max).count()));
    }
    common_->host->wake_at(until);
    return false;
  }

  /// What has come, up to what is written at a time.
  Result<> take(std::vector<Batch>& came) {
    for (std::size_t bytes = 0; bytes < snapshot_write_bytes && !ended_;) {
      auto item = TRY(receiver_->receive());
      if (!item) return {};
      if (const auto* batch = std::get_if<Batch>(&*item)) {
        const auto content = bytes_in(*batch);
        // As away, not as damaged: what is on its disk nobody has seen.
        if (!content) return make_error(ErrorCode::unavailable, "{}", content.error().message);
        bytes += content->size();
        came.push_back(*batch);
      }
      ended_ = std::holds_alternative<EndOfStream>(*item);
    }
    return {};
  }

  bool write(std::vector<Batch> came) {
    return call(State::receiving,
                [common = common_, file = wanted_.file, copying = copying_,
                 came = std::move(came)]() -> Result<> {
                  const SnapshotOrder& order = common->order;
                  if (!copying->copy) {
                    copying->copy =
                        TRY(SnapshotCopy::begin(common->site.store, order.run, file, order.tag));
                  }
                  for (const Batch& batch : came) TRY(copying->copy->append(TRY(bytes_in(batch))));
                  return {};
                });
  }

  /// The next one is asked.
  bool pass_on(const Error& error) {
    const bool bad = ended_ || error.code == ErrorCode::not_found;
    note(wanted_.nodes[next_ - 1], error, bad);
    receiver_.reset();
    discard();
    state_ = State::choosing;
    return true;
  }

  /// Its file is removed where that may block.
  void discard() {
    if (copying_)
      common_->host->offload([copying = std::move(copying_)]() mutable { copying = {}; });
  }

  void note(const NodeId& node, const Error& error, bool bad) {
    log::warn("state file '{}' of run {} cannot be had from node {}: {}", wanted_.file.name, run(),
              node, error.to_string());
    if (bad) bad_.insert(node);
    why_ += fmt::format("{}node {}: {}", why_.empty() ? "" : "; ", node, error.message);
  }

  Error nobody_has_it() const {
    const SnapshotFile& file = wanted_.file;
    const std::string why = why_.empty() ? "it is nowhere" : why_;
    const bool lost = std::all_of(wanted_.nodes.begin(), wanted_.nodes.end(),
                                  [this](const NodeId& node) { return bad_.contains(node); });
    if (!lost) {
      return make_error(ErrorCode::unavailable,
                        "no good copy of the state file '{}' can be had now: {}", file.name, why);
    }
    return make_error(ErrorCode::corrupt,
                      "no good copy is left of the state file '{}' (key groups {} to {}): {}",
                      file.name, file.groups.begin, file.groups.end - 1, why);
  }

  const std::shared_ptr<const Common> common_;
  const StoredSnapshot wanted_;
  State state_ = State::unknown;
  DiskCall call_;
  std::size_t next_ = 0;  ///< of the nodes
  std::unique_ptr<ChannelReceiver> receiver_;
  std::shared_ptr<Copying> copying_;
  bool ended_ = false;  ///< all that its node has of it has come
  Instant heard_;       ///< of its node, or of the own disk
  std::set<NodeId> bad_;
  std::string why_;
};

/// All files of an order, as a channel on which no rows come: its end does, when they are here.
class SnapshotFetch final : public ChannelReceiver {
 public:
  SnapshotFetch(std::shared_ptr<const Common> common,
                std::shared_ptr<std::vector<StoredSnapshot>> here)
      : common_(std::move(common)), here_(std::move(here)) {
    // Several tasks may have had the same file, each its own key groups of it.
    for (const StoredSnapshot& each : common_->order.files) files_.emplace(each.file.name, each);
    waiting_ = files_.begin();
  }

  Result<std::optional<StreamItem>> receive() override {
    while (TRY(advance())) {
    }
    if (!open_.empty()) return std::optional<StreamItem>();
    for (StoredSnapshot each : common_->order.files) {
      each.nodes = nodes_.at(each.file.name);
      here_->push_back(std::move(each));
    }
    return std::optional<StreamItem>(EndOfStream{});
  }
  bool full() const override { return false; }
  ChannelLevel level() const override { return {}; }
  void close() override { open_.clear(); }

 private:
  Result<bool> advance() {
    for (; open_.size() < snapshots_at_once && waiting_ != files_.end(); ++waiting_) {
      open_.emplace(waiting_->first, std::make_unique<OneFile>(common_, waiting_->second));
    }
    bool moved = false;
    for (auto each = open_.begin(); each != open_.end();) {
      moved = TRY(each->second->advance()) || moved;
      if (!each->second->here()) {
        ++each;
        continue;
      }
      note_nodes(each->first, each->second->bad());
      each = open_.erase(each);
      moved = true;
    }
    return moved;
  }

  void note_nodes(const std::string& name, const std::set<NodeId>& bad) {
    if (common_->shared()) return static_cast<void>(nodes_[name]);
    std::vector<NodeId> nodes = files_.at(name).nodes;
    std::erase_if(nodes, [&](const NodeId& node) { return bad.contains(node); });
    const NodeId& self = common_->site.self;
    if (std::find(nodes.begin(), nodes.end(), self) == nodes.end()) nodes.push_back(self);
    nodes_[name] = std::move(nodes);
  }

  const std::shared_ptr<const Common> common_;
  const std::shared_ptr<std::vector<StoredSnapshot>> here_;
  std::map<std::string, StoredSnapshot> files_;
  std::map<std::string, StoredSnapshot>::const_iterator waiting_;
  std::map<std::string, std::unique_ptr<OneFile>> open_;
  std::map<std::string, std::vector<NodeId>> nodes_;
};

}  // namespace

FetchingTask fetching_task(SnapshotOrder order, FetchSite site, std::shared_ptr<TaskHost> host,
                           const Clock& clock) {
  if (!order.directory.empty()) site.store = SnapshotStore(site.store.files(), order.directory);
  auto here = std::make_shared<std::vector<StoredSnapshot>>();
  auto common =
      std::make_shared<const Common>(Common{std::move(order), std::move(site), host, clock});
  Task::Parts parts;
  parts.host = std::move(host);
  std::vector<InputGate::Input> inputs(1);
  inputs.front().channels.push_back(std::make_unique<SnapshotFetch>(std::move(common), here));
  parts.gate = std::make_unique<InputGate>(std::move(inputs));
  parts.output = std::make_shared<Router>(std::vector<Router::Edge>());
  return {std::make_shared<Task>(std::move(parts), clock), std::move(here)};
}

}  // namespace troupe
