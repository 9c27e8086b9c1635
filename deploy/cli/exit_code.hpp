#pragma once

#include "runtime/base/result.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// What the process answers; the same for every verb, and part of the contract with scripts.
enum class ExitCode : int {
  done = 0,
  failed = 1,         ///< the thing asked for failed: a run, a test, a check
  wrong_use = 2,      ///< the command line makes no sense
  invalid = 3,        ///< a descriptor or configuration is wrong
  not_allowed = 4,    ///< no token, or one that is not accepted
  not_found = 5,      ///< no such job, run, operator
  conflict = 6,       ///< changed meanwhile, or already there
  unreachable = 7,    ///< no server at this address
  timed_out = 8,      ///< waiting ended; the work goes on
  cancelled = 9,      ///< by somebody else
  defect = 70,        ///< a bug in troupe
  interrupted = 130,  ///< SIGINT
  terminated = 143,   ///< SIGTERM
};

/// The exit code of a failure that has no better one.
ExitCode exit_code_of(const Error& error);

/// The failure is in the value that the user gave to an argument (`--lease`, `KEY`): exit code 2,
/// where the same failure in a descriptor has 3.
Error wrong_use(std::string_view argument, Error error);

/// What an argument says, or that its value makes no sense.
template <class T>
Result<T> from_argument(std::string_view argument, Result<T> parsed) {
  if (parsed) return parsed;
  return wrong_use(argument, std::move(parsed).error());
}

}  // namespace troupe
