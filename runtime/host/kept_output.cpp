#include "runtime/host/kept_output.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/data/memory_share.hpp"
#include "runtime/spill/partition_writer.hpp"

#include <deque>
#include <mutex>
#include <optional>

namespace troupe {
namespace {

/// What waits for a write, and in its writer for more of its partition.
constexpr MemoryShare for_writer{.parts = 64, .least = 1 << 20, .most = 64 << 20};
constexpr MemoryShare in_writer{.parts = 64, .least = 1 << 20, .most = 32 << 20};

}  // namespace

/// What the senders and the write under way share; the write may end after the task.
class KeptOutput::Work : public std::enable_shared_from_this<Work> {
 public:
  Work(std::shared_ptr<TaskHost> host, KeptPlace place)
      : host_(std::move(host)), place_(std::move(place)) {}

  bool has_room() {
    std::lock_guard lock(mutex_);
    if (waiting_.empty()) return true;
    return waiting_.size() < waiting_max && waiting_bytes_ < for_writer.of(place_.memory.get());
  }
  void add(std::uint32_t partition, Batch batch) {
    std::lock_guard lock(mutex_);
    waiting_bytes_ += batch.bytes();
    waiting_.push_back({partition, std::move(batch)});
    start();
  }
  void open(std::size_t senders) { open_senders_ = senders; }
  void end_one() {
    std::lock_guard lock(mutex_);
    ENSURE(open_senders_ > 0, "a kept output ended twice");
    --open_senders_;
    start();
  }
  void abandon() {
    std::lock_guard lock(mutex_);
    abandoned_ = true;
    waiting_.clear();
  }
  Result<> status() {
    std::lock_guard lock(mutex_);
    if (error_) return *error_;
    return {};
  }
  const PartitionIndex* index() const {
    std::lock_guard lock(mutex_);
    return index_ ? &*index_ : nullptr;
  }
  const KeptPlace& place() const { return place_; }

 private:
  struct Waiting {
    std::uint32_t partition = 0;
    Batch batch;
  };

  void start() {
    if (busy_ || error_ || abandoned_) return;
    if (waiting_.empty() && open_senders_ > 0) return;
    busy_ = true;
    host_->offload([self = shared_from_this()] { self->work(); });
  }

  void work() {
    while (true) {
      std::optional<Waiting> next;
      {
        std::lock_guard lock(mutex_);
        const bool rest = open_senders_ == 0 && !index_;
        if (error_ || abandoned_ || (waiting_.empty() && !rest)) {
          busy_ = false;
          // The writer removes what is not finished.
          if (abandoned_) writer_.reset();
          return;
        }
        if (!waiting_.empty()) {
          next = std::move(waiting_.front());
          waiting_.pop_front();
          waiting_bytes_ -= next->batch.bytes();
        }
      }
      auto result = next ? write(*next) : finish();
      if (!result) {
        std::lock_guard lock(mutex_);
        error_ = std::move(result).error();
      }
      host_->wake();
    }
  }

  Result<> open_file() {
    if (writer_) return {};
    SpillOptions options;
    options.hash_rows = place_.hash_rows;
    options.producer = place_.producer;
    options.waiting_bytes_max = in_writer.of(place_.memory.get());
    writer_ = TRY(PartitionWriter::create(*place_.files, place_.path, place_.partitions, options));
    return {};
  }
  Result<> write(const Waiting& next) {
    TRY(open_file());
    return writer_->write(next.partition, next.batch);
  }
  Result<> finish() {
    TRY(open_file());
    auto index = TRY(writer_->finish());
    std::lock_guard lock(mutex_);
    index_ = std::move(index);
    return {};
  }

  const std::shared_ptr<TaskHost> host_;
  const KeptPlace place_;
  std::unique_ptr<PartitionWriter> writer_;  ///< used by the write under way only
  mutable std::mutex mutex_;
  std::deque<Waiting> waiting_;
  std::int64_t waiting_bytes_ = 0;
  std::size_t open_senders_ = 0;
  std::optional<PartitionIndex> index_;
  std::optional<Error> error_;
  bool busy_ = false;
  bool abandoned_ = false;
};

class KeptOutput::Sender : public ChannelSender {
 public:
  Sender(std::shared_ptr<Work> work, std::uint32_t partition)
      : work_(std::move(work)), partition_(partition) {}
  ~Sender() override {
    if (!ended_) work_->abandon();
  }

  bool has_room(std::int64_t) override { return work_->has_room(); }
  void send(StreamItem item, std::int64_t) override {
    if (auto* batch = std::get_if<Batch>(&item)) {
      work_->add(partition_, std::move(*batch));
    } else if (std::holds_alternative<EndOfStream>(item)) {
      ended_ = true;
      work_->end_one();
    }
  }
  bool closed() const override { return false; }
  bool flushed() override { return work_->index() != nullptr; }
  Result<> status() override { return work_->status(); }

 private:
  const std::shared_ptr<Work> work_;
  const std::uint32_t partition_;
  bool ended_ = false;
};

KeptOutput::KeptOutput(std::shared_ptr<TaskHost> host, KeptPlace place)
    : work_(std::make_shared<Work>(std::move(host), std::move(place))) {}

KeptOutput::~KeptOutput() = default;

std::vector<std::unique_ptr<ChannelSender>> KeptOutput::senders(
    const std::vector<std::uint32_t>& which) {
  work_->open(which.size());
  std::vector<std::unique_ptr<ChannelSender>> senders;
  for (auto partition : which) senders.push_back(std::make_unique<Sender>(work_, partition));
  return senders;
}

PartitionIndex KeptOutput::index() const {
  const auto* index = work_->index();
  ENSURE(index != nullptr, "'{}' is not complete", place().path);
  return *index;
}

const KeptPlace& KeptOutput::place() const { return work_->place(); }

}  // namespace troupe
