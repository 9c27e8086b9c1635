#pragma once

#include "runtime/metadata/metadata_store.hpp"
#include "runtime/os/clock.hpp"

#include <memory>
#include <string>

namespace troupe {

/// The embedded default: one SQLite file, one coordinator (an exclusive lock for as long as it is
/// open). `new_cluster` names the cluster where the file is new; later it is ignored. The clock
/// stamps rows for people.
Result<std::unique_ptr<MetadataStore>> open_sqlite_store(const std::string& path,
                                                         const ClusterId& new_cluster,
                                                         const Clock& clock);

}  // namespace troupe
