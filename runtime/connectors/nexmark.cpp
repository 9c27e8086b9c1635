#include "runtime/connectors/generated_rows.hpp"
#include "runtime/connectors/nexmark_events.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace troupe {
namespace {

using Column = NexmarkEvents::Column;

NexmarkTable table_named(const std::string& name) {
  if (name == "person") return NexmarkTable::person;
  return name == "auction" ? NexmarkTable::auction : NexmarkTable::bid;
}

/// Of a table, the columns that somebody needs.
struct NexmarkColumns {
  const NexmarkTable table;
  const NexmarkEvents events;
  const std::vector<Column> columns;
  const SchemaPtr schema;
};

std::shared_ptr<arrow::Array> numbers(const NexmarkEvents& events, const Column& column,
                                      const std::vector<std::int64_t>& which) {
  std::vector<std::int64_t> values;
  values.reserve(which.size());
  for (const std::int64_t event : which) values.push_back((events.*column.number)(event));
  return std::make_shared<arrow::Int64Array>(static_cast<std::int64_t>(which.size()),
                                             arrow::Buffer::FromVector(std::move(values)));
}

std::shared_ptr<arrow::Array> texts(const NexmarkEvents& events, const Column& column,
                                    const std::vector<std::int64_t>& which) {
  std::string bytes;
  std::vector<std::int32_t> ends = {0};
  ends.reserve(which.size() + 1);
  for (const std::int64_t event : which) {
    (events.*column.text)(event, bytes);
    ends.push_back(static_cast<std::int32_t>(bytes.size()));
  }
  return std::make_shared<arrow::StringArray>(static_cast<std::int64_t>(which.size()),
                                              arrow::Buffer::FromVector(std::move(ends)),
                                              arrow::Buffer::FromString(std::move(bytes)));
}

Result<Batch> make(const NexmarkColumns& made, const RowRange& rows) {
  std::vector<std::int64_t> which;
  which.reserve(static_cast<std::size_t>(rows.count()));
  for (std::int64_t row = rows.from; row < rows.to; row += rows.step) {
    which.push_back(NexmarkEvents::event_of(made.table, row));
  }
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const Column& column : made.columns) {
    columns.push_back(column.text != nullptr ? texts(made.events, column, which)
                                             : numbers(made.events, column, which));
  }
  return Batch(arrow::RecordBatch::Make(made.schema, rows.count(), std::move(columns)));
}

class NexmarkKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>&,
                            const PlanContext& context) const override {
    const NexmarkTable table = table_named(options.text("table"));
    GeneratedRows rows = TRY(GeneratedRows::of(options, context, "events"));
    if (rows.count) rows.count = NexmarkEvents::rows_in(table, *rows.count);
    if (rows.rate) rows.rate = *rows.rate * NexmarkEvents::share(table);
    const auto seed = static_cast<std::uint64_t>(options.integer("seed"));
    const auto made = columns_of(table, seed, context);
    return plan_generated("nexmark", made->schema, rows,
                          [made](const RowRange& of) { return make(*made, of); });
  }

 private:
  static std::shared_ptr<const NexmarkColumns> columns_of(NexmarkTable table, std::uint64_t seed,
                                                          const PlanContext& context) {
    std::vector<Column> columns;
    arrow::FieldVector fields;
    for (const Column& column : NexmarkEvents::columns(table)) {
      const auto& needed = context.projection;
      if (needed && std::find(needed->begin(), needed->end(), column.name) == needed->end()) {
        continue;
      }
      columns.push_back(column);
      fields.push_back(
          arrow::field(column.name, column.text != nullptr ? arrow::utf8() : arrow::int64()));
    }
    return std::make_shared<const NexmarkColumns>(
        NexmarkColumns{table, NexmarkEvents(seed), std::move(columns), arrow::schema(fields)});
  }

  const OperatorDescription description_ = {
      .name = "nexmark",
      .summary = "Makes the events of Nexmark, an auction house: people, auctions, bids.",
      .role = OperatorRole::source,
      .inputs_min = 0,
      .inputs_max = 0,
      .parameters = {{.name = "table",
                      .type = ParameterType::choice,
                      .help = "Of 50 events one is a person, 3 are auctions, 46 are bids. A source "
                              "makes one kind; several with the same seed belong together.",
                      .required = true,
                      .choices = {"person", "auction", "bid"}},
                     {.name = "seed",
                      .type = ParameterType::integer,
                      .help = "Another seed, other events.",
                      .default_value = "1",
                      .min = 0,
                      .max = 1e15},
                     GeneratedRows::count_parameter(
                         "events",
                         "How many, of all kinds together. A stream without it never ends."),
                     GeneratedRows::rate_parameter("events")},
      .example = R"yaml(bids:
  op: nexmark
  with: {table: bid, events: 1000000}
)yaml",
      .notes =
          "The same events each time, by their number. `evtime` and `expires` are milliseconds "
          "since "
          "1970, ten events in each: `event_time: {value: TIMESTAMP '1970-01-01' + evtime * "
          "INTERVAL "
          "'1 millisecond'}`. Half of all bids are for a hot auction, three in four by a hot "
          "bidder, "
          "and three in four auctions have a hot seller. In a stream subtask i of p makes the rows "
          "i, i + p, i + 2p... of its table; its position is how many it has made.",
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_nexmark(OperatorRegistry& registry) { registry.add(std::make_unique<NexmarkKind>()); }

}  // namespace troupe
