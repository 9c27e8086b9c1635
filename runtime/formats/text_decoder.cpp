#include "runtime/formats/text_decoder.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <iconv.h>
#include <set>

namespace troupe {
namespace {

const iconv_t no_converter = reinterpret_cast<iconv_t>(-1);  // NOLINT: what the C library returns

std::string plain_name(const std::string& name) {
  std::string plain;
  for (const char letter : name) {
    if (letter == '-' || letter == '_') continue;
    plain += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return plain;
}

/// `/` and `,` would be words of the C library's own: "//IGNORE" passes over what is wrong.
bool is_word(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char letter) {
    return std::isalnum(letter) || letter == '-' || letter == '_' || letter == '.' || letter == ':';
  });
}

bool known(const std::string& name) {
  const iconv_t converter = ::iconv_open("UTF-8", name.c_str());
  if (converter == no_converter) return false;
  ::iconv_close(converter);
  return true;
}

/// Those whose every letter is one byte by itself. Others are right, too, but in one piece.
bool is_one_byte(const std::string& plain) {
  static const std::set<std::string> names = {
      "ascii",       "usascii",     "latin1",      "latin2",      "latin3",      "latin4",
      "latin5",      "latin6",      "latin7",      "latin8",      "latin9",      "latin10",
      "cp1250",      "cp1251",      "cp1252",      "cp1253",      "cp1254",      "cp1256",
      "cp1257",      "windows1250", "windows1251", "windows1252", "windows1253", "windows1254",
      "windows1256", "windows1257", "koi8r",       "koi8u",       "cp437",       "cp850",
      "macintosh"};
  return names.contains(plain) || plain.starts_with("iso8859");
}

}  // namespace

Result<TextEncoding> TextEncoding::named(const std::string& name) {
  const std::string plain = plain_name(name);
  TextEncoding encoding;
  if (plain == "utf8") return encoding;
  if (is_word(name)) {
    std::string dashed = name;
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    for (const std::string& spelling : {name, dashed, plain}) {
      if (!known(spelling)) continue;
      encoding.name_ = spelling;
      encoding.one_byte_letters_ = is_one_byte(plain);
      return encoding;
    }
  }
  Error error =
      make_error(ErrorCode::invalid_argument, "'{}' is no encoding that is known here", name);
  error.hint = "such as utf-8, latin1, windows-1252, utf-16, shift_jis, gb18030: `iconv -l`";
  return error;
}

std::int64_t TextEncoding::bytes_in_file(std::string_view text) const {
  if (!one_byte_letters_) return static_cast<std::int64_t>(text.size());
  return std::count_if(text.begin(), text.end(),
                       [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; });
}

struct TextDecoder::State {
  std::string name;
  iconv_t converter = no_converter;
  std::string waiting;  ///< bytes of a letter that has not ended
};

TextDecoder::TextDecoder(const TextEncoding& encoding) : state_(std::make_unique<State>()) {
  state_->name = encoding.name();
  state_->converter = ::iconv_open("UTF-8", encoding.name().c_str());
}

TextDecoder::~TextDecoder() {
  if (state_->converter != no_converter) ::iconv_close(state_->converter);
}

Result<> TextDecoder::decode(std::string_view bytes, std::string& text) {
  if (state_->converter == no_converter) {
    return make_error(ErrorCode::invalid_argument, "this machine knows no encoding '{}'",
                      state_->name);
  }
  std::string from = std::exchange(state_->waiting, std::string());
  from += bytes;
  char* in = from.data();
  std::size_t in_left = from.size();
  while (true) {
    constexpr std::size_t room = 1 << 16;
    const std::size_t before = text.size();
    text.resize(before + room);
    char* out = text.data() + before;
    std::size_t out_left = room;
    const std::size_t done = ::iconv(state_->converter, &in, &in_left, &out, &out_left);
    const int number = errno;
    text.resize(before + room - out_left);
    if (done != static_cast<std::size_t>(-1)) break;
    if (number == E2BIG) continue;
    if (number == EINVAL) break;
    return make_error(ErrorCode::invalid_argument, "bytes that are no {}", state_->name);
  }
  state_->waiting.assign(in, in_left);
  return {};
}

Result<> TextDecoder::finish() const {
  if (state_->waiting.empty()) return {};
  return make_error(ErrorCode::invalid_argument, "the file ends within a letter of {}",
                    state_->name);
}

}  // namespace troupe
