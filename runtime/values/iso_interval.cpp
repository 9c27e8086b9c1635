#include "runtime/values/interval_sum.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace troupe {

namespace {

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

/// A number with or without a fraction.
struct Amount {
  std::int64_t whole = 0;
  double fraction = 0;
  std::ptrdiff_t digits = 0;  ///< the number of digits in front of its point
};

constexpr char end = '\0';

/// Reads the text as PostgreSQL does: takes and refuses the same.
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

  /// Takes any double, also with an exponent. Beyond 1e15 its whole part would not be exact.
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
    char unit = next();
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
        break;
      default:
        return Verdict::bad_format;
    }
    const Verdict verdict = whole(amount, unit, all_of_date);
    if (verdict != Verdict::good || unit == end) return verdict;
    if (unit != 'T') return Verdict::bad_format;
    begin_time();
    return Verdict::good;
  }

  Verdict of_time(const Amount& amount) {
    char unit = next();
    switch (unit) {
      case 'H':
        return add_one(TimeField::hour, amount);
      case 'M':
        return add_one(TimeField::minute, amount);
      case 'S':
        return add_one(TimeField::second, amount);
      case ':':
      case end:
        break;
      default:
        return Verdict::bad_format;
    }
    const Verdict verdict = whole(amount, unit, all_of_time);
    return verdict == Verdict::good && unit != end ? Verdict::bad_format : verdict;
  }

  /// A date or a time without letters: "00010203", or parts with a mark between them, of which the
  /// last ones may be missing.
  struct Whole {
    std::array<TimeField, 3> units;
    char mark;
    std::ptrdiff_t digits;  ///< of the form without marks
    bool fraction;          ///< a fraction is kept; PostgreSQL does so for days only
  };
  static constexpr Whole all_of_date = {
      {TimeField::year, TimeField::month, TimeField::day}, '-', 8, true};
  static constexpr Whole all_of_time = {
      {TimeField::hour, TimeField::minute, TimeField::second}, ':', 6, false};

  /// `letter` is the character behind the first amount; on return, the one behind the last.
  Verdict whole(const Amount& first, char& letter, const Whole& form) {
    if (any_) return Verdict::bad_format;
    if (first.digits == form.digits && letter != form.mark) {
      const std::int64_t number = first.whole;
      Verdict verdict = add(form.units[0], number / 10'000);
      if (verdict == Verdict::good) verdict = add(form.units[1], number / 100 % 100);
      if (verdict != Verdict::good) return verdict;
      return add(form.units[2], number % 100, form.fraction ? first.fraction : 0);
    }
    Verdict verdict = add(form.units[0], first.whole, first.fraction);
    for (std::size_t i = 1; i < form.units.size(); ++i) {
      if (verdict != Verdict::good || letter != form.mark) break;
      verdict = take_and_add(form.units[i]);
      if (verdict == Verdict::good) letter = next();
    }
    return verdict;
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
