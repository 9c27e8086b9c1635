#pragma once

namespace troupe {

/// From now on SIGINT and SIGTERM are noted instead of ending the process; a second one ends it at
/// once.
void note_signals();
/// The signal that was noted, or 0.
int noted_signal();

}  // namespace troupe
