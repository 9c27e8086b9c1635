#pragma once

#include "deploy/cli/verb.hpp"

#include <string>
#include <vector>

namespace troupe {

/// The whole command: finds the verb, checks the arguments, runs it, prints its failure.
/// The only user of CLI11, so that a verb costs no heavy include.
class CommandLine {
 public:
  CommandLine(VerbList verbs, const OperatorRegistry& registry)
      : verbs_(std::move(verbs)), registry_(registry) {}

  int run(int argc, const char* const* argv);

 private:
  VerbList verbs_;
  const OperatorRegistry& registry_;
};

}  // namespace troupe
