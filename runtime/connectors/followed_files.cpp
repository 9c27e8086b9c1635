#include "runtime/connectors/followed_files.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/connectors/file_log.hpp"

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

Error with_hint(Error error) {
  error.hint =
      "files that are followed appear whole, by a rename, with names that grow, and do not change";
  return error;
}

Error too_late(const std::string& path, const std::string& known) {
  return with_hint(make_error(ErrorCode::invalid_argument,
                              "'{}' came too late: '{}' was there before it, and is behind it by "
                              "name",
                              path, known));
}

Error too_many(const std::string& path, std::uint64_t number, std::uint64_t before) {
  return with_hint(
      make_error(ErrorCode::invalid_argument,
                 "there were {} files before '{}', and now there are {}: some came too "
                 "late",
                 number, path, before));
}

bool is_in(const std::vector<std::string>& sorted, const std::string& path) {
  return std::binary_search(sorted.begin(), sorted.end(), path);
}

}  // namespace

std::string FileMark::text() const {
  return json_text({{"number", number}, {"path", path}, {"version", version}});
}

Result<FileMark> FileMark::parse(const std::string& text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto has_text = [&](const char* key) {
    return json.contains(key) && json[key].is_string();
  };
  if (!json.is_object() || !json.contains("number") || !json["number"].is_number_unsigned() ||
      !has_text("path") || !has_text("version")) {
    return make_error(ErrorCode::corrupt, "'{}' is no file of a sequence", text);
  }
  return FileMark{json["number"], json["path"], json["version"]};
}

FollowedFiles::FollowedFiles(FileSystem& files, std::string pattern, const SubtaskOf& self,
                             const SplitPosition& from)
    : files_(files),
      pattern_(std::move(pattern)),
      step_(self.parallelism),
      next_(from.split * self.parallelism + self.subtask),
      told_(from.mark) {}

Result<SplitSequence::Next> FollowedFiles::next() {
  if (!has(next_) || !told_.empty()) TRY(look());
  waits_ = !has(next_);
  if (waits_) return Next(NotYet{pause});
  const std::string& path = known_[next_ - first_];
  const std::string version = TRY(version_of(next_, path));
  at_ = FileMark{next_, path, version};
  next_ += step_;
  return Next(Split{.detail = json_text({{"path", path}, {"version", version}})});
}

/// The file at hand; while it waits, the last one that there is.
std::string FollowedFiles::mark() const {
  if (!waits_) return at_ ? at_->text() : told_;
  if (known_.empty()) return told_;
  return FileMark{first_ + known_.size() - 1, known_.back()}.text();
}

/// As it was when it was begun, perhaps in an earlier life.
Result<std::string> FollowedFiles::version_of(std::uint64_t number, const std::string& path) const {
  if (at_ && at_->number == number && !at_->version.empty()) return at_->version;
  auto version = files_.version(path);
  if (version || version.error().code != ErrorCode::not_found) return version;
  return with_hint(make_error(ErrorCode::not_found, "'{}' is gone, and was not read yet", path));
}

Result<> FollowedFiles::look() {
  const auto listed = TRY(list_settled());
  return known_.empty() ? begin(listed) : extend(listed);
}

Result<> FollowedFiles::begin(const std::vector<std::string>& listed) {
  if (told_.empty()) {
    known_ = listed;
    return {};
  }
  at_ = TRY(FileMark::parse(std::exchange(told_, {})));
  first_ = at_->number;
  known_ = {at_->path};
  const auto here = std::lower_bound(listed.begin(), listed.end(), at_->path);
  before_.assign(listed.begin(), here);
  if (before_.size() > first_) return too_many(at_->path, first_, before_.size());
  return extend(listed);
}

Result<> FollowedFiles::extend(const std::vector<std::string>& listed) {
  const std::string last = known_.back();
  for (const std::string& path : listed) {
    if (path > last) {
      known_.push_back(path);
    } else if (!is_in(known_, path) && !is_in(before_, path)) {
      return too_late(path, last);
    }
  }
  forget(listed);
  return {};
}

/// Files that are behind it and have been removed.
void FollowedFiles::forget(const std::vector<std::string>& listed) {
  const std::uint64_t needed = at_ ? std::min(at_->number, next_) : next_;
  std::size_t gone = 0;
  while (gone + 1 < known_.size() && first_ + gone < needed && !is_in(listed, known_[gone])) ++gone;
  known_.erase(known_.begin(), known_.begin() + static_cast<std::ptrdiff_t>(gone));
  first_ += gone;
}

Result<std::vector<std::string>> FollowedFiles::list() const {
  auto found = find_committed_files(files_, pattern_);
  if (!found && found.error().code == ErrorCode::not_found) return std::vector<std::string>();
  return found;
}

/// A listing while files appear may show one and lack another one before it; a listing that begins
/// afterwards lacks none before what the first one has shown.
Result<std::vector<std::string>> FollowedFiles::list_settled() const {
  auto first = TRY(list());
  if (first.empty() || (!known_.empty() && first.back() == known_.back())) return first;
  auto second = TRY(list());
  second.erase(std::upper_bound(second.begin(), second.end(), first.back()), second.end());
  return second;
}

}  // namespace troupe
