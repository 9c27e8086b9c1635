#pragma once

#include "runtime/base/time.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/operator/sink.hpp"
#include "tests/sim/model_stream.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::sim {

/// What one transaction has done.
struct DatabaseCommit {
  Epoch epoch;
  Epoch previous;
  std::string text;  ///< its lines
};

/// A database outside of the cluster, as a sink meets it (`PostgresTable`): lines and the row of a
/// marker change in one transaction, which finds out whether it is done already. It is durable, and
/// outlives everybody.
///
/// What may happen to a request, by chance: it is done and the answer is lost; it arrives late,
/// when who asked has given up and others have gone on; it arrives twice.
class Database {
 public:
  /// What a mistake of its connector would be.
  struct Faults {
    bool marker_ignored = false;  ///< nobody looks whether it is done already
    bool marker_apart = false;    ///< lines, and then the marker in a transaction of its own
  };
  /// What becomes of one request.
  enum class Fate { done, answer_lost, late, twice };
  struct Hands {
    std::function<Fate()> fate;
    std::function<void(std::function<void()>)> later;
    /// After each transaction that has changed something.
    std::function<void(const std::string& marker)> changed;
  };

  Database(Faults faults, Hands hands) : faults_(faults), hands_(std::move(hands)) {}

  void be_away(bool away) { away_ = away; }
  Result<> commit(const SinkCommit& what, const std::vector<Committable>& staged);
  /// All commits of a marker, in the order in which they happened.
  const std::vector<DatabaseCommit>& commits(const std::string& marker) const;

 private:
  Result<> transact(const SinkCommit& what, const std::string& text);

  const Faults faults_;
  const Hands hands_;
  bool away_ = false;
  std::map<std::string, std::vector<DatabaseCommit>> commits_;
  std::map<std::string, Epoch> markers_;
};

/// `sim.database` writes lines of four numbers to one of these.
void register_sim_database(OperatorRegistry& registry,
                           std::function<Database&(std::int64_t number)> database);

}  // namespace troupe::sim
