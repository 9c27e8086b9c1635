#pragma once

#include "runtime/base/result.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// The exit codes of the process: the same for every verb, and a contract with scripts.
enum class ExitCode : int {
  done = 0,
  failed = 1,         ///< the run, the test or the check has failed
  wrong_use = 2,      ///< the command line makes no sense
  invalid = 3,        ///< a descriptor or configuration is wrong
  not_allowed = 4,    ///< no token, or one that is not accepted
  not_found = 5,      ///< no such job, run, operator
  conflict = 6,       ///< it was changed meanwhile, or is already there
  unreachable = 7,    ///< no server at this address
  timed_out = 8,      ///< the wait has ended; the work goes on
  cancelled = 9,      ///< somebody else has cancelled it
  defect = 70,        ///< a bug in troupe
  interrupted = 130,  ///< SIGINT
  terminated = 143,   ///< SIGTERM
};

/// The exit code of a failure that has no better one.
ExitCode exit_code_of(const Error& error);

/// Marks a failure in the value that the user gave to an argument (`--lease`, `KEY`): exit code 2.
/// The same failure in a descriptor has 3.
Error wrong_use(std::string_view argument, Error error);

/// The parsed value of an argument, or the `wrong_use` of it.
template <class T>
Result<T> from_argument(std::string_view argument, Result<T> parsed) {
  if (parsed) return parsed;
  return wrong_use(argument, std::move(parsed).error());
}

}  // namespace troupe
