#include "runtime/base/json.hpp"
#include "runtime/base/node_fault.hpp"
#include "runtime/connectors/copy_text.hpp"
#include "runtime/connectors/file_commit.hpp"
#include "runtime/connectors/net_rows.hpp"
#include "runtime/connectors/postgres_table.hpp"
#include "runtime/connectors/staged_rows.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/operator/flow.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/os/file_pattern.hpp"
#include "runtime/secrets/connection.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

struct PostgresSettings {
  Connection connection;
  PostgresTable::Settings table;
  std::vector<int> key;  ///< indices of columns
  std::string staging;
};

/// Secrets are looked up now, on this node, and are gone when this returns.
Result<PostgresConnection> connect(const Connection& connection, FileSystem& files) {
  const Secret url = TRY(connection.resolve("url", files));
  const Secret user = TRY(connection.resolve("user", files));
  const Secret password = TRY(connection.resolve("password", files));
  auto made = PostgresConnection::open(
      {.url = url.reveal(), .user = user.reveal(), .password = password.reveal()});
  if (!made) return made.error().within(fmt::format("connection '{}'", connection.name));
  return made;
}

/// Rows are appended as they come. Those of an upsert are kept until the epoch ends, or there are
/// too many of them: most take others back, or are replaced.
class PostgresWriter final : public SinkWriter {
 public:
  PostgresWriter(std::shared_ptr<const PostgresSettings> settings, FileSystem& files,
                 std::string directory, std::int64_t bytes_max)
      : settings_(std::move(settings)),
        stage_(files, std::move(directory)),
        bytes_max_(bytes_max) {}

  Result<> write(const Batch& batch) override {
    TRY(check_key(batch));
    const std::int64_t* weights = TRY(weights_of(batch));
    const int columns = static_cast<int>(settings_->table.columns.size());
    const Batch rows = without_hidden(batch, batch.columns()->num_columns() - columns);
    lines_.clear();
    TRY(append_copy_text(rows, nullptr, lines_));
    if (settings_->table.mode == PostgresTable::Mode::append) {
      rows_ += batch.rows();
      return stage_.add(lines_);
    }
    TRY(weights == nullptr ? put(rows) : add(weights));
    return net_.bytes() > bytes_max_ ? stage_net() : Result<>();
  }

  Result<std::vector<Committable>> prepare(Epoch) override {
    TRY(stage_net());
    return stage_.finish(std::exchange(rows_, 0));
  }

 private:
  Result<> stage_net() {
    rows_ += net_.rows();
    return stage_.add(net_.take());
  }
  Result<> add(const std::int64_t* weights) {
    for_each_row(lines_, [&](std::string_view row) { net_.add(row, *weights++); });
    return {};
  }
  Result<> put(const Batch& rows) {
    std::vector<std::shared_ptr<arrow::Array>> values;
    arrow::FieldVector fields;
    for (const int column : settings_->key) {
      values.push_back(rows.columns()->column(column));
      fields.push_back(rows.columns()->schema()->field(column));
    }
    keys_.clear();
    TRY(append_copy_text(
        Batch(arrow::RecordBatch::Make(arrow::schema(fields), rows.rows(), values)), nullptr,
        keys_));
    std::vector<std::string_view> keys;
    for_each_row(keys_, [&](std::string_view key) { keys.push_back(key); });
    auto key = keys.begin();
    for_each_row(lines_, [&](std::string_view row) { net_.put(*key++, row); });
    return {};
  }

  /// Null where every row counts once.
  Result<const std::int64_t*> weights_of(const Batch& batch) const {
    const auto column = batch.columns()->GetColumnByName(weight_column);
    if (column == nullptr) return static_cast<const std::int64_t*>(nullptr);
    const auto& weights = static_cast<const arrow::Int64Array&>(*column);
    const auto* values = weights.raw_values();
    const bool back = std::any_of(values, values + batch.rows(), [](auto one) { return one < 0; });
    if (back && settings_->table.mode == PostgresTable::Mode::append) {
      return make_error(ErrorCode::invalid_argument,
                        "a row is taken back, and the table '{}' is appended to", table());
    }
    return values;
  }

  Result<> check_key(const Batch& batch) const {
    for (const int column : settings_->key) {
      if (batch.columns()->column(column)->null_count() == 0) continue;
      Error error =
          make_error(ErrorCode::invalid_argument, "a row for the table '{}' has no '{}', its key",
                     table(), batch.columns()->column_name(column));
      error.reason = ErrorReason::poison_record;
      error.hint = "leave such rows out with filter";
      return error;
    }
    return {};
  }

  const std::string& table() const { return settings_->table.table; }

