#include "runtime/formats/damage.hpp"

#include "runtime/base/readable.hpp"
#include "runtime/data/arrow_result.hpp"

namespace troupe {
namespace {

Error of_file(const std::string& message) {
  Error error{ErrorCode::invalid_argument, readable(message)};
  error.hint = "write it again, or leave it out of 'path'";
  return error;
}

std::string before(const std::string& place) { return place.empty() ? "" : place + ": "; }

}  // namespace

Error damaged(const std::string& path, const std::string& place, std::string_view why) {
  return of_file(fmt::format("'{}' is damaged: {}{}", path, before(place), why));
}

Error at_place(const Error& error, const std::string& path, const std::string& place) {
  return error.within(fmt::format("'{}', {}", path, place));
}

Error cut_short(const std::string& path, std::string_view kind) {
  return of_file(fmt::format("'{}' is not a whole {}: it has been cut short", path, kind));
}

Error reading_error(const std::string& path, const std::string& place,
                    const arrow::Status& status) {
  if (const Error* disk = carried_error(status)) return *disk;
  if (status.IsNotImplemented()) {
    return make_error(ErrorCode::unsupported, "'{}': {}{}", path, before(place), status.message());
  }
  if (status.IsOutOfMemory() || status.IsCancelled()) {
    return from_arrow(status).within(fmt::format("reading '{}'", path));
  }
  return damaged(path, place, status.message());
}

std::string column_place(std::string_view part, std::int64_t number, const std::string& column) {
  return fmt::format("{} {}, column '{}'", part, number, column);
}

}  // namespace troupe
