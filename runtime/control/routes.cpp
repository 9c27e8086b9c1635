#include "runtime/control/routes.hpp"

#include <algorithm>

namespace troupe {
namespace {

/// Takes the first segment away: "/api/v1" -> "api", and "/v1" is left.
std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(path.empty() ? 0 : 1);
  const auto end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

/// "{run}"
bool is_argument(std::string_view segment) { return segment.starts_with('{'); }
std::string_view name_of(std::string_view segment) { return segment.substr(1, segment.size() - 2); }

}  // namespace

const char* to_string(Access access) {
  switch (access) {
    case Access::open:
      return "open";
    case Access::read:
      return "read";
    case Access::write:
      return "write";
  }
  return "?";
}

std::optional<PathValues> match(const Route& route, std::string_view path) {
  PathValues values;
  std::string_view pattern = route.path;
  while (!pattern.empty() || !path.empty()) {
    const std::string_view want = next_segment(pattern), have = next_segment(path);
    if (is_argument(want)) {
      if (have.empty()) return std::nullopt;
      values[std::string(name_of(want))] = have;
    } else if (want != have) {
      return std::nullopt;
    }
  }
  return values;
}

std::vector<std::string> arguments_in_path(const Route& route) {
  std::vector<std::string> names;
  for (std::string_view path = route.path; !path.empty();) {
    const std::string_view segment = next_segment(path);
    if (is_argument(segment)) names.emplace_back(name_of(segment));
  }
  return names;
}

bool in_path(const Route& route, std::string_view argument) {
  const auto names = arguments_in_path(route);
  return std::find(names.begin(), names.end(), argument) != names.end();
}

}  // namespace troupe