  const std::shared_ptr<const PostgresSettings> settings_;
  RowStage stage_;
  const std::int64_t bytes_max_;
  NetRows net_;
  std::string lines_;
  std::string keys_;
  std::int64_t rows_ = 0;
};

class PostgresSink final : public Sink {
 public:
  PostgresSink(std::shared_ptr<const PostgresSettings> settings, FileSystem& files)
      : settings_(std::move(settings)), files_(files), table_(settings_->table) {}

  Result<> check() override {
    if (!secrets_are_here()) return {};
    const Result<> checked = check_table();
    return checked || retryable(checked.error().code) ? Result<>() : checked;
  }

  /// A database that is away now may be back when rows are committed, and is checked then.
  Result<std::unique_ptr<SinkWriter>> open(const SinkContext& context) override {
    const Result<> checked = check_and_mark();
    if (!checked && !retryable(checked.error().code)) return checked.error();
    const std::string directory =
        settings_->staging.empty() ? std::string()
                                   : stage_directory(settings_->staging, context.staged_under()) +
                                         "/" + safe_name(context.tag);
    return std::unique_ptr<SinkWriter>(
        std::make_unique<PostgresWriter>(settings_, files_, directory, context.bytes_max));
  }

  Result<> commit(const SinkCommit& what, const std::vector<Committable>& staged) override {
    auto connection = connect(settings_->connection, files_);
    if (!connection) return elsewhere(connection.error());
    return table_.commit(*connection, what, staged, files_);
  }

  Result<> clean_up(const std::string& marker) override {
    if (settings_->staging.empty()) return {};
    TRY(files_.remove_all(stage_directory(settings_->staging, marker)));
    return {};
  }

 private:
  bool secrets_are_here() const {
    const auto found = [&](const char* key) {
      return settings_->connection.resolve(key, files_).ok();
    };
    return found("url") && found("user") && found("password");
  }
  Result<> check_table() const {
    auto connection = connect(settings_->connection, files_);
    return connection ? table_.check(*connection) : connection.error().at("connection");
  }
  Result<> check_and_mark() const {
    auto connection = TRY(connect(settings_->connection, files_));
    TRY(table_.check(connection));
    return PostgresTable::make_markers(connection);
  }

  /// A secret that is not on this node may be on another one, or come to this one.
  static Error elsewhere(Error error) {
    return error.code == ErrorCode::not_found ? node_fault(std::move(error)) : error;
  }

  const std::shared_ptr<const PostgresSettings> settings_;
  FileSystem& files_;
  const PostgresTable table_;
};

Result<std::vector<int>> key_columns(const Options& options, const SchemaPtr& schema) {
  const bool upsert = options.text("mode") == "upsert";
  if (upsert != options.has("key")) {
    return upsert
               ? make_error(ErrorCode::invalid_argument, "'mode: upsert' needs 'key'").at("mode")
               : make_error(ErrorCode::invalid_argument, "'key' is for 'mode: upsert'").at("key");
  }
  std::vector<int> key;
  if (!upsert) return key;
  const auto names = options.list("key");
  const auto found = select_columns(schema, names);
  if (!found) return found.error().at("key");
  for (const std::string& name : names) key.push_back(schema->GetFieldIndex(name));
  return key;
}

Result<> check_table_name(const std::string& name) {
  const auto dots = std::count(name.begin(), name.end(), '.');
  if (!name.empty() && dots <= 1 && name.front() != '.' && name.back() != '.') return {};
  return make_error(ErrorCode::invalid_argument, "'{}' is no table, nor schema.table", name)
      .at("table");
}

/// What is put in place of a key, or deleted, can be one row only. Of a stream whose rows may be
/// several of a key for a while, nobody could say which one.
Result<> check_changes(const Flow& flow, const Options& options) {
  if (!flow.changes) return {};
  const auto key = options.list("key");
  const auto in_key = [&](const std::string& name) { return std::ranges::count(key, name) > 0; };
  if (flow.key && std::ranges::all_of(*flow.key, in_key)) return {};
  Error error =
      make_error(ErrorCode::unsupported, "there may be several rows of one ({}): its input is a {}",
                 fmt::join(key, ", "), to_string(flow));
  error.hint =
      flow.key && !flow.key->empty()
          ? fmt::format("name its key: [{}]; or say which row of each counts (op: dedup)",
                        fmt::join(*flow.key, ", "))
          : fmt::format("say which row of each counts: op: dedup, key: [{}]", fmt::join(key, ", "));
  return error.at("key");
}

