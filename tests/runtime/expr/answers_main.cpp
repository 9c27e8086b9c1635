// Answers expressions that come on the standard input, a line each, over the rows of sample.hpp:
// for tests/e2e/postgres_test.py, which asks PostgreSQL the same. A line of the answer is the type
// and one value for each row, separated by the unit separator; "!" and the message stand for what
// is refused: alone where no row has a value, else in the place of the row.
#include "runtime/expr/expression.hpp"
#include "tests/runtime/expr/sample.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <iostream>
#include <string>

namespace troupe {

namespace {

constexpr char separator = '\x1f';

std::string one_line(const std::string& text) {
  std::string line;
  for (const char letter : text) line += letter == '\n' ? ' ' : letter;
  return line;
}

std::string refused(const Error& error) { return "!" + one_line(error.message); }

std::string values_of(const arrow::Array& values) {
  std::string text;
  for (std::int64_t row = 0; row < values.length(); ++row) {
    text += separator + one_line(shown(values, row));
  }
  return text;
}

/// All rows at once, as a run computes them; where that fails, each alone.
std::string answer(const std::string& expression, const Batch& rows) {
  const Result<Expression> bound = Expression::bind(expression, rows.columns()->schema());
  if (!bound) return refused(bound.error());
  std::string text = shown_type(bound->type());
  if (const auto values = bound->evaluate(rows)) return text + values_of(**values);
  for (std::int64_t row = 0; row < rows.rows(); ++row) {
    const auto value = bound->evaluate(Batch(rows.columns()->Slice(row, 1)));
    text += value ? values_of(**value) : separator + refused(value.error());
  }
  return text;
}

}  // namespace

}  // namespace troupe

int main() {
  const troupe::Batch rows = troupe::sample_rows();
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << troupe::answer(line, rows) << '\n';
  }
  return 0;
}
