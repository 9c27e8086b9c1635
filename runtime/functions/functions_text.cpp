#include "runtime/base/ensure.hpp"
#include "runtime/functions/arrow_call.hpp"
#include "runtime/functions/cast.hpp"
#include "runtime/functions/function.hpp"
#include "runtime/values/text.hpp"
#include "runtime/values/value_text.hpp"

#include <arrow/compute/api.h>
#include <xxhash.h>

#include <algorithm>
#include <clocale>
#include <cwctype>

namespace troupe {

namespace {

using Text = std::string_view;
constexpr SqlKind text = SqlKind::text;
constexpr SqlKind int4 = SqlKind::int4, int8 = SqlKind::int8;
constexpr SqlKind any = any_as_text;

/// The longest text that a function that multiplies texts may make of one.
constexpr std::size_t text_bytes_max = 1 << 20;

Error too_long() {
  return make_error(ErrorCode::invalid_argument, "requested length too large: more than {} bytes",
                    text_bytes_max);
}

template <auto function, class Out, class... In>
Result<Kernel> plain(const Signature& signature) {
  return strict<Out, In...>(signature.result, function);
}

Result<Kernel> lower_kernel(const Signature&) {
  return Kernel([](const std::vector<Vector>& arguments, std::int64_t) {
    return call_arrow("utf8_lower", arguments);
  });
}

Result<Kernel> upper_kernel(const Signature&) {
  return Kernel([](const std::vector<Vector>& arguments, std::int64_t) {
    return call_arrow("utf8_upper", arguments);
  });
}

Result<Kernel> reverse_kernel(const Signature&) {
  return Kernel([](const std::vector<Vector>& arguments, std::int64_t) {
    return call_arrow("utf8_reverse", arguments);
  });
}

/// What letters and digits are, and their cases, for all of Unicode: the tables of the C library,
/// as PostgreSQL has them, whatever locale the process runs in.
locale_t unicode() {
  static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  ENSURE(locale != nullptr, "the C library has no locale C.UTF-8");
  return locale;
}

/// A word is letters and digits: "7ff" begins with its digit, "日本naïve" with its first letter.
std::string initcap(Text value) {
  std::string result;
  bool inside = false;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t bytes = character_bytes(value, at);
    const auto character = static_cast<wint_t>(code_point(value.substr(at, bytes)));
    result += character_of(static_cast<std::int32_t>(inside ? ::towlower_l(character, unicode())
                                                            : ::towupper_l(character, unicode())));
    inside = ::iswalnum_l(character, unicode()) != 0;
    at += bytes;
  }
  return result;
}

std::int64_t hash_text_seeded(Text value, std::int64_t seed) {
  return static_cast<std::int64_t>(
      XXH64(value.data(), value.size(), static_cast<XXH64_hash_t>(seed)));
}
std::int64_t hash_text(Text value) { return hash_text_seeded(value, hash_seed); }

std::int32_t length(Text value) { return static_cast<std::int32_t>(text_length(value)); }
std::int32_t octets(Text value) { return static_cast<std::int32_t>(value.size()); }
std::int32_t bits(Text value) { return static_cast<std::int32_t>(value.size() * 8); }

bool is_one_of(Text character, Text set) {
  for (std::size_t at = 0; at < set.size();) {
    const std::size_t bytes = character_bytes(set, at);
    if (set.substr(at, bytes) == character) return true;
    at += bytes;
  }
  return false;
}

Text trim_left(Text value, Text set) {
  while (!value.empty()) {
    const std::size_t bytes = character_bytes(value, 0);
    if (!is_one_of(value.substr(0, bytes), set)) break;
    value.remove_prefix(bytes);
  }
  return value;
}

Text trim_right(Text value, Text set) {
  while (!value.empty()) {
    std::size_t at = value.size() - 1;
    while (at > 0 && (value[at] & 0xc0) == 0x80) --at;
    if (!is_one_of(value.substr(at), set)) break;
    value = value.substr(0, at);
  }
  return value;
}

Text trim_both(Text value, Text set) { return trim_right(trim_left(value, set), set); }
Text trim_left_spaces(Text value) { return trim_left(value, " "); }
Text trim_right_spaces(Text value) { return trim_right(value, " "); }
Text trim_both_spaces(Text value) { return trim_both(value, " "); }

Text substring_from(Text value, std::int32_t start) {
  return start <= 1 ? value : text_slice(value, static_cast<std::size_t>(start - 1), value.size());
}

Result<Text> substring(Text value, std::int32_t start, std::int32_t count) {
  if (count < 0) {
    return make_error(ErrorCode::invalid_argument, "negative substring length not allowed");
  }
  const std::int64_t begin = std::max<std::int64_t>(start, 1);
  const std::int64_t end = std::int64_t{start} + count;
  if (end <= begin) return Text();
  return text_slice(value, static_cast<std::size_t>(begin - 1),
                    static_cast<std::size_t>(end - begin));
}

Text left(Text value, std::int32_t count) {
  if (count >= 0) return text_slice(value, 0, static_cast<std::size_t>(count));
  const std::int64_t keep = static_cast<std::int64_t>(text_length(value)) + count;
  return keep <= 0 ? Text() : text_slice(value, 0, static_cast<std::size_t>(keep));
}

Text right(Text value, std::int32_t count) {
  const std::int64_t all = static_cast<std::int64_t>(text_length(value));
  const std::int64_t skip =
      count >= 0 ? std::max<std::int64_t>(all - count, 0) : -std::int64_t{count};
  return text_slice(value, static_cast<std::size_t>(skip), value.size());
}

Result<std::string> replace(Text value, Text from, Text to) {
  if (from.empty()) return std::string(value);
  std::string result;
  std::size_t at = 0;
  for (std::size_t next = value.find(from); next != Text::npos; next = value.find(from, at)) {
    result.append(value.substr(at, next - at)).append(to);
    at = next + from.size();
    if (result.size() > text_bytes_max) return too_long();
  }
  return result.append(value.substr(at));
}

/// Characters of `from` become those at the same place of `to`, or nothing.
std::string translate(Text value, Text from, Text to) {
  std::string result;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t bytes = character_bytes(value, at);
    const Text letter = value.substr(at, bytes);
    at += bytes;
    std::size_t index = 0, place = 0;
    for (; place < from.size(); ++index) {
      const std::size_t width = character_bytes(from, place);
      if (from.substr(place, width) == letter) break;
      place += width;
    }
    if (place >= from.size()) {
      result.append(letter);
    } else {
      result.append(text_slice(to, index, 1));
    }
  }
  return result;
}

