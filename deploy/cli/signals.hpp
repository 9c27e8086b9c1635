#pragma once

namespace troupe {

/// From now on so many SIGINT or SIGTERM are only noted; the next one ends the process.
void note_signals(int times = 1);
/// The last one; 0: none.
int noted_signal();
int signals_noted();

}  // namespace troupe
