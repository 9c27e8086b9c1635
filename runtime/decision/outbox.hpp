#pragma once

#include "runtime/decision/effects.hpp"

#include <cstdint>
#include <deque>

namespace troupe {

/// Keeps the one order everything else relies on: an effect leaves after every record that was
/// decided before it is durable, and effects leave in the order in which they were decided.
///
/// A writer may be slow, and may write several `Persist` effects as one transaction (group commit).
/// So `Persist` and `Look`, which the store carries out, leave at once; all other effects wait for
/// the records before them.
///
/// Invariant: of `put` and `durable` together, what they return is the decided order with each
/// `Persist` and `Look` moved forward past effects that still wait.
class Outbox {
 public:
  /// Takes new decisions; returns the effects that may leave now and keeps the rest.
  Effects put(Effects decided);
  /// Everything up to and including this ticket is durable.
  Effects durable(std::uint64_t ticket);

  std::uint64_t last_ticket() const { return last_ticket_; }
  bool idle() const { return waiting_.empty(); }

 private:
  struct Waiting {
    std::uint64_t ticket;  ///< leaves when this is durable
    Effect effect;
  };
  std::deque<Waiting> waiting_;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t durable_ticket_ = 0;
};

}  // namespace troupe
