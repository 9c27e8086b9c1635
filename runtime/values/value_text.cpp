#include "runtime/values/value_text.hpp"

#include "runtime/values/calendar.hpp"
#include "runtime/values/text_scanner.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace troupe {

namespace {

template <class T>
Result<T> parse_real(std::string_view text, const char* type) {
  const std::string word = lower_ascii(trimmed(text));
  if (word == "nan") return std::numeric_limits<T>::quiet_NaN();
  if (word == "infinity" || word == "inf" || word == "+infinity") {
    return std::numeric_limits<T>::infinity();
  }
  if (word == "-infinity" || word == "-inf") return -std::numeric_limits<T>::infinity();
  T value = 0;
  const char* begin = word.data() + (word.starts_with('+') ? 1 : 0);
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  const bool letters = begin != end && word.find_first_of("in") != std::string::npos;
  if (stop != end || begin == end || letters || error == std::errc::invalid_argument) {
    return invalid_text(type, text);
  }
  if (error == std::errc::result_out_of_range) {
    return make_error(ErrorCode::invalid_argument, "\"{}\" is out of range for type {}", text,
                      type);
  }
  return value;
}

/// The shortest digits that read back as the same value, in PostgreSQL's form: an exponent of two
/// digits at least, used outside of [1e-4, 10^digits10).
template <class T>
std::string format_real(T value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (value == 0) return std::signbit(value) ? "-0" : "0";
  std::array<char, 64> buffer{};
  const auto shortest =
      std::to_chars(buffer.begin(), buffer.end(), value, std::chars_format::scientific);
  const std::string_view text(buffer.data(),
                              static_cast<std::size_t>(shortest.ptr - buffer.data()));
  int exponent = 0;
  const std::size_t mark = text.find('e');
  const std::size_t digits = mark + (text[mark + 1] == '+' ? 2 : 1);
  std::from_chars(text.data() + digits, text.data() + text.size(), exponent);
  if (exponent < -4 || exponent >= std::numeric_limits<T>::digits10) return std::string(text);
  const auto plain = std::to_chars(buffer.begin(), buffer.end(), value, std::chars_format::fixed);
  return std::string(buffer.data(), plain.ptr);
}

}  // namespace

Result<bool> parse_boolean(std::string_view text) {
  const std::string word = lower_ascii(trimmed(text));
  const auto is_start_of = [&](std::string_view whole, std::size_t least) {
    return word.size() >= least && whole.starts_with(word);
  };
  if (is_start_of("true", 1) || is_start_of("yes", 1) || word == "on" || word == "1") return true;
  if (is_start_of("false", 1) || is_start_of("no", 1) || is_start_of("off", 2) || word == "0") {
    return false;
  }
  return invalid_text("boolean", text);
}

Result<std::int64_t> parse_integer(std::string_view text, const char* type, std::int64_t low,
                                   std::int64_t high) {
  std::string_view word = trimmed(text);
  if (word.starts_with('+')) word.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(word.begin(), word.end(), value);
  if (word.empty() || end != word.end() || error == std::errc::invalid_argument) {
    return invalid_text(type, text);
  }
  if (error != std::errc() || value < low || value > high) {
    return make_error(ErrorCode::invalid_argument, "value \"{}\" is out of range for type {}", text,
                      type);
  }
  return value;
}

Result<double> parse_double(std::string_view text) {
  return parse_real<double>(text, "double precision");
}

Result<float> parse_float(std::string_view text) { return parse_real<float>(text, "real"); }

std::string format_double(double value) { return format_real(value); }
std::string format_float(float value) { return format_real(value); }

std::string format_time(std::int64_t micros) {
  std::string text = fmt::format("{:02}:{:02}:{:02}", micros / 3'600'000'000,
                                 micros / 60'000'000 % 60, micros / 1'000'000 % 60);
  if (const std::int64_t fraction = micros % 1'000'000; fraction != 0) {
    text += fmt::format(".{:06}", fraction);
    while (text.back() == '0') text.pop_back();
  }
  return text;
}

std::string format_date(Date date) {
  const CivilDate day = civil(date);
  const bool before_christ = day.year <= 0;
  return fmt::format("{:04}-{:02}-{:02}{}", before_christ ? 1 - day.year : day.year, day.month,
                     day.day, before_christ ? " BC" : "");
}

std::string format_moment(Moment moment, bool zoned) {
  const CivilTime time = civil(moment);
  std::string date = format_date(Date{time.days});
  std::string era;
  if (date.ends_with(" BC")) {
    era = " BC";
    date.resize(date.size() - era.size());
  }
  return fmt::format("{} {}{}{}", date, format_time(time.of_day_micros), zoned ? "+00" : "", era);
}

}  // namespace troupe
