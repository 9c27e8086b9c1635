#pragma once

namespace troupe {

/// From now on the first SIGINT or SIGTERM is noted and does not end the process; a second one ends
/// it at once.
void note_signals();
/// The signal that was noted, or 0.
int noted_signal();

}  // namespace troupe
