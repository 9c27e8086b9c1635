#include "runtime/expr/interval_sum.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace troupe {

namespace {

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

/// A number with or without a fraction.
struct Amount {
  std::int64_t whole = 0;
  double fraction = 0;
  std::ptrdiff_t digits = 0;  ///< it is written with in front of its point
};

constexpr char end = '\0';

/// Goes over the text as PostgreSQL does, what it takes and what it refuses included.
class IsoReader {
 public:
  IsoReader(std::string_view text, IntervalSum& sum) : rest_(text), sum_(sum) {}

  Verdict read() {
    while (!rest_.empty()) {
      if (rest_.front() == 'T') {
        next();
        begin_time();
        continue;
      }
      Amount amount;
      Verdict verdict = take(amount);
      if (verdict != Verdict::good) return verdict;
      verdict = time_ ? of_time(amount) : of_date(amount);
      if (verdict != Verdict::good) return verdict;
    }
    return Verdict::good;
  }

 private:
  void begin_time() {
    time_ = true;
    any_ = false;
  }

  char next() {
    if (rest_.empty()) return end;
    const char letter = rest_.front();
    rest_.remove_prefix(1);
    return letter;
  }

  /// Whatever is a double, also with an exponent; beyond 1e15 its whole part would not be exact.
  Verdict take(Amount& amount) {
    constexpr double most = 1e15;
    const std::string_view unsigned_ = rest_.substr(rest_.starts_with('-') ? 1 : 0);
    if (unsigned_.empty()) return Verdict::bad_format;
    double value = 0;
    const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) return Verdict::bad_format;
    if (!(std::fabs(value) <= most)) return Verdict::out_of_range;
    amount.whole = static_cast<std::int64_t>(std::trunc(value));
    amount.fraction = value - std::trunc(value);
    amount.digits =
        std::find_if_not(unsigned_.begin(), unsigned_.end(), is_digit) - unsigned_.begin();
    rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
    return Verdict::good;
  }

  Verdict add(TimeField unit, std::int64_t count, double fraction = 0) {
    return sum_.add(unit, count, fraction) ? Verdict::good : Verdict::out_of_range;
  }
  Verdict add_one(TimeField unit, const Amount& amount) {
    any_ = true;
    return add(unit, amount.whole, amount.fraction);
  }
  Verdict take_and_add(TimeField unit) {
    Amount amount;
    const Verdict verdict = take(amount);
    return verdict == Verdict::good ? add(unit, amount.whole, amount.fraction) : verdict;
  }

  Verdict of_date(const Amount& amount) {
    const char unit = next();
    switch (unit) {
      case 'Y':
        return add_one(TimeField::year, amount);
      case 'M':
        return add_one(TimeField::month, amount);
      case 'W':
        return add_one(TimeField::week, amount);
      case 'D':
        return add_one(TimeField::day, amount);
      case 'T':
      case '-':
      case end:
        return any_ ? Verdict::bad_format : whole_date(amount, unit);
      default:
        return Verdict::bad_format;
    }
  }

  /// "00010203", or years, months and days with hyphens, of which the last ones may be missing.
  Verdict whole_date(const Amount& first, char separator) {
    constexpr std::ptrdiff_t all_digits = 8;
    Verdict verdict = Verdict::good;
    if (first.digits == all_digits && separator != '-') {
      const std::int64_t number = first.whole;
      verdict = add(TimeField::year, number / 10'000);
      if (verdict == Verdict::good) verdict = add(TimeField::month, number / 100 % 100);
      if (verdict == Verdict::good) verdict = add(TimeField::day, number % 100, first.fraction);
    } else {
      verdict = add(TimeField::year, first.whole, first.fraction);
      for (const TimeField unit : {TimeField::month, TimeField::day}) {
        if (verdict != Verdict::good || separator != '-') break;
        verdict = take_and_add(unit);
        if (verdict == Verdict::good) separator = next();
      }
    }
    if (verdict != Verdict::good || separator == end) return verdict;
    if (separator != 'T') return Verdict::bad_format;
    begin_time();
    return Verdict::good;
  }

  Verdict of_time(const Amount& amount) {
    const char unit = next();
    switch (unit) {
      case 'H':
        return add_one(TimeField::hour, amount);
      case 'M':
        return add_one(TimeField::minute, amount);
      case 'S':
        return add_one(TimeField::second, amount);
      case ':':
      case end:
        return any_ ? Verdict::bad_format : whole_time(amount, unit);
      default:
        return Verdict::bad_format;
    }
  }

  /// "040506", or hours, minutes and seconds with colons, of which the last ones may be missing.
  Verdict whole_time(const Amount& first, char separator) {
    constexpr std::ptrdiff_t all_digits = 6;
    if (first.digits == all_digits && separator == end) {
      const std::int64_t number = first.whole;
      Verdict verdict = add(TimeField::hour, number / 10'000);
      if (verdict == Verdict::good) verdict = add(TimeField::minute, number / 100 % 100);
      return verdict == Verdict::good ? add(TimeField::second, number % 100) : verdict;
    }
    Verdict verdict = add(TimeField::hour, first.whole, first.fraction);
    for (const TimeField unit : {TimeField::minute, TimeField::second}) {
      if (verdict != Verdict::good || separator != ':') break;
      verdict = take_and_add(unit);
      if (verdict == Verdict::good) separator = next();
    }
    return verdict == Verdict::good && separator != end ? Verdict::bad_format : verdict;
  }

  std::string_view rest_;
  IntervalSum& sum_;
  bool time_ = false;  ///< behind the T
  bool any_ = false;   ///< an amount with its unit has been read since P or T
};

}  // namespace

Verdict read_iso_interval(std::string_view text, IntervalSum& sum) {
  return IsoReader(text.substr(1), sum).read();
}

}  // namespace troupe
