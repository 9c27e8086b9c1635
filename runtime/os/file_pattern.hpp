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

/// The files that `pattern` names, sorted by name, each once: of several names that symbolic links
/// give a file, the one without links stays, and a link to a directory that holds it leads nowhere.
///
/// `*`, `?` and `[a-z]` match within a name, `**` matches any number of directories. A directory
/// stands for the files directly in it, and in its directories named key=value. What begins with
/// `_` or `.` (markers, staged files) is only found when the pattern says so. An existing path is
/// taken as it is, whatever its letters. No file at all is `not_found`, with what there is instead.
Result<std::vector<std::string>> find_files(FileSystem& files, const std::string& pattern);

/// Would `find_files` name this file, if it existed? `path` is absolute, without links and "..".
bool would_find(FileSystem& files, const std::string& pattern, const std::string& path);
/// Of a pattern the directory below which it looks; another path is its own answer.
std::string searched_directory(FileSystem& files, const std::string& pattern);

/// True of "year=2013": what is below it is below the directory that holds it, too.
bool is_partition_directory(const std::string& name);
/// "file.parquet" -> ".parquet"; "" where the last name has no dot.
std::string_view extension_of(std::string_view path);
/// "a/b/c" -> "a/b"; "." where there is no directory in it, "/" for "/a".
std::string parent_of(const std::string& path);
/// "a/b/c" -> "c".
std::string name_of(const std::string& path);

}  // namespace troupe
