#pragma once

#include "runtime/metadata/metadata_store.hpp"
#include "runtime/metadata/migrate.hpp"
#include "runtime/os/clock.hpp"

#include <memory>
#include <string>

namespace troupe {

struct SqliteStoreSettings {
  /// ":memory:" keeps nothing after the process.
  std::string path;
  /// A new file belongs to this cluster; a file of another one is a `conflict`.
  ClusterName cluster;
  /// The name of this process, "node 'a'", for the error of a second process that wants the file.
  std::string who;
  CountTasks count_tasks;
};

/// The embedded default: one SQLite file with one coordinator. While the store is open, this
/// process holds a lock beside the file ("metadata.db" has "metadata.lock"); if another process
/// holds it, `conflict` says which. Readers have a connection of their own. The clock stamps rows
/// for people.
Result<std::unique_ptr<MetadataStore>> open_sqlite_store(const SqliteStoreSettings& settings,
                                                         const Clock& clock);

}  // namespace troupe
