#pragma once

#include "runtime/decision/effects.hpp"

#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// The outcome of one event for one run: the rows that change, and the effects. Machines add to it
/// in the order in which they decide.
///
/// Invariant: one event is one transaction: all its rows stand in one Persist, before all effects.
class Decision {
 public:
  explicit Decision(RunId about) : about_(about) {}

  void persist(Record record) { records_.push_back(std::move(record)); }
  void effect(Effect effect) { effects_.push_back(std::move(effect)); }
  void send(const NodeId& node, Incarnation incarnation, Command command) {
    effect(effect::Send{node, incarnation, std::move(command)});
  }
  /// A line of the run's history, for people.
  void say(log::Level level, std::string text) {
    persist(EventRecord{about_, level, std::move(text)});
  }

  /// All of it; the next event begins with nothing.
  Effects take();

 private:
  RunId about_;
  std::vector<Record> records_;
  Effects effects_;
};

}  // namespace troupe
