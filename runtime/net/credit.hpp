#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>

namespace troupe {

/// How much of a channel may be on its way: bytes bound memory, batches bound overhead.
struct Credit {
  std::uint64_t bytes = 0;
  std::uint64_t batches = 0;

  friend bool operator==(const Credit&, const Credit&) = default;
};

/// The window of a channel unless its job says otherwise.
inline constexpr Credit credit_default = {.bytes = std::uint64_t{4} << 20, .batches = 16};

/// The sending end of a channel: decides whether a batch may leave now.
///
/// Grants are cumulative totals, so that a repeated or overtaken grant does no harm. A batch that
/// is larger than the window may leave when nothing else is on its way; else it never could.
/// Watermarks, barriers and the end cost nothing: they must pass where rows cannot.
class CreditSender {
 public:
  explicit CreditSender(Credit window = credit_default);

  bool may_send(std::uint64_t bytes) const;
  /// Requires `may_send(bytes)`.
  void sent(std::uint64_t bytes);
  /// The receiver's total of what it has consumed since the channel opened. Less than before is
  /// ignored; more than was sent is `corrupt`.
  Result<> granted(Credit consumed_total);

  Credit in_flight() const;

 private:
  Credit window_;
  Credit sent_;
  Credit consumed_;
};

/// The receiving end: counts what it holds, and decides when to send a grant.
class CreditReceiver {
 public:
  explicit CreditReceiver(Credit window = credit_default);

  /// More than the window allows is `corrupt`: the sender does not keep to its credit.
  Result<> received(std::uint64_t bytes);
  /// The task took a batch of that size. True when it is time to send a `grant`: half the window
  /// was consumed since the last one, or nothing is held any more (a batch larger than the window
  /// waits for exactly that).
  bool consumed(std::uint64_t bytes);
  /// The total to send as a grant; counts as sent from now on.
  Credit grant();

  Credit held() const;

 private:
  Credit window_;
  Credit received_;
  Credit consumed_;
  Credit announced_;
};

}  // namespace troupe
