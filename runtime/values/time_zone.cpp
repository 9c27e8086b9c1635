#include "runtime/values/time_zone.hpp"

#include "runtime/values/calendar.hpp"

#include <date/tz.h>

#include <chrono>

namespace troupe {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::seconds;

/// The library knows transitions up to this year; the last rules hold for ever after it.
constexpr std::int32_t last_known_year = 2036;

/// For a moment beyond the known years: the days back to a time with the same calendar. Rules say
/// "the last Sunday of March", so months with the same weekday at their begin are alike.
std::int32_t days_back(Moment moment) {
  constexpr std::int32_t first_unknown_day = 24472;  // 2037-01-01
  if (moment.micros < first_unknown_day * micros_per_day) return 0;
  const CivilDate date = civil(moment).date;
  const int month = date.month > 2 || date.day > 28 ? 3 : 1;
  const Date anchor = date_of({date.year, month, 1});
  for (std::int32_t year = last_known_year;; --year) {
    const Date known = date_of({year, month, 1});
    if (iso_weekday(known) == iso_weekday(anchor)) return anchor.days - known.days;
  }
}

seconds looked_up(Moment moment) {
  return std::chrono::floor<seconds>(
      microseconds(moment.micros - days_back(moment) * micros_per_day));
}

Result<Moment> moved(Moment moment, seconds by) {
  return checked_moment(Int128{moment.micros} + duration_cast<microseconds>(by).count());
}

}  // namespace

Result<TimeZone> TimeZone::find(const std::string& name) {
  try {
    return TimeZone(date::locate_zone(name));
  } catch (const std::exception&) {
    Error error = make_error(ErrorCode::invalid_argument, "time zone \"{}\" not recognized", name);
    error.hint = "names are those of the tz database, such as Europe/Berlin or UTC";
    return error;
  }
}

Result<Moment> TimeZone::local(Moment utc) const {
  const auto info = zone_->get_info(date::sys_seconds(looked_up(utc)));
  return moved(utc, info.offset);
}

Result<Moment> TimeZone::utc(Moment local) const {
  const auto info = zone_->get_info(date::local_seconds(looked_up(local)));
  const bool twice = info.result == date::local_info::ambiguous;
  return moved(local, -(twice ? info.second.offset : info.first.offset));
}

}  // namespace troupe
