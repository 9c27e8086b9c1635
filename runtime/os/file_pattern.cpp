#include "runtime/os/file_pattern.hpp"

#include "runtime/base/utf8.hpp"
#include "runtime/os/links.hpp"

#include <algorithm>
#include <filesystem>
#include <fnmatch.h>
#include <set>
#include <span>
#include <tuple>

namespace troupe {
namespace {

constexpr int depth_max = 64;

bool has_wildcard(std::string_view name) {
  return name.find_first_of("*?[") != std::string_view::npos;
}

bool hidden(const std::string& name) { return name[0] == '_' || name[0] == '.'; }

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string inside(const std::string& directory, const std::string& name) {
  if (directory.empty()) return name;
  return directory.back() == '/' ? directory + name : directory + "/" + name;
}

/// A file that was found, and whether a symbolic link led to it.
struct FoundFile {
  std::string path;
  bool linked = false;
};

/// Walks the file system along the parts of a pattern.
class Finder {
 public:
  Finder(FileSystem& files, std::vector<std::string> parts)
      : files_(files), parts_(std::move(parts)) {}

  Result<std::vector<std::string>> find(const std::string& root) {
    TRY(walk({root, false}, 0, 0));
    std::vector<std::string> paths = without_copies();
    std::sort(paths.begin(), paths.end());
    return paths;
  }

 private:
  Result<> walk(const FoundFile& at, std::size_t part, int depth) {
    if (part == parts_.size()) return take(at);
    if (parts_[part] == "**") return walk_any_depth(at, part, depth);
    if (!has_wildcard(parts_[part])) {
      const FoundFile next = below(at, parts_[part]);
      return files_.exists(next.path) ? walk(next, part + 1, depth) : Result<>();
    }
    const bool last = part + 1 == parts_.size();
    for (const std::string& name : TRY(names_in(at.path))) {
      if (hidden(name) && !hidden(parts_[part])) continue;
      if (::fnmatch(parts_[part].c_str(), name.c_str(), 0) != 0) continue;
      const FoundFile next = below(at, name);
      // At the end of a pattern, `*` means files only.
      if (last && files_.is_directory(next.path)) continue;
      TRY(walk(next, part + 1, depth));
    }
    return {};
  }

  Result<> walk_any_depth(const FoundFile& at, std::size_t part, int depth) {
    if (depth > depth_max) {
      return make_error(ErrorCode::invalid_argument,
                        "'**' goes more than {} directories deep at '{}'", depth_max, at.path);
    }
    const bool last = part + 1 == parts_.size();
    if (!last) TRY(walk(at, part + 1, depth));
    for (const std::string& name : TRY(names_in(at.path))) {
      if (hidden(name)) continue;
      const FoundFile next = below(at, name);
      if (files_.is_directory(next.path)) {
        if (!leads_back(at.path, next.path)) TRY(walk_any_depth(next, part, depth + 1));
      } else if (last) {
        TRY(take(next));
      }
    }
    return {};
  }

  Result<> take(const FoundFile& at) {
    if (!files_.is_directory(at.path)) return add(at);
    for (const std::string& name : TRY(names_in(at.path))) {
      if (hidden(name)) continue;
      const FoundFile next = below(at, name);
      if (!files_.is_directory(next.path)) {
        TRY(add(next));
      } else if (is_partition_directory(name) && !leads_back(at.path, next.path)) {
        TRY(take(next));
      }
    }
    return {};
  }

  Result<> add(const FoundFile& file) {
    found_.push_back(file);
    if (found_.size() <= source_files_max) return {};
    return make_error(ErrorCode::invalid_argument, "the pattern names more than {} files",
                      source_files_max);
  }

  FoundFile below(const FoundFile& at, const std::string& name) const {
    const std::string path = inside(at.path, name);
    return {path, at.linked || is_link(path)};
  }

  /// True if `next`, an entry of `at`, is a link to `at` or to a directory above it: to follow it
  /// would go round for ever.
  static bool leads_back(const std::string& at, const std::string& next) {
    if (!is_link(next)) return false;
    const std::string target = real_path(next);
    return (real_path(at.empty() ? "." : at) + "/").starts_with(target + "/");
  }

  /// Each file once: of two names for one file, the one without links or else the first. Without
  /// any links no file has two names, and the real paths, a system call each, are not looked up.
  std::vector<std::string> without_copies() {
    std::sort(found_.begin(), found_.end(), [](const FoundFile& a, const FoundFile& b) {
      return std::tie(a.linked, a.path) < std::tie(b.linked, b.path);
    });
    const bool links = !found_.empty() && found_.back().linked;
    std::set<std::string> seen;
    std::vector<std::string> paths;
    for (const FoundFile& file : found_) {
      if (seen.insert(links ? real_path(file.path) : file.path).second) paths.push_back(file.path);
    }
    return paths;
  }

  Result<std::vector<std::string>> names_in(const std::string& directory) {
    const std::string path = directory.empty() ? "." : directory;
    if (!files_.is_directory(path)) return std::vector<std::string>();
    return files_.list(path);
  }

