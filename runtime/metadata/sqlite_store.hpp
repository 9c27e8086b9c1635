#pragma once

#include "runtime/metadata/metadata_store.hpp"
#include "runtime/os/clock.hpp"

#include <memory>
#include <string>

namespace troupe {

/// The embedded default: one SQLite file, one coordinator (an exclusive lock for as long as it is
/// open). A new file belongs to `cluster`; one of another cluster is a `conflict`. ":memory:" is
/// forgotten with the process. The clock stamps rows for people.
Result<std::unique_ptr<MetadataStore>> open_sqlite_store(const std::string& path,
                                                         const ClusterName& cluster,
                                                         const Clock& clock);

}  // namespace troupe
