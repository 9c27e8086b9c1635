#pragma once

#include "runtime/base/result.hpp"

namespace troupe {

/// What the process answers; the same for every verb, and part of the contract with scripts.
enum class ExitCode : int {
  done = 0,
  failed = 1,       ///< the thing asked for failed: a run, a test, a check
  wrong_use = 2,    ///< the command line makes no sense
  invalid = 3,      ///< a descriptor or configuration is wrong
  not_allowed = 4,  ///< no token, or one that may not
  not_found = 5,    ///< no such job, run, operator
  conflict = 6,     ///< changed meanwhile, or already there
  unreachable = 7,  ///< no server at this address
  timed_out = 8,    ///< waiting ended; the work goes on
  cancelled = 9,    ///< by somebody else
  defect = 70,      ///< a bug in troupe
  interrupted = 130,
};

/// The exit code of a failure that has no better one.
ExitCode exit_code_of(const Error& error);

}  // namespace troupe
