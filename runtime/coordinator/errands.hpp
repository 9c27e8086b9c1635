#pragma once

#include "runtime/cluster/placement.hpp"
#include "runtime/decision/effects.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace troupe {

/// Errands that one executor is asked to do at a time; more wait for another one, or their turn.
inline constexpr std::size_t errands_per_node_max = 16;
/// Who has not answered for so long is not waited for any more: it may hang in its storage. Twice
/// as long each time, at most so long: a large commit takes what it takes, and each who is asked
/// takes it from the one before.
inline constexpr Duration errand_patience_min = 1min;
inline constexpr Duration errand_patience_max = 1h;

/// What came of an errand. Its run, or for cleaning up `Leftovers`, decides what follows.
struct ErrandOutcome {
  ErrandKey what;
  std::optional<Error> error;  ///< none: it is done
  NodeId by = {};              ///< whose answer it is; nobody's where it could not be asked for
};

/// What the coordinator has executors do for runs: who is asked, and who is asked next.
///
///     waiting --(a member that does not rest has room)--> asked --(it answers)--> over
///        ^                                                  |
///        +--(it is lost, or joins anew; the fault is its own, and there is a better one;
///            it does not answer for too long)
///
/// Any executor may do any errand, but for those of whom it says that they are no use, so one that
/// does not answer is not waited for: another one is asked, or the same where it is the only one,
/// and who did it in vain does no harm. (An executor that is at it and is asked again does not
/// begin again.) Work is spread: the node with the fewest errands is asked, of several the one
/// whose turn is longest ago; an errand that failed for a reason that may pass so goes elsewhere
/// the next time.
///
/// Owned by the CoordinatorMachine. No row: what is PUBLISHED and not COMMITTED is asked for by
/// every leader, and so is what is left behind.
///
/// Invariant: an answer counts if it is to what was asked last of this very process in this term.
class Errands {
 public:
  explicit Errands(std::size_t part_bytes = errand_part_bytes,
                   Duration patience = errand_patience_min)
      : part_bytes_(part_bytes), patience_(patience) {}

  /// Fails where it is larger than can be sent.
  Result<> add(const effect::HaveDone& wanted, Instant now);
  /// Gives what waits to executors. Costs nothing where nothing waits.
  Effects give_out(const ClusterView& cluster, Instant now);
  /// Who has not answered for too long is waited for no longer.
  void on_tick(Instant now);
  std::optional<Instant> next_deadline() const;
  /// The node's process will not answer what it was asked: it is lost, or has joined anew.
  void on_away(const NodeId& node);

  /// An answer has come, be it awaited or not: who was silent is not any more.
  void heard(std::uint64_t number, const NodeProcess& from);
  bool awaits(std::uint64_t number, const NodeProcess& from) const;
  /// An answer that it awaits. None: somebody else does it.
  std::optional<ErrandOutcome> answered(std::uint64_t number, std::optional<Error> error,
                                        const ClusterView& cluster);
  /// Nobody needs to know any more what becomes of the run's commits, or of copies of its state.
  void drop_commits(RunId run);

  /// A sink whose commit nobody can be asked to do, or nobody answers for, and since when.
  struct Wait {
    std::string vertex;
    Instant since = {};
    std::optional<NodeId> silent = {};  ///< who has not answered; none: nobody is there to be asked
  };
  std::optional<Wait> commit_waits(RunId run) const;
  std::size_t open() const { return all_.size(); }

 private:
  struct Entry {
    Errand errand;
    std::uint64_t turn = 0;  ///< among those that wait
    Instant since = {};
    std::optional<NodeProcess> asked;
    std::uint64_t number = 0;       ///< of what was asked last
    Instant due = {};               ///< its answer
    Duration patience = {};         ///< for the next one
    std::set<NodeId> useless;       ///< never asked
    std::set<NodeProcess> avoided;  ///< its own fault made it fail there, or it does not answer
    std::optional<NodeId> silent;   ///< the last one that did not answer
    bool told = false;              ///< the log has it that it waits
  };
  struct Asked {
    std::size_t open = 0;
    std::uint64_t last = 0;  ///< the highest number
  };

  /// An errand that nobody waits for any more, and that its node has not answered: where a storage
  /// hangs for one node, so will the next commit of that sink.
  struct Unanswered {
    NodeProcess by;
    RunId run;
    std::string vertex;
  };

  const ClusterNode* choose(const ErrandKey& key, const Entry& entry,
                            const ClusterView& cluster) const;
  bool is_silent(const NodeProcess& node, const ErrandKey& key) const;
  void ask(const ErrandKey& key, Entry& entry, const ClusterNode& node, Instant now);
  void note_silent(const ErrandKey& key, Entry& entry);
  void wait(const ErrandKey& key, Entry& entry);
  void leave_node(Entry& entry);
  void say_none_is_there();

  const std::size_t part_bytes_;
  const Duration patience_;  ///< the first one
  std::map<ErrandKey, Entry> all_;
  std::map<std::uint64_t, ErrandKey> waiting_;       ///< by turn
  std::map<std::uint64_t, ErrandKey> asked_;         ///< by number
  std::set<std::pair<Instant, std::uint64_t>> due_;  ///< answers, by number
  std::map<NodeId, Asked> nodes_;
  std::map<std::uint64_t, Unanswered> unanswered_;  ///< by number
  std::uint64_t last_turn_ = 0;
  std::uint64_t last_number_ = 0;
  Effects out_;
};

}  // namespace troupe
