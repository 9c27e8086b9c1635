#include "runtime/values/interval_text.hpp"

#include "runtime/values/calendar.hpp"
#include "runtime/values/interval_sum.hpp"
#include "runtime/values/text_scanner.hpp"
#include "runtime/values/value_text.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <vector>

namespace troupe {

namespace {

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}
bool is_space(char letter) { return letter == ' ' || (letter >= '\t' && letter <= '\r'); }

std::optional<std::int64_t> take_integer(std::string_view& rest) {
  std::int64_t value = 0;
  const char* begin = rest.data() + (rest.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, rest.data() + rest.size(), value);
  if (error == std::errc::result_out_of_range) return std::nullopt;
  if (error == std::errc())
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  else if (!rest.empty() && (rest.front() == '+' || rest.front() == '-'))
    rest.remove_prefix(1);
  return value;
}

/// Takes ".25"; a bare "." is 0.
bool take_fraction(std::string_view& rest, double& fraction) {
  fraction = 0;
  if (rest.size() == 1) return rest.remove_prefix(1), true;
  const auto [end, error] =
      std::from_chars(rest.data(), rest.data() + rest.size(), fraction, std::chars_format::fixed);
  if (error != std::errc()) return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return true;
}

struct Token {
  enum class Kind {
    word,
    number,   ///< digits, with a point or as years-months
    clock,    ///< digits with a colon
    signed_,  ///< begins with a sign: a number or a clock
  };
  Kind kind = Kind::word;
  std::string text;
};

/// The words and numbers of a text; nothing if it has characters that belong to no token.
std::optional<std::vector<Token>> tokens_of(std::string_view rest) {
  std::vector<Token> tokens;
  const auto take = [&rest](std::string& text, const auto& is) {
    std::size_t size = 0;
    while (size < rest.size() && is(rest[size])) ++size;
    text += lower_ascii(rest.substr(0, size));
    rest.remove_prefix(size);
  };
  const auto skip_spaces = [&] {
    while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
  };
  for (skip_spaces(); !rest.empty(); skip_spaces()) {
    Token token;
    const char first = rest.front();
    if (is_digit(first)) {
      take(token.text, is_digit);
      const char next = rest.empty() ? ' ' : rest.front();
      token.kind = next == ':' ? Token::Kind::clock : Token::Kind::number;
      if (next == ':') {
        take(token.text, [](char c) { return is_digit(c) || c == ':' || c == '.'; });
      } else if (next == '-' || next == '/' || next == '.') {
        take(token.text, [next](char c) { return is_digit(c) || c == next; });
      }
    } else if (first == '.') {
      token.kind = Token::Kind::number;
      token.text = ".";
      rest.remove_prefix(1);
      take(token.text, is_digit);
    } else if (is_letter(first)) {
      take(token.text, is_letter);
      // "1d2h": a number may follow directly on a word of one letter, but not on a longer one.
      const char next = rest.empty() ? ' ' : rest.front();
      const bool joined = next == '-' || next == '/' || next == '.' ||
                          (token.text.size() > 1 && (next == '+' || is_digit(next)));
      if (joined) return std::nullopt;
    } else if (first == '+' || first == '-') {
      token.kind = Token::Kind::signed_;
      token.text = std::string(1, first);
      rest.remove_prefix(1);
      skip_spaces();
      if (rest.empty() || !is_digit(rest.front())) return std::nullopt;
      take(token.text, [](char c) { return is_digit(c) || c == ':' || c == '.' || c == '-'; });
    } else if (first > ' ' && first < '\x7f') {
      rest.remove_prefix(1);  // any other character is ignored, as in PostgreSQL
      continue;
    } else {
      return std::nullopt;
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

// Sets of fields, as bits.
constexpr unsigned bit(TimeField field) { return 1U << static_cast<unsigned>(field); }
constexpr unsigned all_seconds =
    bit(TimeField::second) | bit(TimeField::milliseconds) | bit(TimeField::microseconds);
constexpr unsigned all_time = all_seconds | bit(TimeField::minute) | bit(TimeField::hour);

/// Reads the tokens from the last to the first, so that a unit is known before its number.
class IntervalReader {
 public:
  explicit IntervalReader(int fields) : fields_(fields) {}

  Verdict read(const std::vector<Token>& tokens) {
    for (auto token = tokens.rbegin(); token != tokens.rend(); ++token) {
      const Verdict verdict = token->kind == Token::Kind::word ? word(token->text) : number(*token);
      if (verdict != Verdict::good) return verdict;
    }
    return seen_ == 0 ? Verdict::bad_format : Verdict::good;
  }

  std::optional<Interval> value() const { return sum_.value(ago_); }

 private:
  Verdict word(const std::string& text) {
    unit_known_ = true;
    if (text == "ago") {
      ago_ = true;
      unit_ = std::nullopt;  // the number in front needs a unit of its own
      return Verdict::good;
    }
    unit_ = field_of_word(text);
    const bool is_unit = unit_ && *unit_ <= TimeField::millennium && *unit_ != TimeField::quarter;
    return is_unit ? Verdict::good : Verdict::bad_format;
  }

  Verdict number(const Token& token) {
    const bool colon = token.text.find(':') != std::string::npos;
    if (token.kind == Token::Kind::clock) return clock(token.text, false);
    // A token with a sign is a clock if it has a colon.
    if (token.kind == Token::Kind::signed_ && colon) {
      return clock(std::string_view(token.text).substr(1), token.text.front() == '-');
    }
    return amount(token.text);
  }

  /// Each field may come once: "1 day 1 day" is a mistake.
  Verdict once(unsigned fields) {
    if (seen_ & fields) return Verdict::bad_format;
    seen_ |= fields;
    return Verdict::good;
  }

  /// Reads "hh:mm", "hh:mm:ss.f", or "mm:ss.f".
  Verdict clock(std::string_view rest, bool negative) {
    auto hour = take_integer(rest);
    if (!hour) return Verdict::out_of_range;
    if (!rest.starts_with(':')) return Verdict::bad_format;
    rest.remove_prefix(1);
    auto minute = take_integer(rest);
    if (!minute) return Verdict::out_of_range;
    std::int64_t second = 0;
    double fraction = 0;
    const bool minutes_first =
        rest.starts_with('.') ||
        (rest.empty() && fields_ == (IntervalModifier::minute | IntervalModifier::second));
    if (minutes_first) {
      second = *minute;
      minute = *hour;
      hour = 0;
    } else if (rest.starts_with(':')) {
      rest.remove_prefix(1);
      const auto seconds = take_integer(rest);
      if (!seconds) return Verdict::out_of_range;
      second = *seconds;
    }
    if (rest.starts_with('.') && !take_fraction(rest, fraction)) return Verdict::bad_format;
    if (!rest.empty()) return Verdict::bad_format;
    if (*hour < 0 || *minute < 0 || *minute > 59 || second < 0 || second > 60) {
      return Verdict::out_of_range;
    }
    const auto micros = static_cast<std::int64_t>(std::rint(fraction * 1e6));
    sum_.forget_time();
    if (!sum_.add(TimeField::hour, *hour, 0) || !sum_.add(TimeField::minute, *minute, 0) ||
        !sum_.add(TimeField::second, second, 0) || !sum_.add(TimeField::microseconds, micros, 0)) {
      return Verdict::out_of_range;
    }
    if (negative) sum_.negate_time();
    unit_ = TimeField::day;
    unit_known_ = true;
    return once(all_time);
  }

  Verdict amount(std::string_view rest) {
    if (!unit_known_) unit_ = smallest_field();
    unit_known_ = true;
    const bool negative = rest.starts_with('-');
    const auto whole = take_integer(rest);
    if (!whole) return Verdict::out_of_range;
    if (rest.starts_with('-')) return years_months(*whole, rest.substr(1), negative);
    double fraction = 0;
    if (rest.starts_with('.') && !take_fraction(rest, fraction)) return Verdict::bad_format;
    if (!rest.empty() || !unit_) return Verdict::bad_format;
    if (negative) fraction = -fraction;
    if (!sum_.add(*unit_, *whole, fraction)) return Verdict::out_of_range;
    const TimeField unit = *unit_;
    if (unit == TimeField::hour) unit_ = TimeField::day;  // for a bare number in front of it
    return once(unit == TimeField::second && fraction != 0 ? all_seconds : bit(unit));
  }

  Verdict years_months(std::int64_t years, std::string_view rest, bool negative) {
    const auto months = take_integer(rest);
    if (!months || *months < 0 || *months >= 12) return Verdict::out_of_range;
    if (!rest.empty()) return Verdict::bad_format;
    std::int64_t total = 0;
    if (__builtin_mul_overflow(years, 12, &total) ||
        __builtin_add_overflow(total, negative ? -*months : *months, &total) ||
        !sum_.add(TimeField::month, total, 0)) {
      return Verdict::out_of_range;
    }
    unit_ = TimeField::month;
    return once(bit(TimeField::month));
  }

  /// The unit of a bare number: the smallest field that the type keeps.
  TimeField smallest_field() const {
    using M = IntervalModifier;
    if (fields_ & M::second) return TimeField::second;
    if (fields_ & M::minute) return TimeField::minute;
    if (fields_ & M::hour) return TimeField::hour;
    if (fields_ & M::day) return TimeField::day;
    return fields_ & M::month ? TimeField::month : TimeField::year;
  }

  const int fields_;
  IntervalSum sum_;
  unsigned seen_ = 0;
  bool ago_ = false;
  bool unit_known_ = false;
  std::optional<TimeField> unit_;  ///< of the number to come
};

Result<Interval> verdict_on(Verdict verdict, std::optional<Interval> value, std::string_view text) {
  if (verdict == Verdict::bad_format) return invalid_text("interval", text);
  if (verdict == Verdict::out_of_range) {
    return make_error(ErrorCode::invalid_argument, "interval field value out of range: \"{}\"",
                      text);
  }
  if (!value) return make_error(ErrorCode::invalid_argument, "interval out of range");
  return *value;
}

}  // namespace

Result<Interval> parse_interval(std::string_view text, const IntervalModifier& modifier) {
  const auto tokens = tokens_of(text);
  IntervalReader reader(modifier.fields);
  Verdict verdict = tokens ? reader.read(*tokens) : Verdict::bad_format;
  if (verdict == Verdict::bad_format && text.size() > 1 && text.front() == 'P') {
    IntervalSum sum;
    verdict = read_iso_interval(text, sum);
    return verdict_on(verdict, sum.value(false), text);
  }
  return verdict_on(verdict, reader.value(), text);
}

std::string format_interval(const Interval& interval) {
  std::string text;
  bool negative = false;
  // A positive part gets a '+' if the part before it was negative.
  const auto part = [&](std::int64_t count, const char* unit) {
    if (count == 0) return;
    text += fmt::format("{}{}{} {}{}", text.empty() ? "" : " ", negative && count > 0 ? "+" : "",
                        count, unit, count == 1 ? "" : "s");
    negative = count < 0;
  };
  part(interval.months / 12, "year");
  part(interval.months % 12, "mon");
  part(interval.days, "day");
  const std::int64_t micros = interval.nanos / 1000;
  if (micros != 0 || text.empty()) {
    const char* sign = micros < 0 ? "-" : (negative ? "+" : "");
    text += fmt::format("{}{}{}", text.empty() ? "" : " ", sign,
                        format_time(micros < 0 ? -micros : micros));
  }
  return text;
}

Result<Interval> limited(Interval value, const IntervalModifier& modifier) {
  using M = IntervalModifier;
  constexpr int nanos_digits = 9;
  const bool time = (modifier.fields & (M::hour | M::minute | M::second)) != 0;
  if (!time) {
    value.nanos = 0;
    if (!(modifier.fields & M::day)) value.days = 0;
    if (!(modifier.fields & (M::day | M::month))) value.months -= value.months % 12;
  } else if (!(modifier.fields & M::second)) {
    const std::int64_t unit =
        (modifier.fields & M::minute ? micros_per_minute : micros_per_hour) * 1000;
    value.nanos -= value.nanos % unit;
  }
  if (modifier.precision >= M::precision_max) return value;
  std::int64_t unit = 1;
  for (int i = modifier.precision; i < nanos_digits; ++i) unit *= 10;
  std::int64_t half_added = 0;
  if (__builtin_add_overflow(value.nanos, value.nanos < 0 ? -unit / 2 : unit / 2, &half_added)) {
    return make_error(ErrorCode::invalid_argument, "interval out of range");
  }
  value.nanos = half_added / unit * unit;
  return value;
}

}  // namespace troupe
