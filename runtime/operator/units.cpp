#include "runtime/operator/options.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace troupe {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t size;
};

constexpr std::array<Unit, 9> byte_units = {{{"B", 1},
                                             {"kB", 1'000},
                                             {"MB", 1'000'000},
                                             {"GB", 1'000'000'000},
                                             {"TB", 1'000'000'000'000},
                                             {"KiB", std::int64_t{1} << 10},
                                             {"MiB", std::int64_t{1} << 20},
                                             {"GiB", std::int64_t{1} << 30},
                                             {"TiB", std::int64_t{1} << 40}}};

constexpr std::array<Unit, 7> time_units = {{{"ns", 1},
                                             {"us", 1'000},
                                             {"ms", 1'000'000},
                                             {"s", 1'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"d", 86'400'000'000'000}}};

template <std::size_t N>
std::int64_t size_of(std::string_view name, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (unit.name == name) return unit.size;
  }
  return 0;
}

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

/// Takes "64MiB" off the front of `rest`: the number and the word behind it.
std::optional<std::pair<std::int64_t, std::string_view>> take_term(std::string_view& rest) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc() || !is_digit(rest.front())) return std::nullopt;
  rest.remove_prefix(end - rest.data());
  std::size_t length = 0;
  while (length < rest.size() && !is_digit(rest[length])) ++length;
  std::string_view word = rest.substr(0, length);
  rest.remove_prefix(length);
  if (word.starts_with(' ')) word.remove_prefix(1);
  return std::pair(number, word);
}

/// Adds number * unit to `total`; false if that does not fit.
bool add(std::int64_t& total, std::int64_t number, std::int64_t unit) {
  std::int64_t product = 0;
  return !__builtin_mul_overflow(number, unit, &product) &&
         !__builtin_add_overflow(total, product, &total);
}

Error no_size(std::string_view text) {
  Error error = make_error(ErrorCode::invalid_argument, "'{}' is not a number of bytes", text);
  error.hint = "write a whole number and a unit (B kB MB GB TB KiB MiB GiB TiB), as in \"64MiB\"";
  return error;
}

Error no_duration(std::string_view text) {
  Error error = make_error(ErrorCode::invalid_argument, "'{}' is not a duration", text);
  error.hint = "write whole numbers, each with a unit (ns us ms s m h d), as in \"1h30m\"";
  return error;
}

}  // namespace

Result<std::int64_t> parse_bytes(std::string_view text) {
  std::string_view rest = text;
  const auto term = take_term(rest);
  if (!term || !rest.empty()) return no_size(text);
  const std::int64_t unit = term->second.empty() ? 1 : size_of(term->second, byte_units);
  std::int64_t total = 0;
  if (unit == 0 || !add(total, term->first, unit)) return no_size(text);
  return total;
}

Result<Duration> parse_duration(std::string_view text) {
  std::string_view rest = text;
  std::int64_t total = 0;
  do {
    const auto term = take_term(rest);
    if (!term) return no_duration(text);
    const std::int64_t unit = size_of(term->second, time_units);
    if (unit == 0 || !add(total, term->first, unit)) return no_duration(text);
  } while (!rest.empty());
  return Duration(total);
}

}  // namespace troupe
