// A result carries its value or its error through TRY, and a wrong look at it is a defect.
#include "runtime/base/result.hpp"

#include "runtime/base/readable.hpp"
#include "tests/support/catch.hpp"

#include <memory>

using namespace troupe;

namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return make_error(ErrorCode::invalid_argument, "{} is odd", number);
  return number / 2;
}

Result<int> quarter(int number) { return TRY(half(TRY(half(number)))); }

Result<> check(int number) {
  TRY(quarter(number));
  return {};
}

}  // namespace

TEST_CASE("TRY passes values on and returns the first error") {
  CHECK(*quarter(12) == 3);
  CHECK(quarter(6).error().message == "3 is odd");
  CHECK(check(12).ok());
  CHECK(check(3).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("a result moves what cannot be copied") {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = *std::move(made);
  CHECK(*taken == 7);
}

TEST_CASE("the value of a failed result is a defect") {
  CHECK_THROWS_AS(half(1).value(), Defect);
  CHECK_THROWS_AS(check(1).value(), Defect);
}

TEST_CASE("errors are told by callers who know more") {
  const Error error = make_error(ErrorCode::not_found, "no column '{}'", "carier");
  CHECK(error.at("where").at("with").path == "with.where");
  CHECK(error.within("delays").to_string() == "not_found: delays: no column 'carier'");
  CHECK(retryable(ErrorCode::timeout));
  CHECK_FALSE(retryable(ErrorCode::corrupt));
}

TEST_CASE("an error that is passed on is readable, whatever it quotes") {
  const Error raw = make_error(ErrorCode::not_found, "'{}'", "Ren\xe9\x80\xc3\xa9");
  CHECK(raw.within("in \xff").message == "in \\xFF: 'Ren\\xE9\\x80é'");
  CHECK(raw.at("path").message == "'Ren\\xE9\\x80é'");
  CHECK(readable(std::string("a\0\x1b[2J\tb\n\x7f", 10)) == "a\\x00\\x1B[2J\tb\n\\x7F");
  CHECK(readable("ä€😀") == "ä€😀");
}