std::int32_t position(Text value, Text wanted) {
  const std::size_t at = value.find(wanted);
  return at == Text::npos ? 0 : static_cast<std::int32_t>(text_length(value.substr(0, at)) + 1);
}

bool starts_with(Text value, Text prefix) { return value.starts_with(prefix); }

Result<Text> split_part(Text value, Text separator, std::int32_t wanted) {
  if (wanted == 0) {
    return make_error(ErrorCode::invalid_argument, "field position must not be zero");
  }
  if (separator.empty()) return wanted == 1 || wanted == -1 ? value : Text();
  if (wanted < 0) {
    for (; wanted < -1; ++wanted) {
      const std::size_t at = value.rfind(separator);
      if (at == Text::npos) return Text();
      value = value.substr(0, at);
    }
    const std::size_t at = value.rfind(separator);
    return at == Text::npos ? value : value.substr(at + separator.size());
  }
  for (; wanted > 1; --wanted) {
    const std::size_t at = value.find(separator);
    if (at == Text::npos) return Text();
    value.remove_prefix(at + separator.size());
  }
  return value.substr(0, value.find(separator));
}

/// `count` characters of `fill` again and again.
std::string filling(Text fill, std::size_t count) {
  std::string result;
  for (std::size_t at = 0; count > 0; --count) {
    const std::size_t bytes = character_bytes(fill, at);
    result.append(fill.substr(at, bytes));
    at = at + bytes >= fill.size() ? 0 : at + bytes;
  }
  return result;
}

Result<std::string> pad(Text value, std::int32_t wanted, Text fill, bool in_front) {
  const auto target = static_cast<std::size_t>(std::max(wanted, 0));
  if (target * 4 > text_bytes_max) return too_long();
  const std::size_t given = text_length(value);
  if (given >= target || fill.empty()) return std::string(text_slice(value, 0, target));
  const std::string more = filling(fill, target - given);
  return in_front ? more + std::string(value) : std::string(value) + more;
}

