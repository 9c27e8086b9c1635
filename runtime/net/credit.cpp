#include "runtime/net/credit.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe {
namespace {

Credit minus(const Credit& a, const Credit& b) {
  return {.bytes = a.bytes - b.bytes, .batches = a.batches - b.batches};
}

bool beyond(const Credit& a, const Credit& b) { return a.bytes > b.bytes || a.batches > b.batches; }

}  // namespace

CreditSender::CreditSender(Credit window) : window_(window) {
  ENSURE(window.bytes > 0 && window.batches > 0, "a channel without credit never moves");
}

bool CreditSender::may_send(std::uint64_t bytes) const {
  const Credit flying = in_flight();
  if (flying.batches == 0) return true;
  return flying.batches < window_.batches && flying.bytes + bytes <= window_.bytes;
}

void CreditSender::sent(std::uint64_t bytes) {
  ENSURE(may_send(bytes), "a batch of {} bytes was sent without credit", bytes);
  sent_.bytes += bytes;
  ++sent_.batches;
}

Result<> CreditSender::granted(Credit consumed_total) {
  if (beyond(consumed_total, sent_)) {
    return make_error(ErrorCode::corrupt,
                      "a grant for {} bytes in {} batches, of which only {} in {} were sent",
                      consumed_total.bytes, consumed_total.batches, sent_.bytes, sent_.batches);
  }
  if (consumed_total.batches > consumed_.batches) consumed_ = consumed_total;
  return {};
}

Credit CreditSender::in_flight() const { return minus(sent_, consumed_); }

CreditReceiver::CreditReceiver(Credit window) : window_(window) {
  ENSURE(window.bytes > 0 && window.batches > 0, "a channel without credit never moves");
}

Result<> CreditReceiver::received(std::uint64_t bytes) {
  // Judges by what was announced, not by what was consumed: the sender may have that much credit
  // already, and cannot have more.
  const Credit flying = minus(received_, announced_);
  const bool fits = flying.batches == 0 ||
                    (flying.batches < window_.batches && flying.bytes + bytes <= window_.bytes);
  if (!fits) {
    return make_error(
        ErrorCode::corrupt,
        "a batch of {} bytes beyond the credit of its channel: {} bytes in {} batches are "
        "on their way",
        bytes, flying.bytes, flying.batches);
  }
  received_.bytes += bytes;
  ++received_.batches;
  return {};
}

bool CreditReceiver::consumed(std::uint64_t bytes) {
  consumed_.bytes += bytes;
  ++consumed_.batches;
  ENSURE(!beyond(consumed_, received_), "more was consumed than was received");
  const Credit since = minus(consumed_, announced_);
  return 2 * since.bytes >= window_.bytes || 2 * since.batches >= window_.batches ||
         consumed_ == received_;
}

Credit CreditReceiver::grant() {
  announced_ = consumed_;
  return announced_;
}

Credit CreditReceiver::held() const { return minus(received_, consumed_); }

}  // namespace troupe
