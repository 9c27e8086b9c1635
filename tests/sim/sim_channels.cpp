#include "tests/sim/sim_channels.hpp"

#include <deque>
#include <utility>

namespace troupe::sim {
namespace {

class SimReceiver final : public ChannelReceiver {
 public:
  SimReceiver(World& world, NodeIndex self, std::unique_ptr<ChannelReceiver> real)
      : world_(world), self_(self), real_(std::move(real)) {}

  Result<std::optional<StreamItem>> receive() override {
    TRY(read());
    if (ahead_.empty() || holds()) return std::optional<StreamItem>();
    StreamItem item = std::move(ahead_.front());
    ahead_.pop_front();
    if (std::holds_alternative<Barrier>(item)) world_.kill_soon(KillPoint::aligning, self_);
    return std::optional<StreamItem>(std::move(item));
  }
  bool full() const override { return real_->full(); }
  ChannelLevel level() const override { return real_->level(); }
  void close() override { real_->close(); }
  void promise() override { real_->promise(); }
  bool listened() const override { return real_->listened(); }
  void tell(const NeededValues& needed) override { real_->tell(needed); }

 private:
  /// One item; of a mutant all there are, and what it lets overtake rows comes first.
  Result<> read() {
    const bool barriers = world_.mutated(Mutation::barrier_overtakes);
    const bool watermarks = world_.mutated(Mutation::watermark_overtakes);
    while (!ended_ && (ahead_.empty() || barriers || watermarks)) {
      auto item = TRY(real_->receive());
      if (!item) break;
      if (lost(*item)) continue;
      ended_ = std::holds_alternative<EndOfStream>(*item);
      const bool overtakes = (barriers && std::holds_alternative<Barrier>(*item)) ||
                             (watermarks && std::holds_alternative<Watermark>(*item));
      if (overtakes) {
        ahead_.push_front(*std::move(item));
      } else {
        ahead_.push_back(*std::move(item));
      }
    }
    return {};
  }

  /// The mutants: until it is known what overtakes it.
  bool holds() const {
    const bool overtaken = world_.mutated(Mutation::barrier_overtakes) ||
                           world_.mutated(Mutation::watermark_overtakes);
    return overtaken && ahead_.size() == 1 && std::holds_alternative<Batch>(ahead_.front());
  }

  bool lost(const StreamItem& item) {
    return std::holds_alternative<Barrier>(item) && world_.mutated(Mutation::barrier_lost) &&
           world_.random.chance(1, 4);
  }

  World& world_;
  const NodeIndex self_;
  const std::unique_ptr<ChannelReceiver> real_;
  std::deque<StreamItem> ahead_;
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<ChannelReceiver>> SimChannels::open_receiver(
    const RemoteEnd& from, std::shared_ptr<TaskHost> host) {
  auto real = TRY(real_.open_receiver(from, std::move(host)));
  if (!world_.streams()) return real;
  return std::unique_ptr<ChannelReceiver>(
      std::make_unique<SimReceiver>(world_, self_, std::move(real)));
}

}  // namespace troupe::sim
