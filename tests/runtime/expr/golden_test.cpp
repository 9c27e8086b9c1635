// Claim: an expression has the type and the values that PostgreSQL gives it, and fails where it
// fails. Shown with some hundred expressions over six rows whose answers PostgreSQL 15 itself wrote
// (tests/golden/expr/rewrite.py); where ours differs on purpose, differences.txt holds our answer.
#include "runtime/expr/expression.hpp"
#include "tests/runtime/expr/sample.hpp"
#include "tests/support/catch.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <map>

namespace troupe {

namespace {

struct Line {
  std::string expression;
  std::string answer;
};

std::vector<Line> read_golden(const std::string& name) {
  std::ifstream file(std::string(SOURCE_ROOT) + "/tests/golden/expr/" + name);
  REQUIRE(file.good());
  std::vector<Line> lines;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t arrow = line.find(" => ");
    REQUIRE(arrow != std::string::npos);
    lines.push_back({line.substr(0, arrow), line.substr(arrow + 4)});
  }
  return lines;
}

std::vector<std::string> split(const std::string& values) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  for (std::size_t next; (next = values.find(" | ", at)) != std::string::npos; at = next + 3) {
    parts.push_back(values.substr(at, next - at));
  }
  parts.push_back(values.substr(at));
  return parts;
}

std::string answer_of(const std::string& expression, const Batch& rows, const SchemaPtr& schema) {
  const Result<Expression> bound = Expression::bind(expression, schema);
  if (!bound) return "error: " + bound.error().message;
  const auto values = bound->evaluate(rows);
  if (!values) return "error: " + values.error().message;
  std::string answer = shown_type(bound->type()) + ": ";
  for (std::int64_t row = 0; row < (*values)->length(); ++row) {
    answer += (row == 0 ? "" : " | ") + shown(**values, row);
  }
  return answer;
}

/// A numeric's scale is per value there and per column here; functions of doubles may differ in the
/// last digit between libraries.
bool same_number(const std::string& expected, const std::string& given) {
  char* end = nullptr;
  const double a = std::strtod(expected.c_str(), &end);
  if (*end != '\0' || end == expected.c_str()) return false;
  const double b = std::strtod(given.c_str(), &end);
  if (*end != '\0' || end == given.c_str()) return false;
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::fabs(a - b) <= 1e-14 * std::fabs(a);
}

bool same_answer(const std::string& expected, const std::string& given) {
  if (expected == given) return true;
  const std::size_t colon = expected.find(": ");
  if (expected.starts_with("error: ")) {
    // PostgreSQL's sentence first, ours may go on.
    return given.starts_with(expected);
  }
  if (given.substr(0, colon + 2) != expected.substr(0, colon + 2)) return false;
  const std::string type = expected.substr(0, colon);
  const bool number = type == "numeric" || type == "double precision" || type == "real";
  std::vector<std::string> wanted = split(expected.substr(colon + 2));
  const std::vector<std::string> values = split(given.substr(colon + 2));
  if (wanted.size() == 1) wanted.resize(values.size(), wanted.front());
  if (wanted.size() != values.size()) return false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != wanted[i] && !(number && same_number(wanted[i], values[i]))) return false;
  }
  return true;
}

void check_file(const std::string& name, const Batch& rows) {
  const SchemaPtr schema = sample_rows().columns()->schema();
  std::map<std::string, std::string> ours;
  for (const Line& line : read_golden("differences.txt")) ours[line.expression] = line.answer;
  std::string wrong;
  for (const Line& line : read_golden(name)) {
    const auto differs = ours.find(line.expression);
    const std::string& expected = differs == ours.end() ? line.answer : differs->second;
    const std::string given = answer_of(line.expression, rows, schema);
    if (same_answer(expected, given)) continue;
    wrong += fmt::format("{} => {}\n   {}\n", line.expression, given, expected);
  }
  INFO(wrong);
  CHECK(wrong.empty());
}

}  // namespace

TEST_CASE("operators, logic, comparisons and patterns answer as PostgreSQL") {
  check_file("operators.txt", sample_rows());
}

TEST_CASE("CASE, COALESCE and conversions answer as PostgreSQL") {
  check_file("choices.txt", sample_rows());
}

TEST_CASE("functions answer as PostgreSQL") { check_file("functions.txt", sample_rows()); }

TEST_CASE("dictionary-encoded texts change no answer") {
  for (const char* name : {"operators.txt", "choices.txt", "functions.txt"}) {
    check_file(name, sample_rows_encoded());
  }
}

TEST_CASE("what differs from PostgreSQL does differ") {
  std::map<std::string, std::string> theirs;
  for (const char* name : {"operators.txt", "choices.txt", "functions.txt"}) {
    for (const Line& line : read_golden(name)) theirs[line.expression] = line.answer;
  }
  for (const Line& line : read_golden("differences.txt")) {
    INFO(line.expression);
    REQUIRE(theirs.count(line.expression) == 1);
    CHECK(!same_answer(theirs[line.expression], line.answer));
  }
}

}  // namespace troupe
