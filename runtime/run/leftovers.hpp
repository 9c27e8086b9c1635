#pragma once

#include "runtime/decision/effects.hpp"

#include <map>
#include <optional>
#include <vector>

namespace troupe {

/// A removal that fails is tried again after this long, twice as long each time, at most so long.
inline constexpr Duration clean_up_retry_min = 1s;
inline constexpr Duration clean_up_retry_max = 10min;
/// Removals under way at a time; a new leader may have many to begin with.
inline constexpr std::size_t clean_ups_max = 8;
/// Runs that are remembered for their files; beyond that the oldest is let go, and the log says so.
inline constexpr std::size_t leftovers_max = 10'000;

/// Removes what ended runs have left beside their outputs: staged files, and outputs that a commit
/// has replaced.
///
/// Owned by the CoordinatorMachine. A run is here from its end on. Its row says so, too, in the
/// same change that ends it: who leads next goes on here.
///
/// A node that was out of reach when its run ended may write yet, and what it writes comes after
/// the removal. So there is another one when the node is back and holds nothing of the run any
/// more; until then the row stays. A node that never comes back writes nothing either.
///
/// Invariant: a run is recorded as cleaned only after a removal that began when none of its tasks
/// could write.
class Leftovers {
 public:
  explicit Leftovers(std::vector<Leftover> recorded);

  /// Once, first: a new leader does not know how far the last one came.
  Effects start();
  Effects add(Leftover leftover);
  Effects on_cleaned(RunId run);
  Effects on_failed(RunId run, const Error& error, Instant now);
  /// A member has said what it holds, of all runs.
  Effects on_listed(const NodeProcess& node, const std::vector<HeldTask>& held);
  /// True if this object waits to hear that the attempt has stopped.
  bool awaits(const AttemptKey& key) const;
  Effects on_stopped(const AttemptKey& key);
  Effects on_tick(Instant now);

  std::optional<Instant> next_deadline() const;
  bool empty() const { return owed_.empty(); }

 private:
  struct Owed {
    Leftover what;
    /// Attempts that are told to stop, on nodes that are back; these stay in `what.away` till then.
    std::map<AttemptKey, NodeProcess> stopping;
    bool removing = false;
    bool due = false;    ///< waits for its turn
    bool again = false;  ///< when that is done: something may have been written since it began
    Duration retry = {};
    std::optional<Instant> again_at;
  };
  void remove(Owed& owed);
  void note_end(Owed& owed);
  void remove_due();
  void let_go(RunId run);
  void say(RunId run, log::Level level, std::string text);

  std::map<RunId, Owed> owed_;
  std::size_t removals_ = 0;  ///< under way
  Effects out_;
};

}  // namespace troupe
