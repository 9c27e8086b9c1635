#pragma once

#include "actors/node/node_body.hpp"
#include "runtime/os/file_lock.hpp"
#include "runtime/os/temporary_directory.hpp"

#include <optional>
#include <string>

namespace troupe {

/// The directory in which a node keeps its things, for as long as the node lives.
///
/// Invariant: one node at a time works in it. Two would count the same incarnations and replace
/// each other for ever; the second is told who is there. Invariant: what is in it is its owner's
/// alone. It holds rows, keys and the token.
class DataDirectory {
 public:
  /// `wanted` is made where it is not there, and stays; "" takes a new one that goes with the node.
  /// An empty one becomes its owner's alone; one that others may read is refused.
  static Result<DataDirectory> open(const std::string& wanted, const NodeId& node);

  const NodePaths& paths() const { return paths_; }

 private:
  DataDirectory() = default;
  NodePaths paths_;
  std::optional<TemporaryDirectory> temporary_;
  std::optional<FileLock> lock_;
};

/// Nobody else may be this node: its keys are its identity.
Result<FileLock> lock_keys(const std::string& directory);

}  // namespace troupe
