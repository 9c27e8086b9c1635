#pragma once

#include <string>

namespace troupe {

/// True for a symbolic link, wherever it leads.
bool is_link(const std::string& path);

/// The absolute path without links, "." and ".."; the path as it is if nothing is there.
std::string real_path(const std::string& path);

}  // namespace troupe
