#pragma once

#include "actors/node/node_body.hpp"
#include "runtime/os/file_lock.hpp"
#include "runtime/os/temporary_directory.hpp"

#include <optional>
#include <string>

namespace troupe {

/// The directory in which a node keeps its files, held for as long as the node lives.
///
/// Invariant: one node at a time works in it. Two would count the same incarnations and replace
/// each other for ever; the second one is told which process holds it. Invariant: only the owner
/// can reach what is in it, for it holds rows, keys and the token.
class DataDirectory {
 public:
  /// Makes `wanted` if it is not there; it stays after the node. "" takes a new directory that is
  /// removed with the node. An empty directory is made private; one that has files which others may
  /// read is refused.
  static Result<DataDirectory> open(const std::string& wanted, const NodeId& node);

  const NodePaths& paths() const { return paths_; }

 private:
  DataDirectory() = default;
  NodePaths paths_;
  std::optional<TemporaryDirectory> temporary_;
  std::optional<FileLock> lock_;
};

/// Locks the key directory: its keys are the node's identity, and no second process may use it.
Result<FileLock> lock_keys(const std::string& directory);

}  // namespace troupe
