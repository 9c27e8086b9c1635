#pragma once

#include "runtime/base/result.hpp"
#include "runtime/os/file_system.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// At most so many files belong to one source; more are a mistake in the pattern.
inline constexpr std::size_t source_files_max = 1'000'000;

/// A `path` parameter as a path of the file system: without "file://". A path with another scheme
/// is `unsupported`.
Result<std::string> local_path(const std::string& path);

/// The files that `pattern` names, sorted by name, each once: if symbolic links give a file several
/// names, the one without links counts. A link to a directory above itself is not followed.
///
/// `*`, `?` and `[a-z]` match within a name, `**` matches any number of directories. A directory
/// stands for the files directly in it, and in its directories named key=value. A name that begins
/// with `_` or `.` (markers, staged files) is found only if the pattern names it so. An existing
/// path is taken as it is, whatever its letters. If no file is found: `not_found`, with a hint of
/// what is there.
Result<std::vector<std::string>> find_files(FileSystem& files, const std::string& pattern);

/// Would `find_files` name this file, if it existed? `path` is absolute, without links and "..".
bool would_find(FileSystem& files, const std::string& pattern, const std::string& path);
/// The directory below which a pattern looks; an existing path is its own answer.
std::string searched_directory(FileSystem& files, const std::string& pattern);

/// True for "year=2013": a directory above stands for the files in it, too.
bool is_partition_directory(const std::string& name);
/// "file.parquet" -> ".parquet"; "" if the last name has no dot.
std::string_view extension_of(std::string_view path);
/// "a/b/c" -> "a/b"; "." if the path names no directory, "/" for "/a".
std::string parent_of(const std::string& path);
/// "a/b/c" -> "c".
std::string name_of(const std::string& path);

}  // namespace troupe
