#pragma once

#include "runtime/os/file_system.hpp"

#include <string>
#include <vector>

namespace troupe {

/// The places that jobs may read and write on this node, as its operator has set them. Without any,
/// jobs may touch all that the node's user may. Immutable, shared.
///
/// A path is judged by the place it leads to: links and ".." are followed first. If the path does
/// not exist, those of its existing part are. Between this look and the opening somebody could
/// change a link: those who can do so inside an allowed place are trusted.
class AllowedPaths {
 public:
  AllowedPaths() = default;
  /// Each must be an existing directory or file of this disk.
  static Result<AllowedPaths> make(FileSystem& files, const std::vector<std::string>& places);

  bool everything() const { return places_.empty(); }
  /// `invalid_argument` if the path leads out of all places; the error does not tell what is there.
  Result<> check(const std::string& path) const;

 private:
  FileSystem* files_ = nullptr;      ///< set if there are places
  std::vector<std::string> places_;  ///< absolute, without links
};

}  // namespace troupe
