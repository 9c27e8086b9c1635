#include "deploy/cli/signals.hpp"

#include <atomic>
#include <signal.h>

namespace troupe {
namespace {

std::atomic<int> noted{0};
std::atomic<int> count{0};
std::atomic<int> left{0};

void note(int number) {
  noted = number;
  ++count;
  if (--left > 0) return;
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
}

}  // namespace

void note_signals(int times) {
  left = times;
  ::signal(SIGINT, note);
  ::signal(SIGTERM, note);
}

int noted_signal() { return noted; }

int signals_noted() { return count; }

}  // namespace troupe
