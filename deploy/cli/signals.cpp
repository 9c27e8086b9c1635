#include "deploy/cli/signals.hpp"

#include <atomic>
#include <signal.h>

namespace troupe {
namespace {

std::atomic<int> noted{0};

void note(int number) {
  noted = number;
  ::signal(number, SIG_DFL);
}

}  // namespace

void note_signals() {
  ::signal(SIGINT, note);
  ::signal(SIGTERM, note);
}

int noted_signal() { return noted; }

}  // namespace troupe
