#include "runtime/os/allowed_paths.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

namespace troupe {
namespace {

/// The place that a path leads to: absolute, without links and "..".
Result<std::string> place_of(FileSystem& files, const std::string& path) {
  // `weakly_canonical` does not follow a link to something that does not exist yet, but a file that
  // is opened through it would be made there.
  const std::string target = TRY(files.follow_links(path));
  std::error_code error;
  const auto absolute = std::filesystem::absolute(target, error);
  const auto place = error ? absolute : std::filesystem::weakly_canonical(absolute, error);
  if (error) {
    return make_error(ErrorCode::invalid_argument, "where '{}' leads cannot be said: {}", path,
                      error.message());
  }
  std::string text = place.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

bool inside(const std::string& place, const std::string& path) {
  return place == "/" || path == place || path.starts_with(place + "/");
}

}  // namespace

Result<AllowedPaths> AllowedPaths::make(FileSystem& files, const std::vector<std::string>& places) {
  AllowedPaths allowed;
  allowed.files_ = &files;
  for (const std::string& place : places) {
    if (!files.exists(place)) {
      return make_error(ErrorCode::invalid_argument, "'{}' cannot be allowed: it does not exist",
                        place);
    }
    allowed.places_.push_back(TRY(place_of(files, place)));
  }
  return allowed;
}

Result<> AllowedPaths::check(const std::string& path) const {
  if (everything()) return {};
  const std::string leads = TRY(place_of(*files_, path));
  if (std::ranges::any_of(places_, [&](const auto& place) { return inside(place, leads); })) {
    return {};
  }
  Error error =
      make_error(ErrorCode::invalid_argument, "'{}' is outside of what jobs may touch here", path);
  if (leads != path) error.message += fmt::format(" (it leads to '{}')", leads);
  error.hint =
      fmt::format("this node allows {}; its option --paths says so", fmt::join(places_, ", "));
  return error;
}

}  // namespace troupe
