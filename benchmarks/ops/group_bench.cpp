// Rows per second of the parts of an aggregation: numbering keys, and adding to accumulators.
#include "runtime/data/batch.hpp"
#include "runtime/ops/aggregate/accumulator.hpp"
#include "runtime/ops/aggregate/grouper.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <random>

using namespace troupe;

namespace {

constexpr std::int64_t rows = 65536;
constexpr int batches = 64;
using Arrays = std::vector<std::shared_ptr<arrow::Array>>;

/// The best of five, in millions of rows per second.
void report(const std::string& name, const std::function<void()>& run) {
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const std::clock_t begin = std::clock();  // of the processor: others may be at work
    run();
    best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  fmt::print("{:45} {:8.1f} M rows/s\n", name, static_cast<double>(rows) * batches / best / 1e6);
}

template <class Builder>
std::shared_ptr<arrow::Array> numbers(std::uint64_t below, std::uint64_t seed,
                                      int nulls_of_100 = 0) {
  std::mt19937_64 random(seed);
  Builder builder;
  for (std::int64_t i = 0; i < rows; ++i) {
    const bool null = static_cast<int>(random() % 100) < nulls_of_100;
    const auto value = random() % below;
    (void)(null ? builder.AppendNull()
                : builder.Append(static_cast<typename Builder::value_type>(value)));
  }
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> texts(int count) {
  arrow::StringBuilder builder;
  for (int i = 0; i < count; ++i) (void)builder.Append(fmt::format("{:03}", i));
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> dictionary(int entries, std::uint64_t seed, int nulls_of_100 = 0) {
  return arrow::DictionaryArray::FromArrays(
             numbers<arrow::Int32Builder>(entries, seed, nulls_of_100), texts(entries))
      .ValueOrDie();
}

void group(const std::string& name, const std::vector<Arrays>& inputs) {
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (const auto& column : inputs.front()) types.push_back(logical_type(column->type()));
  std::uint32_t groups = 0;
  std::vector<std::uint32_t> ids;
  report("group by " + name, [&] {
    Grouper grouper = Grouper::make(types).value();
    for (int b = 0; b < batches; ++b) {
      grouper.assign(inputs[b % inputs.size()], rows, ids).value();
    }
    groups = grouper.size();
  });
  fmt::print("{:45} {:8} groups\n", "", groups);
}

void accumulate(AccumulatorKind kind, const std::shared_ptr<arrow::Array>& values,
                std::uint32_t groups, const std::string& name) {
  const auto ids = numbers<arrow::UInt32Builder>(groups, 5);
  const auto* raw = std::static_pointer_cast<arrow::UInt32Array>(ids)->raw_values();
  report(fmt::format("{} of {}, {} groups", to_string(kind), name, groups), [&] {
    auto sums = Accumulator::make(kind, values->type()).value();
    sums->resize(groups);
    Argument argument{values};
    if (values->null_count() > 0) argument.valid = values->null_bitmap();
    for (int b = 0; b < batches; ++b)
      sums->update({groups == 1 ? nullptr : raw, rows}, argument).value();
  });
}

}  // namespace

int main() {
  group("a dictionary of 300", {{dictionary(300, 1)}});
  group("a dictionary of 300 with nulls", {{dictionary(300, 1, 5)}});
  group("two dictionaries of 300", {{dictionary(300, 1), dictionary(300, 2)}});
  group("two dictionaries of 50", {{dictionary(50, 1), dictionary(50, 2)}});
  group("int64, 300 values", {{numbers<arrow::Int64Builder>(300, 1)}});
  group("int64 and dictionary of 300", {{numbers<arrow::Int64Builder>(10, 1), dictionary(300, 2)}});
  std::vector<Arrays> many;
  for (int b = 0; b < batches; ++b) many.push_back({numbers<arrow::Int64Builder>(4'000'000, b)});
  group("int64, up to 4 M values", many);
  for (const std::uint32_t groups : {1u, 300u, 90'000u}) {
    accumulate(AccumulatorKind::count, numbers<arrow::Int64Builder>(1000, 3), groups, "int64");
    accumulate(AccumulatorKind::integer_sum, numbers<arrow::Int64Builder>(1000, 3), groups,
               "int64");
    accumulate(AccumulatorKind::integer_sum, numbers<arrow::Int64Builder>(1000, 3, 5), groups,
               "int64 with nulls");
    accumulate(AccumulatorKind::float_sum, numbers<arrow::DoubleBuilder>(1000, 3), groups,
               "double");
    accumulate(AccumulatorKind::float_squares, numbers<arrow::DoubleBuilder>(1000, 3), groups,
               "double");
    accumulate(AccumulatorKind::max, numbers<arrow::Int64Builder>(1000, 3), groups, "int64");
  }
}
