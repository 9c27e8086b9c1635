#include "runtime/os/process.hpp"

#include "runtime/os/clock.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace troupe {
namespace {

constexpr int exec_failed = 127;

class SystemChild final : public ChildProcess {
 public:
  explicit SystemChild(int pid) : pid_(pid) {}

  ~SystemChild() override {
    if (exit_) return;
    ::kill(pid_, SIGKILL);
    reap(0);
  }

  int pid() const override { return pid_; }

  void signal(int number) override {
    // Never after it was reaped: its number may belong to another process by then.
    if (!poll()) ::kill(pid_, number);
  }

  std::optional<ProcessExit> poll() override {
    if (!exit_) reap(WNOHANG);
    return exit_;
  }

  Result<ProcessExit> wait(Duration patience) override {
    const Instant give_up = system_clock().now() + patience;
    while (!poll()) {
      if (system_clock().now() > give_up) {
        return make_error(ErrorCode::timeout, "process {} has not ended in time", pid_);
      }
      ::usleep(2000);
    }
    return *exit_;
  }

 private:
  void reap(int options) {
    int status = 0;
    pid_t ended = 0;
    do {
      ended = ::waitpid(pid_, &status, options);
    } while (ended < 0 && errno == EINTR);
    if (ended != pid_) return;
    exit_ = WIFSIGNALED(status) ? ProcessExit{0, WTERMSIG(status)}
                                : ProcessExit{WEXITSTATUS(status), 0};
  }

  const int pid_;
  std::optional<ProcessExit> exit_;
};

/// After the fork of a threaded process, only async-signal-safe calls may come before exec: another
/// thread may have held the allocator's lock.
[[noreturn]] void become(char* const* arguments, int output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Ctrl-C in a terminal goes to its whole group: what becomes of this process, its parent decides.
  ::setpgid(0, 0);
  if (::getppid() != parent) ::_exit(exec_failed);  // the parent died before the line above
  const int input = ::open("/dev/null", O_RDONLY);
  ::dup2(input, STDIN_FILENO);
  if (output >= 0) {
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
  }
  // The mask survives exec: signals that our threads block would stay blocked in the program.
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(arguments[0], arguments);
  ::_exit(exec_failed);
}

}  // namespace

std::string ProcessExit::to_string() const {
  return signal ? fmt::format("was killed by signal {}", signal)
                : fmt::format("exited with {}", code);
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const std::string& program,
                                                          const std::vector<std::string>& arguments,
                                                          const std::string& log_file) {
  // After the fork nobody can tell why exec failed, so the common mistake is caught here.
  if (::access(program.c_str(), X_OK) != 0) {
    return make_error(ErrorCode::not_found, "cannot run '{}': {}", program, std::strerror(errno));
  }
  int output = -1;
  if (!log_file.empty()) {
    output = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (output < 0) {
      return make_error(ErrorCode::unavailable, "cannot write '{}': {}", log_file,
                        std::strerror(errno));
    }
    // If our own output is closed, the log is open in its place; the child would lose it with
    // `exec`.
    if (output <= STDERR_FILENO) {
      const int low = std::exchange(output, ::fcntl(output, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
      ::close(low);
    }
  }
  std::vector<char*> words{const_cast<char*>(program.c_str())};
  for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);

  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) become(words.data(), output, parent);
  const int number = errno;
  if (output >= 0) ::close(output);
  if (child < 0) {
    return make_error(ErrorCode::unavailable, "cannot start '{}': {}", program,
                      std::strerror(number));
  }
  return std::unique_ptr<ChildProcess>(std::make_unique<SystemChild>(child));
}

std::string own_program() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "troupe" : path.string();
}

}  // namespace troupe
