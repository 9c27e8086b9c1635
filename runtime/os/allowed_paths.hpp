#pragma once

#include "runtime/os/file_system.hpp"

#include <string>
#include <vector>

namespace troupe {

/// The places that jobs may read and write on this node, as its operator has set them. Immutable,
/// shared. Without any, everything that the node's user may.
///
/// A path is judged by where it leads: links and ".." are followed first, also those of the parts
/// that exist of a path that does not. Who may change links inside an allowed place is trusted not
/// to do so between the look and the opening.
class AllowedPaths {
 public:
  AllowedPaths() = default;
  /// Each must be an existing directory or file of this disk.
  static Result<AllowedPaths> make(FileSystem& files, const std::vector<std::string>& places);

  bool everything() const { return places_.empty(); }
  /// `invalid_argument` where the path leads out of all places; it does not tell what is there.
  Result<> check(const std::string& path) const;

 private:
  FileSystem* files_ = nullptr;      ///< set where there are places
  std::vector<std::string> places_;  ///< absolute, without links
};

}  // namespace troupe
