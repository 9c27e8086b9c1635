#include "runtime/state/snapshot_set.hpp"

#include "runtime/base/node_fault.hpp"

#include <map>
#include <optional>

namespace troupe {
namespace {

Error corrupt(const SnapshotReader& reader, const std::string& why) {
  return node_fault(make_error(ErrorCode::corrupt, "the snapshot '{}' {}", reader.path(), why));
}

Result<> check(const SnapshotReader& reader, const SnapshotFile& file) {
  const SnapshotIndex& index = reader.index();
  if (reader.file_bytes() != file.bytes) {
    return corrupt(
        reader, fmt::format("has {} bytes, its manifest says {}", reader.file_bytes(), file.bytes));
  }
  if (index.epoch_first != file.epoch_first || index.epoch_last != file.epoch_last) {
    return corrupt(
        reader, fmt::format("holds epochs {} to {}, its manifest says {} to {}", index.epoch_first,
                            index.epoch_last, file.epoch_first, file.epoch_last));
  }
  if (!index.groups.contains(file.groups)) {
    return corrupt(reader, fmt::format("holds key groups [{}, {}), its manifest says [{}, {})",
                                       index.groups.begin, index.groups.end, file.groups.begin,
                                       file.groups.end));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const SnapshotSet>> SnapshotSet::open(
    FileSystem& files, const std::string& directory, const std::vector<SnapshotFiles>& lists) {
  std::shared_ptr<SnapshotSet> set(new SnapshotSet());
  std::map<std::string, std::shared_ptr<const SnapshotReader>> readers;
  std::optional<std::uint32_t> key_groups;
  for (const SnapshotFiles& list : lists) {
    Members members;
    for (const SnapshotFile& file : list) {
      auto& reader = readers[file.name];
      if (!reader) reader = TRY(SnapshotReader::open(files, directory + "/" + file.name));
      TRY(check(*reader, file));
      const std::uint32_t groups = reader->index().key_groups;
      if (key_groups.value_or(groups) != groups) {
        return corrupt(*reader, fmt::format("has {} key groups, others of its run have {}", groups,
                                            *key_groups));
      }
      key_groups = groups;
      members.push_back({file, reader});
    }
    set->lists_.push_back(std::move(members));
  }
  set->key_groups_ = key_groups.value_or(key_groups_default);
  return std::shared_ptr<const SnapshotSet>(std::move(set));
}

}  // namespace troupe
