// Rows are in the table once, whoever commits them, how often, at the same time, and whatever dies
// meanwhile; and what does not fit is refused before the first row. Beside a real server.
#include "runtime/base/json.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/postgres.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/type.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

using namespace troupe;

namespace {

const SchemaPtr balances =
    arrow::schema({arrow::field("account", arrow::utf8()), arrow::field("amount", arrow::int64())});

/// A sink of balances, and what its subtasks stage.
class Ledger {
 public:
  explicit Ledger(Json with = Json::object()) : schema_(balances) {
    setenv("TROUPE_TEST_LEDGER", test_postgres::target().url.c_str(), 1);
    with["connection"] = {
        {"name", "ledger"}, {"type", "postgres"}, {"url", {{"env", "TROUPE_TEST_LEDGER"}}}};
    if (!with.contains("table")) with["table"] = "balances";
    const auto plan = plan_connector("write.postgres", with, {}, {{schema_}});
    REQUIRE(plan);
    sink_ = *plan->phases.front().make_sink();
    marker_ = fmt::format("run-{}/1/save", ++runs_);
  }

  Result<std::unique_ptr<SinkWriter>> open(std::uint32_t subtask = 0) {
    return sink_->open({.subtask = subtask, .tag = fmt::format("t{}", subtask), .marker = marker_});
  }
  /// What one subtask stages of these rows.
  std::vector<Committable> staged(const std::string& json) {
    auto writer = open();
    REQUIRE(writer);
    REQUIRE((*writer)->write(rows_from(schema_, json)));
    const auto committables = (*writer)->prepare(Epoch(1));
    REQUIRE(committables);
    return *committables;
  }
  Result<> commit(std::uint64_t epoch, std::uint64_t previous,
                  const std::vector<Committable>& committables) {
    return sink_->commit({marker_, Epoch(epoch), Epoch(previous)}, committables);
  }
  Sink& sink() { return *sink_; }
  const std::string& marker() const { return marker_; }

 private:
  static inline int runs_ = 0;
  const SchemaPtr schema_;
  std::shared_ptr<Sink> sink_;
  std::string marker_;
};

std::vector<std::string> table() {
  return test_postgres::rows("SELECT account, amount FROM balances ORDER BY 1, 2");
}
using Rows = std::vector<std::string>;

void fresh(const std::string& columns = "account text, amount bigint") {
  test_postgres::run({"DROP TABLE IF EXISTS balances", "DROP TABLE IF EXISTS troupe_commits",
                      "CREATE TABLE balances (" + columns + ")"});
}
void fresh_with_key() { fresh("account text PRIMARY KEY, amount bigint"); }

const Json by_account = {{"mode", "upsert"}, {"key", {"account"}}};

SchemaPtr with_weights() {
  return arrow::schema(
      {balances->field(0), balances->field(1), arrow::field("#weight", arrow::int64())});
}

/// Stages rows that have weights, as a stream of changes brings them.
std::vector<Committable> staged_changes(Ledger& ledger, const std::string& json) {
  auto writer = ledger.open();
  REQUIRE(writer);
  REQUIRE((*writer)->write(rows_from(with_weights(), json)));
  return *(*writer)->prepare(Epoch(1));
}

}  // namespace

TEST_CASE("an epoch is committed once, however often it is asked for") {
  fresh();
  Ledger ledger;
  const auto first = ledger.staged(R"([{"account": "a", "amount": 1}])");
  const auto second = ledger.staged(R"([{"account": "b", "amount": null}])");
  REQUIRE(ledger.commit(3, 0, first));
  REQUIRE(ledger.commit(3, 0, first));
  CHECK(table() == Rows{"a|1"});
  REQUIRE(ledger.commit(4, 3, second));
  REQUIRE(ledger.commit(3, 0, first));
  CHECK(table() == Rows{"a|1", "b|"});
  REQUIRE(ledger.commit(9, 4, {}));
  CHECK(test_postgres::rows("SELECT epoch, rows FROM troupe_commits") == Rows{"9|2"});
}

TEST_CASE("an epoch that does not follow the last one halts: nothing is lost or doubled") {
  fresh();
  Ledger ledger;
  const auto rows = ledger.staged(R"([{"account": "a", "amount": 1}])");
  const auto lost = ledger.commit(5, 4, rows);
  REQUIRE_FALSE(lost.ok());
  CHECK(lost.error().code == ErrorCode::conflict);
  CHECK(table().empty());
  REQUIRE(ledger.commit(4, 0, rows));
  CHECK(ledger.commit(6, 5, rows).error().code == ErrorCode::conflict);
  CHECK(table() == Rows{"a|1"});
}

