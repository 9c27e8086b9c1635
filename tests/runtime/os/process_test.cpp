// Child processes: they end as they say, on a signal, or with their owner; never as orphans.
#include "runtime/os/process.hpp"

#include "runtime/os/file_system.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <signal.h>
#include <unistd.h>

using namespace troupe;

TEST_CASE("a child's exit code and output arrive") {
  TempDir dir;
  const std::string log = dir.path() + "/log";
  auto child = ChildProcess::start("/bin/sh", {"-c", "echo hello; exit 3"}, log);
  REQUIRE(child);
  const auto exit = (*child)->wait(10s);
  REQUIRE(exit);
  CHECK(exit->code == 3);
  CHECK(exit->to_string() == "exited with 3");
  CHECK(*system_files().read(log) == "hello\n");
}

TEST_CASE("a killed child says by which signal") {
  auto child = ChildProcess::start("/bin/sleep", {"100"});
  REQUIRE(child);
  CHECK_FALSE((*child)->poll());
  (*child)->signal(SIGKILL);
  const auto exit = (*child)->wait(10s);
  REQUIRE(exit);
  CHECK(exit->signal == SIGKILL);
}

TEST_CASE("a child ends with its owner") {
  int pid = 0;
  {
    auto child = ChildProcess::start("/bin/sleep", {"100"});
    REQUIRE(child);
    pid = (*child)->pid();
  }
  CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("a program that is not there is named") {
  const auto child = ChildProcess::start("/no/such/program", {});
  REQUIRE_FALSE(child);
  CHECK(child.error().message.find("/no/such/program") != std::string::npos);
}

TEST_CASE("a child's output arrives, also where its owner has none") {
  const TempDir dir;
  const std::string log = dir.path() + "/log";
  const int output = ::dup(STDOUT_FILENO);
  ::close(STDOUT_FILENO);
  const auto child = ChildProcess::start("/bin/sh", {"-c", "echo hello"}, log);
  ::dup2(output, STDOUT_FILENO);
  ::close(output);
  REQUIRE(child);
  REQUIRE((*child)->wait(10s));
  CHECK(*system_files().read(log) == "hello\n");
}