  FileSystem& files_;
  std::vector<std::string> parts_;
  std::vector<FoundFile> found_;
};

/// Must agree with the Finder: `**` is any number of names, hidden names must be asked for.
bool matches(std::span<const std::string> wanted, std::span<const std::string> names) {
  if (wanted.empty()) return names.empty();
  if (wanted[0] == "**") {
    if (wanted.size() == 1 && !names.empty() && !hidden(names[0])) {
      return matches(wanted, names.subspan(1)) || names.size() == 1;
    }
    return matches(wanted.subspan(1), names) ||
           (!names.empty() && !hidden(names[0]) && matches(wanted, names.subspan(1)));
  }
  if (names.empty() || (hidden(names[0]) && !hidden(wanted[0]))) return false;
  const bool same = has_wildcard(wanted[0]) ? ::fnmatch(wanted[0].c_str(), names[0].c_str(), 0) == 0
                                            : wanted[0] == names[0];
  return same && matches(wanted.subspan(1), names.subspan(1));
}

/// A hint for a pattern that found nothing: some names in the last directory of it that exists.
std::string what_there_is(FileSystem& files, const std::string& pattern) {
  std::string at = pattern[0] == '/' ? "/" : "";
  for (const std::string& part : parts_of(pattern)) {
    const std::string next = inside(at, part);
    if (!has_wildcard(part) && files.is_directory(next)) {
      at = next;
      continue;
    }
    const std::string where = at.empty() ? "." : at;
    const auto names = files.list(where);
    if (!names || names->empty()) return fmt::format("'{}' is empty", where);
    const std::size_t shown = std::min<std::size_t>(names->size(), 5);
    const std::vector<std::string> some(names->begin(),
                                        names->begin() + static_cast<std::ptrdiff_t>(shown));
    return fmt::format("'{}' holds {}{}", where, fmt::join(some, ", "),
                       names->size() > shown ? ", ..." : "");
  }
  return fmt::format("'{}' holds no data files", pattern);
}

}  // namespace

Result<std::string> local_path(const std::string& path) {
  const std::size_t scheme = path.find("://");
  if (scheme == std::string::npos) return path;
  if (path.starts_with("file:///")) return path.substr(std::string_view("file://").size());
  Error error =
      make_error(ErrorCode::unsupported, "'{}': only local files can be read and written, not {}",
                 path, path.substr(0, scheme));
  error.hint = "give a path, or file:///path";
  return error;
}

Result<std::vector<std::string>> find_files(FileSystem& files, const std::string& pattern) {
  const std::string path = TRY(local_path(pattern));
  const bool literal = files.exists(path);
  auto parts = literal ? std::vector<std::string>() : parts_of(path);
  const std::string root = literal ? path : path[0] == '/' ? "/" : "";
  auto found = TRY(Finder(files, std::move(parts)).find(root));
  for (const std::string& one : found) {
    if (is_utf8(one)) continue;
    // Paths travel as JSON and text, to other nodes as well, which must be UTF-8.
    Error error = make_error(ErrorCode::invalid_argument, "'{}': the name is not in UTF-8", one);
    error.hint = "rename it, or let 'path' name other files";
    return error;
  }
  if (!found.empty()) return found;
  Error error = make_error(ErrorCode::not_found, "no file matches '{}'", pattern);
  error.hint = what_there_is(files, path);
  return error;
}

namespace {

/// The local path; a path with another scheme stays as it is, for `local_path` reports it
/// elsewhere.
std::string without_scheme(const std::string& pattern) {
  const auto path = local_path(pattern);
  return path ? *path : pattern;
}

}  // namespace

std::string searched_directory(FileSystem& files, const std::string& pattern) {
  const std::string path = without_scheme(pattern);
  if (files.exists(path)) return path;
  std::string at = path[0] == '/' ? "/" : ".";
  for (const std::string& part : parts_of(path)) {
    if (has_wildcard(part)) return at;
    at = inside(at, part);
  }
  return at;
}

bool would_find(FileSystem& files, const std::string& pattern, const std::string& path) {
  const std::string root = searched_directory(files, pattern);
  std::error_code error;
  const std::string from =
      std::filesystem::weakly_canonical(std::filesystem::absolute(root), error).string();
  if (error) return false;
  const std::string asked = without_scheme(pattern);
  auto wanted = parts_of(asked);
  const auto first =
      files.exists(asked) ? wanted.end() : std::ranges::find_if(wanted, has_wildcard);
  wanted.erase(wanted.begin(), first);
  if (path != from && !path.starts_with(from == "/" ? from : from + "/")) return false;
  const auto names = parts_of(path.substr(from.size()));
  if (matches(wanted, names)) return true;
  // The pattern may name a directory: it stands for the files in it, and in directories below that
  // are named key=value.
  const bool names_directory = wanted.empty() || !has_wildcard(wanted.back());
  if (!names_directory || names.empty() || hidden(names.back())) return false;
  std::span<const std::string> above(names);
  do {
    above = above.first(above.size() - 1);
    if (matches(wanted, above)) return true;
  } while (!above.empty() && is_partition_directory(above.back()));
  return false;
}

std::string_view extension_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t dot = path.rfind('.');
  const bool in_name = dot != std::string_view::npos &&
                       (slash == std::string_view::npos || dot > slash + 1) && dot > 0;
  return in_name ? path.substr(dot) : std::string_view();
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

bool is_partition_directory(const std::string& name) {
  const std::size_t at = name.find('=');
  return at != std::string::npos && at > 0;
}

}  // namespace troupe