TEST_CASE("many who commit the same at the same time commit it once") {
  fresh();
  Ledger ledger;
  const auto rows =
      ledger.staged(R"([{"account": "a", "amount": 1}, {"account": "b", "amount": 2}])");
  std::vector<std::thread> others;
  std::atomic<int> done{0};
  for (int i = 0; i < 6; ++i) {
    others.emplace_back([&] { done += ledger.commit(1, 0, rows).ok(); });
  }
  for (std::thread& one : others) one.join();
  CHECK(done == 6);
  CHECK(table() == Rows{"a|1", "b|2"});
}

TEST_CASE("two sinks of one database have a marker each") {
  fresh();
  Ledger one;
  Ledger other;
  const auto rows = one.staged(R"([{"account": "a", "amount": 1}])");
  REQUIRE(one.commit(1, 0, rows));
  REQUIRE(other.commit(1, 0, rows));
  CHECK(table() == Rows{"a|1", "a|1"});
}

TEST_CASE("upsert puts rows in place of those of their key; of one epoch the last counts") {
  fresh_with_key();
  Ledger ledger(by_account);
  REQUIRE(ledger.commit(1, 0, ledger.staged(R"([{"account": "a", "amount": 1}, {"account": "b",
                        "amount": 2}, {"account": "a", "amount": 3}])")));
  CHECK(table() == Rows{"a|3", "b|2"});
  REQUIRE(ledger.commit(2, 1, ledger.staged(R"([{"account": "b", "amount": null}])")));
  CHECK(table() == Rows{"a|3", "b|"});
}

TEST_CASE("weights add up: what is left of a key is put in, or the key is deleted") {
  fresh_with_key();
  Ledger ledger(by_account);
  auto commit = [&, epoch = std::uint64_t{0}](const std::string& json) mutable {
    REQUIRE(ledger.commit(epoch + 1, epoch, staged_changes(ledger, json)));
    ++epoch;
  };
  commit(
      R"([{"account": "a", "amount": 1, "#weight": 1}, {"account": "b", "amount": 2, "#weight": 1},
             {"account": "c", "amount": null, "#weight": 1}])");
  CHECK(table() == Rows{"a|1", "b|2", "c|"});
  // The new row comes before the old one is taken back; another one comes and goes at once.
  commit(
      R"([{"account": "a", "amount": 5, "#weight": 1}, {"account": "a", "amount": 1, "#weight": -1},
             {"account": "b", "amount": 2, "#weight": -1},
             {"account": "d", "amount": 9, "#weight": 1},
             {"account": "d", "amount": 9, "#weight": -1},
             {"account": "c", "amount": null, "#weight": -1},
             {"account": "c", "amount": null, "#weight": 1}])");
  CHECK(table() == Rows{"a|5", "c|"});
}

TEST_CASE("an epoch as long as one likes stages no more than the rows that are left") {
  fresh_with_key();
  Ledger ledger(by_account);
  auto writer = ledger.open();
  REQUIRE(writer);
  for (int i = 0; i < 40000; i += 2) {
    REQUIRE((*writer)->write(
        rows_from(with_weights(), fmt::format(R"([{{"account": "a", "amount": {0}, "#weight": 1}},
          {{"account": "a", "amount": {1}, "#weight": -1}}])",
                                              i, i - 2))));
  }
  const auto staged = (*writer)->prepare(Epoch(1));
  REQUIRE(staged);
  REQUIRE(staged->size() == 1);
  CHECK(staged->front().rows == 2);
  CHECK(staged->front().detail == "{}\na\t-2\t-1\na\t39998\t1\n");
  REQUIRE(ledger.commit(1, 0, *staged));
  CHECK(table() == Rows{"a|39998"});
}

