#pragma once

#include "tests/sim/world.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace troupe::sim {

/// Whoever submits jobs: some at a time, each with a key, again and again until there is an answer,
/// and now and then twice at the same moment; some are of an interval, which another key wants as
/// well. Now and then it changes its mind. It believes only what it was answered.
class Client {
 public:
  explicit Client(World& world);

  void begin();
  /// No new jobs from here on.
  void stop() { stopped_ = true; }
  bool done() const;
  std::uint64_t submitted() const { return submissions_.size(); }

  /// Everything that must hold at the end; throws Violation.
  void check() const;

 private:
  struct Entry {
    std::string key;
    std::string plan;
    std::string interval;  ///< of which there may be one run, whichever key asks
    std::set<RunId> answers;
    Instant cancel_at = Instant::max();
    bool cancel_asked = false;
    bool cancel_agreed = false;
  };
  void step();
  void submit_new();
  void ask(Entry& entry);
  void ask_soon(Entry& entry);
  void submit(Entry& entry);
  void hear(Entry& entry, const Result<RunId>& answer);
  void maybe_cancel(Entry& entry);
  bool ended(const Entry& entry) const;
  void check_entry(const Entry& entry) const;
  void check_halted(const RunImage& run) const;
  void check_output(const RunImage& run, const ModelJob& job) const;

  World& world_;
  Random random_;
  std::deque<Entry> submissions_;
  std::size_t open_max_;
  bool stopped_ = false;
};

}  // namespace troupe::sim
