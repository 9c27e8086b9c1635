#include "runtime/exec/sink_output.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/operator/flow.hpp"

#include <map>
#include <variant>

namespace troupe {

/// What the task and the write under way share; the write may end after the task.
class SinkOutput::Work : public std::enable_shared_from_this<Work> {
 public:
  Work(std::shared_ptr<TaskHost> host, std::shared_ptr<Sink> sink, SinkContext context,
       std::shared_ptr<VertexMeter> counters, const Clock& clock, Epoch begin)
      : host_(std::move(host)),
        sink_(std::move(sink)),
        context_(std::move(context)),
        counters_(std::move(counters)),
        clock_(clock),
        last_{begin, {}} {}

  void add(Batch batch) {
    bytes_.fetch_add(static_cast<std::uint64_t>(batch.bytes()), std::memory_order_relaxed);
    std::lock_guard lock(mutex_);
    waiting_.emplace_back(std::move(batch));
    start();
  }
  void add(const Barrier& barrier) {
    std::lock_guard lock(mutex_);
    waiting_.emplace_back(barrier);
    start();
  }
  void finish() {
    std::lock_guard lock(mutex_);
    finishing_ = true;
    start();
  }
  void abandon() {
    std::lock_guard lock(mutex_);
    abandoned_ = true;
    waiting_.clear();
  }
  Result<bool> ready() {
    std::lock_guard lock(mutex_);
    if (error_) return *error_;
    return waiting_.size() < waiting_max;
  }
  Result<bool> finished() {
    std::lock_guard lock(mutex_);
    if (error_) return *error_;
    return prepared_;
  }
  std::optional<std::vector<Committable>> staged_by(Epoch epoch) {
    std::lock_guard lock(mutex_);
    if (last_.epoch < epoch) return std::nullopt;
    return up_to(epoch);
  }
  std::vector<Committable> staged() {
    std::lock_guard lock(mutex_);
    return up_to(last_.epoch.next());
  }
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  void start() {
    if (busy_ || error_) return;
    busy_ = true;
    host_->offload([self = shared_from_this()] { self->work(); });
  }

  void work() {
    while (true) {
      std::optional<std::variant<Batch, Barrier>> next;
      {
        std::lock_guard lock(mutex_);
        bool rest = finishing_ && !prepared_ && !abandoned_;
        if (error_ || (waiting_.empty() && !rest)) {
          busy_ = false;
          break;
        }
        if (!waiting_.empty()) {
          next = std::move(waiting_.front());
          waiting_.pop_front();
        }
      }
      Instant begin = clock_.now();
      auto result = next ? take(*next) : finish_up();
      counters_->count_busy(clock_.now() - begin);
      if (!result) {
        std::lock_guard lock(mutex_);
        error_ = result.error().within(fmt::format("'{}'", counters_->vertex));
      }
      host_->wake();
    }
  }

  Result<> open() {
    if (!writer_) writer_ = TRY(sink_->open(context_));
    return {};
  }
  Result<> write(const Batch& batch) {
    TRY(open());
    TRY(writer_->write(batch));
    counters_->count_in(batch.rows(), batch.bytes());
    return {};
  }
  Result<> take(const std::variant<Batch, Barrier>& next) {
    if (const auto* batch = std::get_if<Batch>(&next)) return write(*batch);
    return end_epoch(std::get<Barrier>(next));
  }
  Result<> end_epoch(const Barrier& barrier) {
    TRY(open());
    auto staged = TRY(writer_->prepare(barrier.epoch));
    std::lock_guard lock(mutex_);
    last_ = barrier;
    std::erase_if(staged_, [&](const auto& one) { return one.first <= barrier.published; });
    keep(barrier.epoch, std::move(staged));
    return {};
  }
  void keep(Epoch epoch, std::vector<Committable> staged) {
    for (Committable& one : staged) one.epoch = epoch;
    staged_[epoch] = std::move(staged);
  }
  std::vector<Committable> up_to(Epoch epoch) const {
    std::vector<Committable> all;
    for (const auto& [staged, committables] : staged_) {
      if (staged <= epoch) all.insert(all.end(), committables.begin(), committables.end());
    }
    return all;
  }
  Result<> finish_up() {
    TRY(open());
    const Epoch epoch = last_.epoch.next();
    auto staged = TRY(writer_->prepare(epoch));
    std::lock_guard lock(mutex_);
    keep(epoch, std::move(staged));
    prepared_ = true;
    return {};
  }

  const std::shared_ptr<TaskHost> host_;
  const std::shared_ptr<Sink> sink_;
  const SinkContext context_;
  const std::shared_ptr<VertexMeter> counters_;
  const Clock& clock_;
  std::unique_ptr<SinkWriter> writer_;  ///< used by the write under way only
  std::mutex mutex_;
  std::deque<std::variant<Batch, Barrier>> waiting_;
  std::map<Epoch, std::vector<Committable>> staged_;  ///< of what is not known to be published
  Barrier last_;                                      ///< changed by the write under way only
  std::optional<Error> error_;
  bool busy_ = false;
  bool finishing_ = false;
  bool prepared_ = false;
  bool abandoned_ = false;
  std::atomic<std::uint64_t> bytes_{0};
};

SinkOutput::SinkOutput(std::shared_ptr<TaskHost> host, std::shared_ptr<Sink> sink,
                       SinkContext context, int hidden, std::shared_ptr<VertexMeter> counters,
                       const Clock& clock, Epoch begin)
    : work_(std::make_shared<Work>(std::move(host), std::move(sink), std::move(context),
                                   std::move(counters), clock, begin)),
      hidden_(hidden) {}

SinkOutput::~SinkOutput() { work_->abandon(); }
void SinkOutput::abandon() { work_->abandon(); }

void SinkOutput::emit(Batch batch, int) {
  if (batch.rows() > 0) work_->add(without_hidden(batch, hidden_));
}
void SinkOutput::emit_to(std::uint32_t, Batch batch) { emit(std::move(batch), 0); }
Result<bool> SinkOutput::ready() { return work_->ready(); }
void SinkOutput::barrier(const Barrier& barrier) { work_->add(barrier); }
std::optional<std::vector<Committable>> SinkOutput::staged_by(Epoch epoch) {
  return work_->staged_by(epoch);
}
void SinkOutput::finish() { work_->finish(); }
Result<bool> SinkOutput::finished() { return work_->finished(); }
std::vector<Committable> SinkOutput::staged() { return work_->staged(); }
std::uint64_t SinkOutput::bytes() const { return work_->bytes(); }

}  // namespace troupe
