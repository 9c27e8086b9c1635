#pragma once

#include "runtime/base/ids.hpp"
#include "tests/sim/model_stream.hpp"
#include "tests/sim/sim_database.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::sim {

class World;

/// What the sinks of one streaming run have committed, as readers see it, and whether that is
/// right.
///
/// The rows that the sink of all rows has up to an epoch say how far the sources were at its
/// barrier; and of exactly that prefix all other sinks must show the answer. So at each epoch:
/// nothing is lost, nothing is there twice, nothing is of an epoch that was given up, and all sinks
/// are at the same one.
class StreamCheck {
 public:
  StreamCheck(World& world, RunId run, RunUid uid, std::shared_ptr<const ModelStream> stream);

  /// All sinks have committed this epoch, and none a later one.
  void committed(Epoch epoch);
  /// Somebody has committed something: no sink is further than one epoch ahead of another.
  void moved();
  /// Of a run that has ended: whatever is there is what an epoch has; of one that succeeded, all.
  void ended(bool succeeded);

  Epoch last() const { return last_; }
  std::size_t epochs() const { return epochs_; }

 private:
  /// What is known of one sink.
  struct Seen {
    std::vector<Epoch> epochs;
    std::set<std::string> files;
    StreamLines lines;
  };
  void look(const std::string& vertex, const StreamSink& sink, Seen& seen);
  void look_at_log(const std::string& vertex, const StreamSink& sink, Seen& seen);
  void look_at_table(const std::string& vertex, const StreamSink& sink, Seen& seen);
  void note(const std::string& vertex, Seen& seen, Epoch epoch, Epoch previous);
  void check_answers(bool all);
  std::string what_is_wrong(StreamView view, const StreamLines& found, const StreamPrefix& prefix,
                            bool all) const;
  [[noreturn]] void violation(const std::string& vertex, const std::string& what) const;

  World& world_;
  const RunId run_;
  const RunUid uid_;
  const std::shared_ptr<const ModelStream> stream_;
  std::map<std::string, Seen> seen_;  ///< by vertex
  Epoch last_;                        ///< committed by all
  std::size_t epochs_ = 0;
};

}  // namespace troupe::sim
