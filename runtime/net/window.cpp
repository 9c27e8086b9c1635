#include "runtime/net/window.hpp"

namespace troupe {

void SendWindow::keep(Frame frame, Instant sent_at) {
  bytes_ += frame.size();
  kept_.push_back({next_seq_++, std::move(frame), sent_at});
}

bool SendWindow::acknowledge(std::uint64_t seq) {
  if (seq >= next_seq_) return false;
  while (!kept_.empty() && kept_.front().seq <= seq) {
    bytes_ -= kept_.front().frame.size();
    kept_.pop_front();
  }
  return true;
}

std::vector<Frame> SendWindow::repeat(Instant now, std::size_t bytes_max) {
  std::vector<Frame> frames;
  std::size_t bytes = 0;
  for (auto& kept : kept_) {
    bytes += kept.frame.size();
    // At least one: a frame that is larger than the limit could never be repeated otherwise.
    if (!frames.empty() && bytes > bytes_max) break;
    kept.sent_at = now;
    frames.push_back(kept.frame);
  }
  return frames;
}

bool SendWindow::overdue(Instant now, Duration after) const {
  // The peer takes messages in order, so it is the first that everything waits for.
  return !kept_.empty() && now - kept_.front().sent_at >= after;
}

void SendWindow::clear() {
  kept_.clear();
  bytes_ = 0;
  next_seq_ = 1;
}

ReceiveWindow::Verdict ReceiveWindow::put(std::uint64_t seq, const Frame& frame) {
  if (seq <= received_ || waiting_.contains(seq)) return Verdict::duplicate;
  const bool in_order = seq == received_ + 1;
  // The next frame in order always has room, or a full window would never empty.
  if (!in_order && (waiting_.size() >= frames_max_ || bytes_ + frame.size() > bytes_max_)) {
    return Verdict::overflow;
  }
  bytes_ += frame.size();
  waiting_.emplace(seq, frame);
  return in_order ? Verdict::in_order : Verdict::ahead;
}

Frame ReceiveWindow::take() {
  const auto first = waiting_.begin();
  if (first == waiting_.end() || first->first != received_ + 1) return {};
  Frame frame = std::move(first->second);
  waiting_.erase(first);
  bytes_ -= frame.size();
  ++received_;
  return frame;
}

void ReceiveWindow::clear() {
  waiting_.clear();
  bytes_ = 0;
  received_ = 0;
}

}  // namespace troupe