TEST_CASE("a row that is taken back cannot be appended") {
  fresh();
  Ledger ledger;
  auto writer = ledger.open();
  REQUIRE(writer);
  CHECK_FALSE(
      (*writer)
          ->write(rows_from(with_weights(), R"([{"account": "a", "amount": 1, "#weight": -1}])"))
          .ok());
}

TEST_CASE("the number of the epoch is a column, if asked for") {
  fresh("account text PRIMARY KEY, amount bigint, epoch bigint");
  Json with = by_account;
  with["epoch_column"] = "epoch";
  Ledger upserts(with);
  const auto rows = R"([{"account": "a", "amount": 1}])";
  REQUIRE(upserts.commit(7, 0, upserts.staged(rows)));
  REQUIRE(upserts.commit(8, 7, upserts.staged(R"([{"account": "b", "amount": 1}])")));
  const std::string all = "SELECT account, epoch FROM balances ORDER BY 1";
  CHECK(test_postgres::rows(all) == Rows{"a|7", "b|8"});
  test_postgres::run({"TRUNCATE balances"});
  Ledger appends(Json{{"epoch_column", "epoch"}});
  REQUIRE(appends.commit(9, 0, appends.staged(rows)));
  CHECK(test_postgres::rows(all) == Rows{"a|9"});
}

TEST_CASE("many rows are staged in files that any executor reads, and clean-up removes them") {
  fresh();
  const TempDir directory;
  Ledger ledger(Json{{"staging", directory.path()}});
  auto writer = ledger.open();
  REQUIRE(writer);
  std::string json;
  constexpr int batches = 40;
  constexpr int rows = 1000;
  for (int i = 0; i < rows; ++i) {
    json += fmt::format("{}{{\"account\": \"{:060}\", \"amount\": {}}}", i ? "," : "[", i, i);
  }
  for (int i = 0; i < batches; ++i) REQUIRE((*writer)->write(rows_from(balances, json + "]")));
  const auto staged = (*writer)->prepare(Epoch(1));
  REQUIRE(staged);
  REQUIRE(ledger.commit(1, 0, *staged));
  CHECK(test_postgres::rows("SELECT count(*), sum(amount) FROM balances") ==
        Rows{fmt::format("{}|{}", batches * rows, batches * rows * (rows - 1) / 2)});
  CHECK_FALSE(std::filesystem::is_empty(directory.path()));
  REQUIRE(ledger.sink().clean_up(ledger.marker()));
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("what would fail at the commit is refused before the first row") {
  const auto refused = [](Json with = Json::object()) {
    const auto opened = Ledger(std::move(with)).open();
    return opened.ok() ? std::string("opened") : opened.error().message;
  };
  fresh();
  CHECK(refused() == "opened");
  CHECK(refused(by_account) ==
        "the table 'balances' has no primary key or unique index of exactly (account)");
  CHECK(refused({{"table", "nowhere"}}).starts_with("there is no table 'nowhere' in "));
  CHECK(refused({{"table", "public.balances"}}) == "opened");
  CHECK(refused({{"epoch_column", "epoch"}}) == "the table 'balances' has no column 'epoch'");
  fresh("account text, total bigint");
  CHECK(refused() == "the table 'balances' has no column 'amount'");
  fresh("account text, amount bigint, owner text NOT NULL");
  CHECK(refused() ==
        "the table 'balances' wants a value for 'owner', and the rows have no such column");
  fresh("account text, amount bigint, owner text NOT NULL DEFAULT 'me', id bigserial");
  CHECK(refused() == "opened");
  fresh("account text, amount bigint, PRIMARY KEY (account, amount)");
  CHECK(refused(by_account) ==
        "the table 'balances' has no primary key or unique index of exactly (account)");
  CHECK(refused({{"mode", "upsert"}, {"key", {"amount", "account"}}}) == "opened");
  fresh();
  test_postgres::run({"CREATE UNIQUE INDEX ON balances (account) WHERE amount > 0",
                      "CREATE UNIQUE INDEX ON balances (lower(account))"});
  CHECK(refused(by_account) != "opened");
  test_postgres::run({"CREATE UNIQUE INDEX ON balances (account) INCLUDE (amount)"});
  CHECK(refused(by_account) == "opened");
}

TEST_CASE("a row that the table does not take is named, and nothing of its epoch is there") {
  fresh("account text, amount bigint CHECK (amount > 0)");
  Ledger ledger;
  const auto bad =
      ledger.staged(R"([{"account": "a", "amount": 1}, {"account": "b", "amount": -1}])");
  const auto refused = ledger.commit(1, 0, bad);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::invalid_argument);
  CHECK(refused.error().message.find("the table 'balances' does not take a row") == 0);
  CHECK(refused.error().message.find("balances_amount_check") != std::string::npos);
  CHECK(refused.error().message.ends_with("the row: b, -1"));
  CHECK(table().empty());

  fresh("account int, amount bigint");
  const auto typed = ledger.commit(1, 0, ledger.staged(R"([{"account": "zwei", "amount": 1}])"));
  REQUIRE_FALSE(typed.ok());
  CHECK(typed.error().code == ErrorCode::invalid_argument);
  CHECK(typed.error().message.find("column account: \"zwei\"") != std::string::npos);

  fresh("account text PRIMARY KEY, amount bigint NOT NULL");
  Ledger upserts(by_account);
  const auto null = upserts.commit(1, 0, upserts.staged(R"([{"account": "b", "amount": null}])"));
  REQUIRE_FALSE(null.ok());
  CHECK(null.error().message.find("(b, null)") != std::string::npos);
  CHECK(test_postgres::rows("SELECT epoch FROM troupe_commits").empty());
}

TEST_CASE("a key that is null is refused with its table and column") {
  fresh_with_key();
  Ledger ledger(by_account);
  auto writer = ledger.open();
  REQUIRE(writer);
  const auto refused = (*writer)->write(rows_from(balances, R"([{"amount": 1}])"));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message == "a row for the table 'balances' has no 'account', its key");
  CHECK(refused.error().reason == ErrorReason::poison_record);
}

TEST_CASE("a database that is away is asked again; rows are there once, killed when it may be") {
  fresh();
  Ledger ledger;
  const auto first = ledger.staged(R"([{"account": "a", "amount": 1}])");
  test_postgres::server("stop");
  // Rows can be staged meanwhile, and the table is checked when they are committed.
  const auto second = ledger.staged(R"([{"account": "b", "amount": 2}])");
  const auto away = ledger.commit(1, 0, first);
  REQUIRE_FALSE(away.ok());
  CHECK(retryable(away.error().code));
  test_postgres::server("start");
  REQUIRE(ledger.commit(1, 0, first));
  test_postgres::server("kill");
  test_postgres::server("start");
  REQUIRE(ledger.commit(1, 0, first));
  REQUIRE(ledger.commit(2, 1, second));
  CHECK(table() == Rows{"a|1", "b|2"});
}

TEST_CASE("a committer who froze holds up nobody for longer than a limit, and does nothing later") {
  fresh();
  Ledger ledger;
  const auto rows = ledger.staged(R"([{"account": "a", "amount": 1}])");
  test_postgres::run(
      {"CREATE TABLE IF NOT EXISTS troupe_commits (marker text PRIMARY KEY, epoch "
       "bigint NOT NULL, rows bigint NOT NULL, committed_at timestamptz NOT NULL)"});
  auto frozen = PostgresConnection::open(test_postgres::target());
  REQUIRE(frozen);
  REQUIRE(frozen->query("SET idle_in_transaction_session_timeout = '300ms'"));
  REQUIRE(frozen->query("BEGIN"));
  REQUIRE(frozen->query("INSERT INTO troupe_commits VALUES ($1, 0, 0, now())", {ledger.marker()}));
  REQUIRE(frozen->query("INSERT INTO balances VALUES ('a', 1)"));
  REQUIRE(ledger.commit(1, 0, rows));
  CHECK_FALSE(frozen->query("COMMIT").ok());
  CHECK(table() == Rows{"a|1"});
}

TEST_CASE("a secret that is not here is named, before the first row and at the commit") {
  fresh();
  Ledger ledger;
  const auto rows = ledger.staged(R"([{"account": "a", "amount": 1}])");
  unsetenv("TROUPE_TEST_LEDGER");
  const auto opened = ledger.open();
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().message.find("TROUPE_TEST_LEDGER is not set") != std::string::npos);
  const auto committed = ledger.commit(1, 0, rows);
  REQUIRE_FALSE(committed.ok());
  CHECK(committed.error().reason == ErrorReason::node_fault);
}

