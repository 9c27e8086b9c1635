#include "runtime/connectors/generated_rows.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/operator/source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

namespace troupe {
namespace {

constexpr double count_max = 1e15;
constexpr double rate_max = 1e9;
constexpr double rate_min = 1e-3;

/// Rows that are made together: few enough for the cache.
constexpr std::int64_t rows_at_once = 16384;

/// Splits for each one that is wanted, so that subtasks of unequal speed end at the same time.
constexpr std::int64_t splits_each = 4;

/// Rows of a slow source are not made long before they are due.
std::int64_t at_once(const GeneratedRows& rows) {
  if (!rows.rate) return rows_at_once;
  return std::clamp(static_cast<std::int64_t>(*rows.rate), std::int64_t{1}, rows_at_once);
}

class GeneratedReader final : public BatchReader {
 public:
  GeneratedReader(MakeRows make, const RowRange& rows, std::int64_t at_once)
      : make_(std::move(make)), rows_(rows), at_once_(at_once) {}

  Result<Batch> next() override {
    RowRange now = rows_;
    now.to = std::min(rows_.to, rows_.from + at_once_ * rows_.step);
    if (now.count() == 0) return Batch();
    const std::int64_t behind = now.from + now.count() * rows_.step;
    Result<Batch> rows = make_(now);
    if (!rows) {
      return rows.error().within(fmt::format("rows {} to {}", now.from, behind - rows_.step));
    }
    rows_.from = behind;
    return rows;
  }

  std::int64_t skip(std::int64_t rows) override {
    const std::int64_t skipped = std::min(rows, rows_.count());
    rows_.from += skipped * rows_.step;
    return skipped;
  }

 private:
  const MakeRows make_;
  RowRange rows_;
  const std::int64_t at_once_;
};

/// The only split of one subtask of a stream.
class Lane final : public SplitSequence {
 public:
  Lane(Split split, std::size_t taken) : split_(std::move(split)), given_(taken > 0) {}

  Result<Next> next() override {
    if (std::exchange(given_, true)) return Next(NoMore{});
    return Next(split_);
  }

 private:
  const Split split_;
  bool given_;
};

class GeneratedSource final : public Source {
 public:
  GeneratedSource(MakeRows make, const GeneratedRows& rows)
      : make_(std::move(make)), rows_(rows.end()), at_once_(at_once(rows)) {}

  Result<std::vector<Split>> splits(std::uint32_t wanted) override {
    const std::int64_t batches = (rows_ + rows_at_once - 1) / rows_at_once;
    const std::int64_t count = std::min(batches, wanted * splits_each);
    std::vector<Split> splits;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t from = batches * i / count * rows_at_once;
      const std::int64_t to = std::min(rows_, batches * (i + 1) / count * rows_at_once);
      splits.push_back(split_of({from, to}));
    }
    return splits;
  }

  std::unique_ptr<SplitSequence> sequence(const SubtaskOf& self,
                                          const SplitPosition& from) override {
    return std::make_unique<Lane>(split_of({self.subtask, rows_, self.parallelism}), from.split);
  }

  Result<std::unique_ptr<BatchReader>> open(const Split& split) override {
    const Json detail = Json::parse(split.detail);
    const auto number = [&](const char* key) { return detail.at(key).get<std::int64_t>(); };
    const RowRange rows{number("from"), number("to"), number("step")};
    return std::make_unique<GeneratedReader>(make_, rows, at_once_);
  }

 private:
  static Split split_of(const RowRange& rows) {
    const Json detail = {{"from", rows.from}, {"to", rows.to}, {"step", rows.step}};
    return {json_text(detail), rows.count(), rows.count()};
  }

  const MakeRows make_;
  const std::int64_t rows_;
  const std::int64_t at_once_;
};

}  // namespace

Result<GeneratedRows> GeneratedRows::of(const Options& options, const PlanContext& context,
                                        const std::string& counted) {
  GeneratedRows rows;
  if (options.has(counted)) rows.count = options.integer(counted);
  if (options.has("rate")) rows.rate = options.number("rate");
  if (context.stream) return rows;
  const std::string stream = "make it a stream (mode: streaming, and an event_time)";
  if (rows.rate) {
    Error error = make_error(ErrorCode::invalid_argument,
                             "only a stream has a 'rate': a table is read as fast as it can be");
    error.hint = "leave it out, or " + stream;
    return error.at("rate");
  }
  if (!rows.count) {
    Error error =
        make_error(ErrorCode::invalid_argument, "'{}' is missing: a table has an end", counted);
    error.hint = fmt::format("{}: 1000000, or {}", counted, stream);
    return error.at(counted);
  }
  return rows;
}

Parameter GeneratedRows::count_parameter(const std::string& counted, const std::string& help) {
  return {
      .name = counted, .type = ParameterType::integer, .help = help, .min = 0, .max = count_max};
}

Parameter GeneratedRows::rate_parameter(const std::string& counted) {
  return {
      .name = "rate",
      .type = ParameterType::number,
      .help = fmt::format(
          "Of a stream: {} a second, all subtasks together. Rows that could not leave when they "
          "were due follow as fast as they can; after a restart the schedule begins anew. Not "
          "given: as fast as they are taken.",
          counted),
      .min = rate_min,
      .max = rate_max};
}

std::string GeneratedRows::told() const {
  std::string text = count ? fmt::format("{} rows", *count) : "without end";
  if (rate) text += fmt::format(", {} a second", *rate);
  return text;
}

/// Twice as many as anyone may ask for would take centuries to make, and leave room for steps.
std::int64_t GeneratedRows::end() const {
  return count.value_or(std::numeric_limits<std::int64_t>::max() / 2);
}

OperatorPlan plan_generated(const std::string& name, const SchemaPtr& columns,
                            const GeneratedRows& rows, const MakeRows& make) {
  OperatorPlan plan;
  plan.rows = rows.count;
  plan.endless = !rows.count;
  Phase phase{name, {}, {columns}};
  phase.detail = rows.told();
  phase.rate = rows.rate;
  phase.make_source = [make, rows]() -> Result<std::shared_ptr<Source>> {
    return std::make_shared<GeneratedSource>(make, rows);
  };
  plan.phases = {std::move(phase)};
  return plan;
}

}  // namespace troupe
