#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// How a child process ended.
struct ProcessExit {
  int code = 0;    ///< as it returned; 0 if a signal ended it
  int signal = 0;  ///< 0: it returned

  bool ok() const { return code == 0 && signal == 0; }
  std::string to_string() const;  ///< "exited with 3", "was killed by signal 9"
};

/// The door to other programs: one child process. It ends with its owner: the destructor kills it
/// with SIGKILL, and the kernel does when this process dies.
class ChildProcess {
 public:
  virtual ~ChildProcess() = default;

  /// Starts `program` with these arguments, without a shell. Call it from a thread that lives as
  /// long as the child: the kernel kills the child when that thread ends. Standard input is empty;
  /// output goes to `log_file`, or where ours goes if it is empty.
  static Result<std::unique_ptr<ChildProcess>> start(const std::string& program,
                                                     const std::vector<std::string>& arguments,
                                                     const std::string& log_file = "");

  virtual int pid() const = 0;
  /// Sends any signal: SIGTERM asks, SIGKILL does not. Does nothing if it has ended.
  virtual void signal(int number) = 0;
  /// How it ended; none while it runs.
  virtual std::optional<ProcessExit> poll() = 0;
  /// Blocks until it has ended or `patience` is over (`timeout`).
  virtual Result<ProcessExit> wait(Duration patience) = 0;
};

/// The path of the program that runs, however it was called.
std::string own_program();

}  // namespace troupe