Result<std::string> pad_left(Text value, std::int32_t wanted, Text fill) {
  return pad(value, wanted, fill, true);
}
Result<std::string> pad_right(Text value, std::int32_t wanted, Text fill) {
  return pad(value, wanted, fill, false);
}
Result<std::string> pad_left_spaces(Text value, std::int32_t wanted) {
  return pad(value, wanted, " ", true);
}
Result<std::string> pad_right_spaces(Text value, std::int32_t wanted) {
  return pad(value, wanted, " ", false);
}

Result<std::string> repeat(Text value, std::int32_t times) {
  if (times <= 0 || value.empty()) return std::string();
  if (value.size() * static_cast<std::size_t>(times) > text_bytes_max) return too_long();
  return filling(value, text_length(value) * static_cast<std::size_t>(times));
}

Result<std::string> chr(std::int32_t code) {
  if (code == 0) return make_error(ErrorCode::invalid_argument, "null character not permitted");
  if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    return make_error(ErrorCode::invalid_argument, "{} is no character code", code);
  }
  return character_of(code);
}

std::string to_hex(std::int64_t value) {
  return fmt::format("{:x}", static_cast<std::uint64_t>(value));
}
std::string to_hex4(std::int32_t value) {
  return fmt::format("{:x}", static_cast<std::uint32_t>(value));
}

/// concat() and concat_ws() skip NULLs; the separator is empty for concat().
Result<Vector> join_texts(const std::vector<Vector>& arguments, std::int64_t rows, bool separated) {
  std::vector<ValueLane<Text>> lanes(arguments.begin(), arguments.end());
  ValueOutput<std::string> out;
  TRY(out.reserve(rows));
  std::string joined;
  for (std::int64_t row = 0; row < rows; ++row) {
    if (separated && !lanes.front().valid(row)) {
      TRY(out.set_null(row));
      continue;
    }
    joined.clear();
    bool first = true;
    for (std::size_t i = separated ? 1 : 0; i < lanes.size(); ++i) {
      if (!lanes[i].valid(row)) continue;
      if (separated && !first) joined.append(lanes.front()[row]);
      joined.append(lanes[i][row]);
      first = false;
    }
    TRY(out.set(row, joined));
  }
  return Vector{TRY(out.finish(arrow::utf8()))};
}

Result<Kernel> concat_kernel(const Signature&) {
  return Kernel([](const std::vector<Vector>& arguments, std::int64_t rows) {
    return join_texts(arguments, rows, false);
  });
}

Result<Kernel> concat_ws_kernel(const Signature&) {
  return Kernel([](const std::vector<Vector>& arguments, std::int64_t rows) {
    return join_texts(arguments, rows, true);
  });
}

/// overlay(text placing new from start [for count]): what is in the place goes.
Result<std::string> overlay(Text value, Text placed, std::int32_t start, std::int32_t count) {
  if (start <= 0 || count < 0) {
    return make_error(ErrorCode::invalid_argument, "negative substring length not allowed");
  }
  const std::int64_t end = std::int64_t{start} + count;
  std::string made(text_slice(value, 0, static_cast<std::size_t>(start - 1)));
  made += placed;
  return made += text_slice(value, static_cast<std::size_t>(end - 1), value.size());
}

Result<std::string> overlay_as_long(Text value, Text placed, std::int32_t start) {
  return overlay(value, placed, start, length(placed));
}

}  // namespace

