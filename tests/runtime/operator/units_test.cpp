// Sizes and durations are read exactly, and whatever is ambiguous is refused.
#include "runtime/operator/options.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("sizes are whole numbers with a unit") {
  CHECK(*parse_bytes("0") == 0);
  CHECK(*parse_bytes("512") == 512);
  CHECK(*parse_bytes("64MiB") == 67'108'864);
  CHECK(*parse_bytes("64 MiB") == 67'108'864);
  CHECK(*parse_bytes("1GB") == 1'000'000'000);
  CHECK(*parse_bytes("3TiB") == 3 * (std::int64_t{1} << 40));
  for (const char* text : {"", "MiB", "64 mib", "-1B", "1.5GiB", "1GiB2", "1GiB 2", "64  MiB",
                           "9999999TiB", "99999999999999999999"}) {
    INFO(text);
    REQUIRE_FALSE(parse_bytes(text));
    CHECK(parse_bytes(text).error().hint.find("64MiB") != std::string::npos);
  }
}

TEST_CASE("durations are sums of terms, each with its unit") {
  CHECK(*parse_duration("500ms") == 500ms);
  CHECK(*parse_duration("10s") == 10s);
  CHECK(*parse_duration("1h30m") == 90min);
  CHECK(*parse_duration("1d2h3m4s5ms6us7ns") == 26h + 3min + 4s + 5ms + 6us + 7ns);
  for (const char* text :
       {"", "10", "s", "10 minutes", "1.5s", "-1s", "10s5", "300000d", "1h,30m"}) {
    INFO(text);
    REQUIRE_FALSE(parse_duration(text));
    CHECK(parse_duration(text).error().hint.find("1h30m") != std::string::npos);
  }
}
