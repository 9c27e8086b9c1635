#include "runtime/connectors/file_commit.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/os/file_pattern.hpp"

#include <cctype>
#include <set>

namespace troupe {
namespace {

constexpr const char* marker_file = "_commit";
/// Of the file systems that we know.
constexpr std::size_t name_bytes_max = 255;

/// A marker as part of a file name: other markers have other names.
std::string safe_name(const std::string& marker) {
  std::string name;
  for (const char letter : marker) {
    const bool plain = std::isalnum(static_cast<unsigned char>(letter)) || letter == '-' ||
                       letter == '_' || letter == '.';
    name +=
        plain ? std::string(1, letter) : fmt::format("%{:02x}", static_cast<unsigned char>(letter));
  }
  return name;
}

std::string without_last_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string marker_text(const std::string& marker, const std::vector<StagedFile>& staged) {
  Json names = Json::array();
  for (const StagedFile& file : staged) names.push_back(file.name);
  return json_text({{"marker", marker}, {"files", names}}) + "\n";
}

Error missing(const std::string& path) {
  return make_error(
      ErrorCode::corrupt,
      "the staged file '{}' is gone or not whole: what was prepared cannot be committed", path);
}

}  // namespace

FileCommit::FileCommit(FileSystem& files, std::string output, Target target, Existing existing)
    : files_(files),
      output_(without_last_slash(std::move(output))),
      parent_(parent_of(output_)),
      target_(target),
      existing_(existing) {}

Result<std::string> FileCommit::staging_directory(const std::string& marker) const {
  ENSURE(!marker.empty(), "what is staged for '{}' needs a marker", output_);
  const std::string name = fmt::format(".{}.troupe-{}", name_of(output_), safe_name(marker));
  if (name.size() > name_bytes_max) {
    return make_error(ErrorCode::invalid_argument, "the name of the output '{}' is too long",
                      output_);
  }
  return parent_ + "/" + name;
}

Result<std::string> FileCommit::stage(const std::string& marker, const std::string& tag) const {
  const std::string directory = TRY(staging_directory(marker)) + "/" + safe_name(tag);
  TRY(make_durable_directories(files_, directory));
  return directory;
}

Result<> FileCommit::commit(const std::string& marker,
                            const std::vector<StagedFile>& staged) const {
  const std::string staging = TRY(staging_directory(marker));
  if (target_ == Target::directory) return commit_directory(marker, staging, staged);
  ENSURE(staged.size() == 1, "{} files for the single file '{}'", staged.size(), output_);
  return commit_file(marker, staging, staged.front());
}

Result<> FileCommit::commit_directory(const std::string& marker, const std::string& staging,
                                      const std::vector<StagedFile>& staged) const {
  if (TRY(marker_in(output_)) == marker) return files_.sync_directory(parent_);
  if (files_.exists(staging + "/committing")) {
    const bool placed = TRY(marker_in(staging + "/output")) != marker;
    return placed ? files_.sync_directory(parent_) : place(staging);
  }
  TRY(build(marker, staging, staged));
  TRY(write_atomically(files_, staging + "/committing", marker));
  return place(staging);
}

/// Moves are found done when it runs again, so that it may stop anywhere.
Result<> FileCommit::build(const std::string& marker, const std::string& staging,
                           const std::vector<StagedFile>& staged) const {
  const std::string build = staging + "/output";
  TRY(make_durable_directories(files_, build));
  for (const StagedFile& file : staged) {
    const std::string from = staging + "/" + file.staged;
    const std::string to = build + "/" + file.name;
    if (files_.exists(from)) {
      if (parent_of(to) != build) TRY(make_durable_directories(files_, parent_of(to)));
      TRY(files_.rename(from, to));
    }
    if (!files_.exists(to)) return missing(from);
    if (TRY(files_.size(to)) != static_cast<std::uint64_t>(file.bytes)) return missing(to);
  }
  std::set<std::string> below;
  for (const StagedFile& file : staged) below.insert(parent_of(build + "/" + file.name));
  for (const std::string& directory : below) TRY(files_.sync_directory(directory));
  return write_atomically(files_, build + "/" + marker_file, marker_text(marker, staged));
}

Result<> FileCommit::place(const std::string& staging) const {
  TRY(check_free());
  const std::string build = staging + "/output";
  if (!files_.exists(output_)) {
    const auto moved = files_.rename(build, output_);
    if (!moved && !files_.exists(output_)) return moved;
    if (moved) return files_.sync_directory(parent_);
    TRY(check_free());  // another run has just put its own output there
  }
  const auto exchanged = files_.exchange(build, output_);
  if (!exchanged && exchanged.error().code != ErrorCode::unsupported) return exchanged.error();
  if (!exchanged) {
    TRY(files_.rename(output_, staging + "/replaced"));
    TRY(files_.rename(build, output_));
  }
  return files_.sync_directory(parent_);
}

Result<> FileCommit::commit_file(const std::string& marker, const std::string& staging,
                                 const StagedFile& staged) const {
  const std::string from = staging + "/" + staged.staged;
  const bool begun = files_.exists(staging + "/committing");
  if (!files_.exists(from)) return begun ? files_.sync_directory(parent_) : missing(from);
  if (TRY(files_.size(from)) != static_cast<std::uint64_t>(staged.bytes)) return missing(from);
  TRY(check_free());
  if (!begun) TRY(write_atomically(files_, staging + "/committing", marker));
  TRY(existing_ == Existing::replace ? files_.rename(from, output_) : place_new(from));
  return files_.sync_directory(parent_);
}

/// Somebody may have placed his own since we looked.
Result<> FileCommit::place_new(const std::string& from) const {
  const auto placed = files_.rename_new(from, output_);
  if (placed) return {};
  if (placed.error().code == ErrorCode::unsupported) return files_.rename(from, output_);
  TRY(check_free());
  return placed;
}

Result<> FileCommit::check_free() const {
  if (existing_ == Existing::replace || !files_.exists(output_)) return {};
  Error error = make_error(ErrorCode::already_exists, "the output '{}' exists", output_);
  error.hint = "remove it, write elsewhere, or say 'mode: overwrite'";
  return error;
}

/// The marker of the commit that made this directory; "" where no commit did.
Result<std::string> FileCommit::marker_in(const std::string& directory) const {
  const std::string path = directory + "/" + marker_file;
  if (!files_.exists(path)) return std::string();
  const Json text = Json::parse(TRY(files_.read(path)), nullptr, /*allow_exceptions=*/false);
  const bool whole = text.is_object() && text.contains("marker") && text["marker"].is_string();
  return whole ? text["marker"].get<std::string>() : std::string();
}

/// Durably, also where somebody before has removed it and died: nobody looks for it again once this
/// has returned.
Result<> FileCommit::clean_up(const std::string& marker) const {
  TRY(files_.remove_all(TRY(staging_directory(marker))));
  return files_.is_directory(parent_) ? files_.sync_directory(parent_) : Result<>();
}

Result<> make_durable_directories(FileSystem& files, const std::string& path) {
  std::vector<std::string> made;
  for (std::string at = path; !files.exists(at); at = parent_of(at)) made.push_back(at);
  if (made.empty()) return {};
  TRY(files.make_directories(path));
  for (const std::string& directory : made) TRY(files.sync_directory(parent_of(directory)));
  return {};
}

}  // namespace troupe
