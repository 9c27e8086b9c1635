#pragma once

#include "runtime/metadata/metadata_store.hpp"
#include "runtime/metadata/migrate.hpp"
#include "runtime/os/clock.hpp"

#include <memory>
#include <string>

namespace troupe {

struct SqliteStoreSettings {
  /// ":memory:" is forgotten with the process.
  std::string path;
  /// A new file belongs to it; one of another cluster is a `conflict`.
  ClusterName cluster;
  /// Whoever comes second is told this: "node 'a'".
  std::string who;
  CountTasks count_tasks;
};

/// The embedded default: one SQLite file with one coordinator. A lock beside the file
/// ("metadata.db" has "metadata.lock") is that of this process while the store is open; where
/// another process has it, `conflict` says which. Who reads has a connection of their own. The
/// clock stamps rows for people.
Result<std::unique_ptr<MetadataStore>> open_sqlite_store(const SqliteStoreSettings& settings,
                                                         const Clock& clock);

}  // namespace troupe
