#include "runtime/decision/outbox.hpp"

#include <utility>

namespace troupe {

Effects Outbox::put(Effects decided) {
  Effects leaving;
  for (Effect& effect : decided) {
    if (auto* persist = std::get_if<effect::Persist>(&effect)) {
      persist->ticket = ++last_ticket_;
      leaving.push_back(std::move(effect));
    } else if (durable_ticket_ == last_ticket_ || std::holds_alternative<effect::Look>(effect)) {
      leaving.push_back(std::move(effect));
    } else {
      waiting_.push_back({last_ticket_, std::move(effect)});
    }
  }
  return leaving;
}

Effects Outbox::durable(std::uint64_t ticket) {
  ENSURE(ticket <= last_ticket_, "ticket {} is durable, {} is the last", ticket, last_ticket_);
  durable_ticket_ = std::max(durable_ticket_, ticket);
  Effects leaving;
  while (!waiting_.empty() && waiting_.front().ticket <= durable_ticket_) {
    leaving.push_back(std::move(waiting_.front().effect));
    waiting_.pop_front();
  }
  return leaving;
}

}  // namespace troupe
