#pragma once

#include "runtime/protocol/messages.hpp"

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

namespace schema {
struct Errand;
}  // namespace schema

enum class ErrandKind {
  commit_sink,     ///< make what one sink has published visible
  clean_up_sinks,  ///< remove what attempts of the run have staged and nobody committed
  copy_snapshots,  ///< have these state files on one's own disk
  unknown,         ///< of a newer coordinator
};
const char* to_string(ErrandKind kind);
template <>
struct EnumOf<ErrandKind> {
  static constexpr auto last = ErrandKind::copy_snapshots, unknown = ErrandKind::unknown;
};

/// What is done for a run beside its tasks. It needs no task and no slot, and nothing but what is
/// in here: any executor may do it, several at once, and again. Of what is done to sinks, the
/// marker that the sink finds, or does not find, makes that harmless; of copying, that a file is
/// the one that is meant, or is not there.
struct Errand {
  using Schema = schema::Errand;
  ErrandKind kind = ErrandKind::commit_sink;
  RunUid run_uid;                           ///< whose attempts have staged it
  std::shared_ptr<const std::string> plan;  ///< `encode_plan` of the bound job
  std::string vertex;                       ///< the sink that commits; empty where all clean up
  std::vector<Committable> committables;    ///< all that it makes visible
  Epoch epoch = Epoch(1);
  Epoch previous = {};  ///< what the sink has committed before; 0: nothing

  std::uint64_t copy = 0;             ///< of copying: which one of its run; else 0
  std::vector<StoredSnapshot> files;  ///< with the nodes that have them
  std::vector<PeerNode> nodes;        ///< where those are; one that is away is left out
  RunUid lineage = {};                ///< sinks and state are marked with it; empty: as `run_uid`

  const RunUid& marked_with() const { return lineage.value().empty() ? run_uid : lineage; }

  static constexpr auto fields() {
    return std::tuple{field("kind", &Errand::kind),
                      field("run_uid", &Errand::run_uid),
                      field("plan", &Errand::plan),
                      field("vertex", &Errand::vertex),
                      field("committables", &Errand::committables),
                      field("epoch", &Errand::epoch),
                      field("previous", &Errand::previous),
                      field("copy", &Errand::copy),
                      field("files", &Errand::files),
                      field("nodes", &Errand::nodes),
                      field("lineage", &Errand::lineage)};
  }
};

std::string encode_errand(const Errand& errand);
Result<Errand> decode_errand(std::string_view bytes);

/// What an errand is for: a run has one a sink, one that cleans up, and those that copy.
struct ErrandKey {
  RunId run;
  std::string vertex;      ///< empty: cleaning up, or copying
  std::uint64_t copy = 0;  ///< 0: it does not copy

  friend auto operator<=>(const ErrandKey&, const ErrandKey&) = default;
  friend bool operator==(const ErrandKey&, const ErrandKey&) = default;
};

inline ErrandKey key_of(RunId run, const Errand& errand) {
  return {run, errand.vertex, errand.copy};
}

/// Bytes of an errand in one command: with the envelope well below what a frame may have.
inline constexpr std::size_t errand_part_bytes = std::size_t{512} << 10;
/// A larger errand is refused before it is sent.
inline constexpr std::size_t errand_bytes_max = std::size_t{32} << 20;

}  // namespace troupe
