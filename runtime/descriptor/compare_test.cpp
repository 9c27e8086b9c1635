#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"
#include "runtime/connectors/row_values.hpp"
#include "runtime/descriptor/job_test.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace troupe {
namespace {

constexpr double tolerance = 1e-9;

struct Cell {
  std::string text;
  bool null = false;
  bool is_number = false;  ///< a double; doubles are compared as numbers
  double number = 0;
};

bool same(const Cell& a, const Cell& b) {
  if (a.null || b.null) return a.null == b.null;
  if (!a.is_number || !b.is_number) return a.text == b.text;
  if (a.number == b.number || (std::isnan(a.number) && std::isnan(b.number))) return true;
  return std::abs(a.number - b.number) <=
         tolerance * std::max(std::abs(a.number), std::abs(b.number));
}

using Row = std::vector<Cell>;

bool same_row(const Row& a, const Row& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

/// Drops zeros at the end of a fraction: times are equal whether a file keeps milliseconds,
/// microseconds or nanoseconds.
std::string without_zeros(std::string moment) {
  const std::size_t point = moment.find('.');
  if (point == std::string::npos) return moment;
  std::size_t end = moment.find_first_not_of("0123456789", point + 1);
  if (end == std::string::npos) end = moment.size();
  std::size_t keep = end;
  while (keep > point + 1 && moment[keep - 1] == '0') --keep;
  if (keep == point + 1) keep = point;
  return moment.erase(keep, end - keep);
}

Cell cell_of(const arrow::Array& column, std::int64_t row) {
  std::shared_ptr<arrow::Scalar> value = column.GetScalar(row).ValueOrDie();
  if (value->type->id() == arrow::Type::DICTIONARY) {
    value = static_cast<const arrow::DictionaryScalar&>(*value).GetEncodedValue().ValueOrDie();
  }
  if (!value->is_valid) return {"null", true};
  Cell cell{value->ToString()};
  if (const auto* number = dynamic_cast<const arrow::DoubleScalar*>(value.get())) {
    cell.is_number = true;
    cell.number = number->value;
  } else if (const auto* narrow = dynamic_cast<const arrow::FloatScalar*>(value.get())) {
    cell.is_number = true;
    cell.number = static_cast<double>(narrow->value);
  } else if (value->type->id() == arrow::Type::TIMESTAMP) {
    cell.text = without_zeros(cell.text);
  }
  return cell;
}

/// The named columns of all batches, row by row.
std::vector<Row> rows_of(const std::vector<Batch>& batches,
                         const std::vector<std::string>& columns) {
  std::vector<Row> rows;
  for (const Batch& batch : batches) {
    const std::size_t first = rows.size();
    rows.resize(first + static_cast<std::size_t>(batch.rows()));
    for (const std::string& name : columns) {
      const auto column = batch.columns()->GetColumnByName(name);
      for (std::int64_t i = 0; i < batch.rows(); ++i) {
        rows[first + static_cast<std::size_t>(i)].push_back(cell_of(*column, i));
      }
    }
  }
  return rows;
}

/// "{carrier: UA, flights: 3}"
std::string shown(const Row& row, const std::vector<std::string>& columns) {
  std::vector<std::string> cells;
  for (std::size_t i = 0; i < row.size(); ++i) {
    cells.push_back(fmt::format("{}: {}", columns[i], row[i].text));
  }
  return fmt::format("{{{}}}", fmt::join(cells, ", "));
}

std::string listed(const char* sign, const std::vector<Row>& rows,
                   const std::vector<std::string>& columns) {
  std::string text;
  for (std::size_t i = 0; i < std::min(rows.size(), shown_rows_max); ++i) {
    text += fmt::format("\n  {} {}", sign, shown(rows[i], columns));
  }
  if (rows.size() > shown_rows_max) {
    text += fmt::format("\n  {} and {} more", sign, rows.size() - shown_rows_max);
  }
  return text;
}

std::string count_of(std::size_t rows) {
  return fmt::format("{} row{}", rows, rows == 1 ? "" : "s");
}

/// Takes each expected row out of `actual`. Returns the expected rows that are missing; `actual`
/// keeps those that are too many.
std::vector<Row> take_matches(const std::vector<Row>& expected, std::vector<Row>& actual) {
  std::vector<Row> missing;
  for (const Row& row : expected) {
    const auto found = std::find_if(actual.begin(), actual.end(),
                                    [&](const Row& other) { return same_row(row, other); });
    if (found == actual.end()) {
      missing.push_back(row);
    } else {
      actual.erase(found);
    }
  }
  return missing;
}

class RowComparison {
 public:
  RowComparison(const Expectation& expected, const std::vector<Batch>& actual)
      : expected_(expected), actual_(actual) {}

  /// The difference in words, or an empty text.
  Result<std::string> run() {
    std::int64_t rows = 0;
    for (const Batch& batch : actual_) rows += batch.rows();
    if (expected_.kind == Expectation::Kind::count) {
      if (rows == expected_.count) return std::string();
      return fmt::format("{} expected, {} came out",
                         count_of(static_cast<std::size_t>(expected_.count)),
                         count_of(static_cast<std::size_t>(rows)));
    }
    TRY(choose_columns());
    const Batch wanted = TRY(batch_of_rows(*expected_.rows, types_));
    std::vector<Row> expected = rows_of({wanted}, columns_);
    std::vector<Row> actual = rows_of(actual_, columns_);
    if (expected_.kind == Expectation::Kind::in_order) return in_order(expected, actual);
    const std::vector<Row> missing = take_matches(expected, actual);
    if (expected_.kind == Expectation::Kind::contains) actual.clear();
    return differences(missing, actual);
  }

 private:
  /// The columns that some expected row names, with the types of the actual rows. If no row is
  /// expected, all columns, so that rows which are too many are shown whole.
  Result<> choose_columns() {
    const SchemaPtr schema = actual_.empty() ? nullptr : actual_.front().columns()->schema();
    for (const Json& row : *expected_.rows) {
      for (const auto& [name, value] : row.items()) {
        if (!std::count(columns_.begin(), columns_.end(), name)) columns_.push_back(name);
      }
    }
    if (!schema) return {};
    if (columns_.empty()) columns_ = schema->field_names();
    for (const std::string& name : columns_) {
      const auto field = schema->GetFieldByName(name);
      if (!field) {
        return unknown_column(fmt::format("what came out has no column '{}'", name), name,
                              schema->field_names());
      }
      std::string type = TRY(sql_name_of(field->type()));
      types_.push_back({name, std::move(type)});
    }
    return {};
  }

  std::string differences(const std::vector<Row>& missing, const std::vector<Row>& extra) const {
    if (missing.empty() && extra.empty()) return "";
    std::vector<std::string> told;
    if (!missing.empty()) told.push_back(count_of(missing.size()) + " missing");
    if (!extra.empty()) told.push_back(count_of(extra.size()) + " too much");
    return fmt::format("{}{}{}", fmt::join(told, ", "), listed("-", missing, columns_),
                       listed("+", extra, columns_));
  }

  std::string in_order(const std::vector<Row>& expected, const std::vector<Row>& actual) const {
    const auto [want, got] =
        std::mismatch(expected.begin(), expected.end(), actual.begin(), actual.end(), same_row);
    if (want == expected.end() && got == actual.end()) return "";
    const auto row = want - expected.begin() + 1;
    std::string text = fmt::format("row {} differs", row);
    text += want == expected.end() ? "\n  - nothing" : "\n  - " + shown(*want, columns_);
    text += got == actual.end() ? "\n  + nothing" : "\n  + " + shown(*got, columns_);
    return text;
  }

  const Expectation& expected_;
  const std::vector<Batch>& actual_;
  std::vector<std::string> columns_;
  std::vector<NamedText> types_;
};

}  // namespace

std::vector<std::string> compare_test(const JobTest& test,
                                      const std::map<std::string, std::vector<Batch>>& rows) {
  static const std::vector<Batch> nothing;
  std::vector<std::string> failures;
  for (const auto& [id, expectation] : test.expect) {
    const auto found = rows.find(id);
    const Result<std::string> differs =
        RowComparison(expectation, found == rows.end() ? nothing : found->second).run();
    const std::string text = differs ? *differs : differs.error().to_string();
    if (!text.empty()) failures.push_back(fmt::format("{}: {}", id, text));
  }
  return failures;
}

}  // namespace troupe
