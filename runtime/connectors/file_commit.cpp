#include "runtime/connectors/file_commit.hpp"

#include "runtime/os/file_pattern.hpp"

#include <cctype>
#include <charconv>
#include <set>

namespace troupe {
namespace {

/// With a number behind it, the directory that becomes the output.
constexpr std::string_view claimed_name = "output.";
/// Of the file systems that we know.
constexpr std::size_t name_bytes_max = 255;

std::string without_last_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

/// What a committer meets where another one has been quicker. A disk that fails is none of that.
bool may_be_placed(const Error& error) {
  return error.code == ErrorCode::not_found || error.code == ErrorCode::corrupt ||
         error.code == ErrorCode::already_exists;
}

/// Another executor is told to do the same, or was: it goes on where this one is.
Error claimed_elsewhere(const std::string& output) {
  return make_error(ErrorCode::unavailable, "another executor is committing '{}'", output);
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
  const std::string staging = TRY(staging_directory(marker));
  const std::string directory = staging + "/" + safe_name(tag);
  std::vector<std::string> made{directory};
  // What is claimed, also where no attempt has rows. A commit must not make it: it would bring back
  // what was cleaned up.
  if (target_ != Target::single_file) made.push_back(fmt::format("{}/{}0", staging, claimed_name));
  TRY(make_durable_directories(files_, made));
  return directory;
}

Result<> FileCommit::commit(const SinkCommit& what, const std::vector<StagedFile>& staged) const {
  const Result<> done = commit_once(what, staged);
  if (done || files_.is_directory(parent_)) return done;
  return make_error(ErrorCode::unavailable,
                    "the directory '{}' is not there, and what is staged below it cannot be "
                    "committed: bring it back",
                    parent_);
}

Result<> FileCommit::commit_once(const SinkCommit& what,
                                 const std::vector<StagedFile>& staged) const {
  const std::string& marker = what.marker;
  const std::string staging = TRY(staging_directory(what.staged_under()));
  if (target_ != Target::single_file) {
    if (what.previous == Epoch()) return commit_directory(what, staging, staged);
    return FileLog(files_, output_).append(what, staging, staged);
  }
  // An epoch in which a table had no rows yet.
  if (staged.empty()) return {};
  ENSURE(staged.size() == 1, "{} files for the single file '{}'", staged.size(), output_);
  const std::string from = staging + "/" + staged.front().staged;
  const Result<> done = commit_file(marker, staging, from, staged.front().bytes);
  if (done || !may_be_placed(done.error())) return done;
  // Somebody else has renamed it, now or before.
  const bool placed = !files_.exists(from) && files_.exists(staging + "/committing");
  return placed ? files_.sync_directory(parent_) : done;
}

Result<> FileCommit::commit_directory(const SinkCommit& what, const std::string& staging,
                                      const std::vector<StagedFile>& staged) const {
  const std::string& marker = what.marker;
  if (TRY(marker_in(output_)) == marker) return files_.sync_directory(parent_);
  if (!files_.exists(staging)) return missing_staged_file(staging);
  const std::string claimed = TRY(claim(staging));
  const Result<> done = claimed.empty() ? missing_staged_file(staging + "/output")
                                        : commit_claimed(what, staging, claimed, staged);
  if (done || !may_be_placed(done.error())) return done;
  if (!claimed.empty() && files_.exists(claimed)) return done;
  // Placed, by us or by somebody else; or somebody else has claimed it and is at it.
  if (TRY(marker_in(output_)) == marker) return files_.sync_directory(parent_);
  if (!files_.exists(staging)) return missing_staged_file(staging);
  if (TRY(latest_claim(staging))) return claimed_elsewhere(output_);
  if (claimed.empty() && TRY(adopt(staging, staged))) {
    return commit_directory(what, staging, staged);
  }
  if (files_.exists(staging + "/committing")) return files_.sync_directory(parent_);
  // Cleaned up while we were at it: what is there now, we have made since.
  if (!claimed.empty()) TRY(files_.remove_all(staging));
  return missing_staged_file(staging);
}

/// The number that the name of the claimed directory ends with. Numbers only grow, so the highest
/// is the one that counts.
Result<std::optional<std::uint64_t>> FileCommit::latest_claim(const std::string& staging) const {
  std::optional<std::uint64_t> latest;
  for (const std::string& name : TRY(files_.list(staging))) {
    std::uint64_t number = 0;
    if (!name.starts_with(claimed_name)) continue;
    const char* end = name.data() + name.size();
    const auto read = std::from_chars(name.data() + claimed_name.size(), end, number);
    if (read.ec == std::errc() && read.ptr == end) latest = std::max(latest.value_or(0), number);
  }
  return latest;
}

/// Empty where there is nothing to claim any more. The power may take the new name back: then
/// nobody is at it any more, and whoever claims it next gets the same number.
Result<std::string> FileCommit::claim(const std::string& staging) const {
  const auto latest = TRY(latest_claim(staging));
  if (!latest) return std::string();
  const std::string from = fmt::format("{}/{}{}", staging, claimed_name, *latest);
  const std::string to = fmt::format("{}/{}{}", staging, claimed_name, *latest + 1);
  const Result<> renamed = files_.rename(from, to);
  if (!renamed) return files_.exists(from) ? renamed.error() : claimed_elsewhere(output_);
  return to;
}

/// True where there is something to claim now. The files of the attempt are then where `build`
/// looks for them.
Result<bool> FileCommit::adopt(const std::string& staging,
                               const std::vector<StagedFile>& staged) const {
  std::string from = staging + "/output";
  if (!files_.exists(from)) {
    if (staged.empty() || files_.exists(staging + "/committing")) return false;
    const std::string& first = staged.front().staged;
    from = staging + "/" + first.substr(0, first.find('/'));
  }
  if (!files_.exists(from)) return false;
  const Result<> renamed = files_.rename(from, fmt::format("{}/{}0", staging, claimed_name));
  if (!renamed && files_.exists(from)) return renamed.error();
  TRY(files_.sync_directory(staging));
  return true;
}

Result<> FileCommit::commit_claimed(const SinkCommit& what, const std::string& staging,
                                    const std::string& claimed,
                                    const std::vector<StagedFile>& staged) const {
  const std::string& marker = what.marker;
  if (files_.exists(staging + "/committing")) {
    const bool ours = TRY(marker_in(claimed)) == marker;
    if (ours) return place(marker, claimed);
    // What it holds was the output before: all is done, if it is still ours to look at.
    return files_.exists(claimed) ? files_.sync_directory(parent_) : claimed_elsewhere(output_);
  }
  TRY(build(what, staging, claimed, staged));
  TRY(write_claimed(claimed, staging + "/committing", marker));
  return place(marker, claimed);
}

/// Moves are found done when it runs again, so that it may stop anywhere.
Result<> FileCommit::build(const SinkCommit& what, const std::string& staging,
                           const std::string& claimed,
                           const std::vector<StagedFile>& staged) const {
  for (const StagedFile& file : staged) {
    const std::string from = staging + "/" + file.staged;
    const std::string to = claimed + "/" + file.name;
    if (files_.exists(from)) {
      TRY(make_inside(claimed, parent_of(to)));
      TRY(files_.rename(from, to));
    }
    if (!files_.exists(to)) return missing_staged_file(from);
    if (TRY(files_.size(to)) != static_cast<std::uint64_t>(file.bytes))
      return missing_staged_file(to);
  }
  std::set<std::string> below{claimed};
  for (const StagedFile& file : staged) {
    for (std::string at = parent_of(claimed + "/" + file.name); below.insert(at).second;) {
      at = parent_of(at);
    }
  }
  for (const std::string& directory : below) TRY(files_.sync_directory(directory));
  const std::string text = FileLogEntry{what, staged}.text();
  if (target_ == Target::stream) {
    const std::string entries = claimed + "/" + FileLog::entries_name;
    TRY(make_inside(claimed, entries));
    TRY(write_claimed(claimed, fmt::format("{}/{}", entries, what.epoch.value()), text));
  }
  return write_claimed(claimed, claimed + "/" + FileLog::first_name, text);
}

/// A directory inside of what is claimed, but never that itself, which may be claimed elsewhere by
/// now: so it is made beside, and moved in.
Result<> FileCommit::make_inside(const std::string& claimed, const std::string& path) const {
  if (path == claimed || files_.exists(path)) return {};
  TRY(make_inside(claimed, parent_of(path)));
  const std::string made = claimed + ".made";
  TRY(files_.make_directories(made));
  return files_.rename(made, path);
}

/// Durably, beside and then moved, like all that is done to what is claimed: only one who holds the
/// claim writes a file of that name.
Result<> FileCommit::write_claimed(const std::string& claimed, const std::string& path,
                                   const std::string& text) const {
  const std::string beside = claimed + ".written";
  const auto file = TRY(files_.create(beside));
  TRY(file->append(text));
  TRY(file->sync());
  TRY(file->close());
  TRY(files_.rename(beside, path));
  return files_.sync_directory(parent_of(path));
}

Result<> FileCommit::place(const std::string& marker, const std::string& claimed) const {
  if (TRY(marker_in(output_)) == marker) return files_.sync_directory(parent_);
  TRY(check_free());
  if (!files_.exists(output_)) {
    const auto moved = files_.rename(claimed, output_);
    if (!moved && !files_.exists(output_)) return moved;
    if (moved) return files_.sync_directory(parent_);
    TRY(check_free());  // another run has just put its own output there
  }
  const auto exchanged = files_.exchange(claimed, output_);
  if (!exchanged && exchanged.error().code != ErrorCode::unsupported) return exchanged.error();
  if (!exchanged) TRY(put_aside_and_place(claimed));
  return files_.sync_directory(parent_);
}

Result<> FileCommit::put_aside_and_place(const std::string& claimed) const {
  if (!files_.exists(claimed)) return claimed_elsewhere(output_);
  const std::string aside = claimed + ".replaced";
  TRY(files_.rename(output_, aside));
  const Result<> placed = files_.rename(claimed, output_);
  if (!placed && !files_.exists(output_)) TRY(files_.rename(aside, output_));
  return placed;
}

Result<> FileCommit::commit_file(const std::string& marker, const std::string& staging,
                                 const std::string& from, std::int64_t bytes) const {
  if (!files_.exists(from)) return missing_staged_file(from);
  if (TRY(files_.size(from)) != static_cast<std::uint64_t>(bytes)) return missing_staged_file(from);
  TRY(check_free());
  const std::string committing = staging + "/committing";
  if (!files_.exists(committing)) {
    const Result<> written = write_atomically(files_, committing, marker);
    // Somebody else has written it at the same moment.
    const bool there = !written && may_be_placed(written.error()) && files_.exists(committing);
    if (!written && !there) return written;
  }
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
  const auto first = TRY(FileLog(files_, directory).first());
  return first ? first->commit.marker : std::string();
}

Result<bool> FileCommit::is_of(const std::string& marker) const {
  return TRY(marker_in(output_)) == marker;
}

/// Durably, also where somebody before has removed it and died: nobody looks for it again once this
/// has returned.
Result<> FileCommit::clean_up(const std::string& marker) const {
  TRY(files_.remove_all(TRY(staging_directory(marker))));
  return files_.is_directory(parent_) ? files_.sync_directory(parent_) : Result<>();
}

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

Result<> make_durable_directories(FileSystem& files, const std::vector<std::string>& paths) {
  std::set<std::string> changed;
  for (const std::string& path : paths) {
    for (std::string at = path; !files.exists(at); at = parent_of(at)) {
      changed.insert(parent_of(at));
    }
    TRY(files.make_directories(path));
  }
  for (const std::string& directory : changed) TRY(files.sync_directory(directory));
  return {};
}

Result<> make_durable_directories(FileSystem& files, const std::string& path) {
  return make_durable_directories(files, std::vector{path});
}

}  // namespace troupe