std::vector<FunctionEntry> text_functions() {
  using String = std::string;
  using Int = std::int32_t;
  using Long = std::int64_t;
  return {
      {"lower", {text}, text, "in lower case", lower_kernel},
      {"upper", {text}, text, "in upper case", upper_kernel},
      {"initcap",
       {text},
       text,
       "each word's first letter in upper case",
       plain<initcap, String, Text>},
      {"length", {text}, int4, "characters", plain<length, Int, Text>},
      {"char_length", {text}, int4, "characters", plain<length, Int, Text>},
      {"character_length", {text}, int4, "characters", plain<length, Int, Text>},
      {"octet_length", {text}, int4, "bytes", plain<octets, Int, Text>},
      {"hash64",
       {text},
       int8,
       "XXH64 of its bytes, with seed 42: the same everywhere and for ever; not in PostgreSQL",
       plain<hash_text, Long, Text>},
      {"hash64",
       {text, int8},
       int8,
       "the same with a seed of one's own",
       plain<hash_text_seeded, Long, Text, Long>},
      {"bit_length", {text}, int4, "bits", plain<bits, Int, Text>},
      {"btrim",
       {text},
       text,
       "without spaces at both ends; also trim(x)",
       plain<trim_both_spaces, String, Text>},
      {"btrim",
       {text, text},
       text,
       "without any of these characters at both ends",
       plain<trim_both, String, Text, Text>},
      {"ltrim", {text}, text, "without spaces in front", plain<trim_left_spaces, String, Text>},
      {"ltrim",
       {text, text},
       text,
       "without any of these characters in front",
       plain<trim_left, String, Text, Text>},
      {"rtrim", {text}, text, "without spaces at the end", plain<trim_right_spaces, String, Text>},
      {"rtrim",
       {text, text},
       text,
       "without any of these characters at the end",
       plain<trim_right, String, Text, Text>},
      {"substr",
       {text, int4},
       text,
       "from a character on, counted from 1",
       plain<substring_from, String, Text, Int>},
      {"substr",
       {text, int4, int4},
       text,
       "so many characters from one on",
       plain<substring, String, Text, Int, Int>,
       true},
      {"substring",
       {text, int4},
       text,
       "as substr; also substring(x FROM n)",
       plain<substring_from, String, Text, Int>},
      {"substring",
       {text, int4, int4},
       text,
       "as substr; also substring(x FROM n FOR m)",
       plain<substring, String, Text, Int, Int>,
       true},
      {"left",
       {text, int4},
       text,
       "the first n characters, or all but the last -n",
       plain<left, String, Text, Int>},
      {"right",
       {text, int4},
       text,
       "the last n characters, or all but the first -n",
       plain<right, String, Text, Int>},
      {"replace",
       {text, text, text},
       text,
       "each occurrence replaced",
       plain<replace, String, Text, Text, Text>,
       true},
      {"translate",
       {text, text, text},
       text,
       "characters replaced one by one",
       plain<translate, String, Text, Text, Text>},
      {"concat",
       {any},
       text,
       "all one after the other; NULL is skipped",
       concat_kernel,
       false,
       true},
      {"concat_ws",
       {text, any},
       text,
       "joined by the first; NULL is skipped",
       concat_ws_kernel,
       false,
       true},
      {"strpos",
       {text, text},
       int4,
       "where it first occurs, from 1; 0 where it does not",
       plain<position, Int, Text, Text>},
      {"position",
       {text, text},
       int4,
       "as strpos; written position(x IN y)",
       plain<position, Int, Text, Text>},
      {"split_part",
       {text, text, int4},
       text,
       "the n-th part between separators, -n from the end",
       plain<split_part, String, Text, Text, Int>,
       true},
      {"starts_with",
       {text, text},
       SqlKind::boolean,
       "whether it begins so",
       plain<starts_with, bool, Text, Text>},
      {"lpad",
       {text, int4},
       text,
       "filled in front to n characters",
       plain<pad_left_spaces, String, Text, Int>,
       true},
      {"lpad",
       {text, int4, text},
       text,
       "filled in front with a text",
       plain<pad_left, String, Text, Int, Text>,
       true},
      {"rpad",
       {text, int4},
       text,
       "filled at the end to n characters",
       plain<pad_right_spaces, String, Text, Int>,
       true},
      {"rpad",
       {text, int4, text},
       text,
       "filled at the end with a text",
       plain<pad_right, String, Text, Int, Text>,
       true},
      {"reverse", {text}, text, "backwards", reverse_kernel},
      {"repeat", {text, int4}, text, "n times", plain<repeat, String, Text, Int>, true},
      {"ascii", {text}, int4, "the code of the first character", plain<code_point, Int, Text>},
      {"chr", {int4}, text, "the character of a code", plain<chr, String, Int>, true},
      {"to_hex", {int4}, text, "in hexadecimal", plain<to_hex4, String, Int>},
      {"to_hex", {SqlKind::int8}, text, "in hexadecimal", plain<to_hex, String, std::int64_t>},
      {"overlay",
       {text, text, int4},
       text,
       "with a text put in its place; written overlay(x PLACING y FROM n)",
       plain<overlay_as_long, String, Text, Text, Int>,
       true},
      {"overlay",
       {text, text, int4, int4},
       text,
       "in place of so many characters; overlay(x PLACING y FROM n FOR m)",
       plain<overlay, String, Text, Text, Int, Int>,
       true},
  };
}

}  // namespace troupe
