// Bytes that are no UTF-8 are found, to the byte, and never keep a value from being written as
// JSON.
#include "runtime/base/json_text.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/utf8.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("UTF-8 ends where the standard says so") {
  const auto bytes = [](std::string_view text) { return utf8_bytes(text); };
  CHECK(bytes("") == 0);
  CHECK(bytes("ä€😀\x7f") == 10);
  for (const char* whole : {"\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "\xe0\xa0\x80"}) {
    CHECK(is_utf8(whole));
  }
  // Lone bytes, overlong forms, surrogates, beyond U+10FFFF, and characters that are cut short.
  for (const char* wrong :
       {"\x80", "\xff", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3x",
        "\xe2\x82x"}) {
    const std::string text = std::string("ok ä") + wrong;
    CHECK(bytes(text) == 5);
    CHECK_FALSE(is_utf8(text));
  }
}

TEST_CASE("names and messages with raw bytes become JSON all the same") {
  const Json value = {{"pr\xe9nom", "Ren\xe9"}, {"n", 1}};
  CHECK(json_text(value) == "{\"pr\uFFFDnom\":\"Ren\uFFFD\",\"n\":1}");
  CHECK(json_text({{"a", {1, 2}}}, 2) == "{\n  \"a\": [\n    1,\n    2\n  ]\n}");
}
