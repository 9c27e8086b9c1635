#include "runtime/protocol/errand.hpp"

#include "runtime/protocol/struct_bytes.hpp"
#include "schemas/job.capnp.h"

namespace troupe {

const char* to_string(ErrandKind kind) {
  switch (kind) {
    case ErrandKind::commit_sink:
      return "commit_sink";
    case ErrandKind::clean_up_sinks:
      return "clean_up_sinks";
    case ErrandKind::copy_snapshots:
      return "copy_snapshots";
    case ErrandKind::unknown:
      return "unknown";
  }
  return "unknown";
}

std::string encode_errand(const Errand& errand) { return bytes_of(errand); }

Result<Errand> decode_errand(std::string_view bytes) { return read_bytes<Errand>(bytes, "errand"); }

}  // namespace troupe