TEST_CASE("upsert takes changes whose key is a part of its own; append takes none") {
  const auto planned = [](const Json& by, std::optional<std::vector<std::string>> key) {
    Json with = by;
    with["table"] = "balances";
    with["connection"] = {
        {"name", "ledger"}, {"type", "postgres"}, {"url", {{"env", "TROUPE_TEST_LEDGER"}}}};
    const Flow flow{.stream = true, .changes = true, .key = std::move(key)};
    const auto plan =
        plan_connector("write.postgres", with, {}, {{.schema = balances, .flow = flow}});
    return plan ? std::string("taken") : plan.error().path + ": " + plan.error().message;
  };
  CHECK(planned(by_account, {{"account"}}) == "taken");
  CHECK(planned(by_account, std::vector<std::string>()) == "taken");
  CHECK(planned({{"mode", "upsert"}, {"key", {"amount", "account"}}}, {{"account"}}) == "taken");
  CHECK(planned(by_account, {{"account", "amount"}}) ==
        "key: there may be several rows of one (account): its input is a stream of changes by "
        "account, amount");
  CHECK(planned(by_account, std::nullopt) ==
        "key: there may be several rows of one (account): its input is a stream of changes");
}

TEST_CASE("before anything runs a sink says what it would be refused for, and changes nothing") {
  fresh();
  Ledger good;
  CHECK(good.sink().check());
  CHECK(test_postgres::rows("SELECT to_regclass('troupe_commits')") == Rows{""});
  const auto refused = Ledger(by_account).sink().check();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().path == "key");
  const auto nowhere = Ledger(Json{{"table", "nowhere"}}).sink().check();
  REQUIRE_FALSE(nowhere.ok());
  CHECK(nowhere.error().path == "table");
  // Other nodes may have the secret, and see the database.
  Ledger elsewhere(by_account);
  unsetenv("TROUPE_TEST_LEDGER");
  CHECK(elsewhere.sink().check());
  setenv("TROUPE_TEST_LEDGER", "postgres://nobody@127.0.0.1:1/nowhere", 1);
  CHECK(elsewhere.sink().check());
}
