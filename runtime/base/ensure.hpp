#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace troupe {

/// A broken invariant: a mistake of ours, never of the user's input or of the outside world.
///
/// Exactly one place may catch it, the message dispatch of the actors: the actor stops as
/// `internal` and its supervisor decides. In tests and simulation nobody catches it, and the run
/// dies with its seed. A failure that is to be expected returns a `Result` instead.
class Defect : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

namespace detail {
[[noreturn]] void throw_defect(const char* condition, const char* file, int line,
                               const std::string& why);
}  // namespace detail

}  // namespace troupe

/// Always on. `ENSURE(credit > 0, "channel {} sent without credit", id)`.
#define ENSURE(condition, ...)                                                                    \
  do {                                                                                            \
    if (!(condition)) [[unlikely]] {                                                              \
      ::troupe::detail::throw_defect(#condition, __FILE__, __LINE__, ::fmt::format(__VA_ARGS__)); \
    }                                                                                             \
  } while (false)