class WritePostgres final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }
  bool takes_changes(const Options& options) const override {
    return options.text("mode") == "upsert";
  }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext& context) const override {
    const SchemaPtr& schema = inputs.front().schema;
    TRY(check_table_name(options.text("table")));
    TRY(check_copy_columns(*schema));
    auto connection = Connection::parse(options.connection("connection"));
    if (!connection) return connection.error().at("connection");
    auto settings = std::make_shared<PostgresSettings>();
    settings->connection = *std::move(connection);
    settings->key = TRY(key_columns(options, schema));
    TRY(check_changes(inputs.front().flow, options));
    settings->table.table = options.text("table");
    settings->table.columns = schema->field_names();
    if (options.text("mode") == "upsert") {
      settings->table.mode = PostgresTable::Mode::upsert;
      settings->table.key = options.list("key");
    }
    if (options.has("epoch_column")) settings->table.epoch_column = options.text("epoch_column");
    if (schema->GetFieldIndex(settings->table.epoch_column) >= 0) {
      return make_error(ErrorCode::invalid_argument, "the rows have a column '{}' already",
                        settings->table.epoch_column)
          .at("epoch_column");
    }
    if (options.has("staging")) {
      const auto path = local_path(options.text("staging"));
      if (!path) return path.error().at("staging");
      settings->staging = *path;
    }
    return plan_of(std::move(settings), schema, context);
  }

 private:
  /// Rows of one key stay in their order: they are in one subtask.
  static OperatorPlan plan_of(std::shared_ptr<const PostgresSettings> settings,
                              const SchemaPtr& schema, const PlanContext& context) {
    Phase phase;
    phase.name = "write.postgres";
    const bool upsert = settings->table.mode == PostgresTable::Mode::upsert;
    phase.inputs = {PhaseInput{.exchange = upsert ? ExchangeKind::hash : ExchangeKind::forward,
                               .keys = settings->key}};
    phase.outputs = {schema};
    phase.detail =
        upsert ? fmt::format("{}: {} (upsert by {})", settings->connection.name,
                             settings->table.table, fmt::join(settings->table.key, ", "))
               : fmt::format("{}: {} (append)", settings->connection.name, settings->table.table);
    phase.make_sink = [&files = *context.files, settings]() -> Result<std::shared_ptr<Sink>> {
      return std::shared_ptr<Sink>(std::make_shared<PostgresSink>(settings, files));
    };
    OperatorPlan plan;
    plan.phases = {std::move(phase)};
    return plan;
  }

  const OperatorDescription description_ = {
      .name = "write.postgres",
      .summary = "Writes rows to a table of PostgreSQL, an epoch a transaction.",
      .role = OperatorRole::sink,
      .parameters =
          {{.name = "connection",
            .type = ParameterType::connection,
            .help = "The database: one of `connections:`.",
            .required = true,
            .choices = {"postgres"}},
           {.name = "table",
            .type = ParameterType::text,
            .help = "The table, or schema.table; it must be there, with a column for each of the "
                    "rows' columns.",
            .required = true},
           {.name = "mode",
            .type = ParameterType::choice,
            .help = "Append rows; or put each in place of the one with its key, and delete what is "
                    "taken back.",
            .default_value = "\"append\"",
            .choices = {"append", "upsert"}},
           {.name = "key",
            .type = ParameterType::columns,
            .help = "For `upsert`: the columns of the table's primary key, or of a unique index."},
           {.name = "epoch_column",
            .type = ParameterType::text,
            .help = "A column of the table that gets the number of the epoch: a reader who takes "
                    "no more than a certain one sees the same as in all other outputs."},
           {.name = "staging",
            .type = ParameterType::path,
            .help = "A directory that all executors see, for rows on their way. Without it, no "
                    "more than 8 MiB of them (512 KiB when packed) may wait in each subtask for an "
                    "epoch to end."}},
      .example = R"(save:
  op: write.postgres
  from: balances
  with:
    connection: ledger
    table: balances
    mode: upsert
    key: [account]
)",
      .notes =
          "Rows and a row of the table `troupe_commits`, which says how far this sink is, are "
          "committed together: so rows are there once, whatever dies and comes back. That "
          "table is made where it is not there. A database that is away is waited for; one "
          "that refuses a row halts the run, which says the row. Of rows of one key in an "
          "epoch, the last one counts; a key must not be null. `upsert` takes streams that take "
          "rows back, if their key is a part of `key`; `append` gets the rows that are left of "
          "one once it has ended. A column of the table that has no value in the rows must have "
          "a default, or be allowed to be null.",
      .streams = true,
      .changes = true,
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_write_postgres(OperatorRegistry& registry) {
  registry.add(std::make_unique<WritePostgres>());
}

}  // namespace troupe
