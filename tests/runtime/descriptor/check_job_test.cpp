// A good descriptor becomes the job that C++ would build; what is filled in keeps its type, or is a
// literal in SQL; files that are no descriptor are refused.
#include "runtime/descriptor/check_job.hpp"

#include "runtime/base/json.hpp"
#include "runtime/graph/graph_builder.hpp"
#include "runtime/graph/task_graph.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_operators.hpp"

#include <chrono>
#include <cstdlib>

using namespace troupe;
using test_operators::registry;

namespace {

const std::string good = R"(apiVersion: troupe/v1
kind: Job
metadata: {name: late-flights, namespace: demo, labels: {tier: gold}}
params:
  input: {type: uri, default: somewhere}
  columns: {type: int, default: 2, min: 1, max: 9}
mode: batch
parallelism: ${{ params.columns + 1 }}
memory: 1GiB
restart: {attempts: 3, initial: 1s}
dataflow:
  out: {op: test.write, from: sums}
  rows:
    op: test.read
    with: {path: "${{ params.input }}/x", columns: [a, b]}
  sums:
    op: test.group
    from: rows
    parallelism: "${{ params.columns }}"
    with:
      by: ${{ if(params.columns == 2, 'a', 'b') }}
)";

CheckedJob check_text(const std::string& text, const CheckOptions& options = {}) {
  return check_job("job.yaml", text, registry(), options);
}

/// "line:column code message" of every mistake.
std::string mistakes(const CheckedJob& checked) {
  std::string text;
  for (const Diagnostic& one : checked.mistakes) {
    text += fmt::format("{}:{} {} {}\n", one.position.line, one.position.column, one.code(),
                        one.message);
  }
  return text;
}

}  // namespace

TEST_CASE("YAML and C++ make the same job, down to its hash") {
  const CheckedJob checked = check_text(good);
  REQUIRE(mistakes(checked) == "");
  REQUIRE(checked.job);
  CHECK(checked.bound);

  GraphBuilder job("demo/late-flights");
  RestartSettings restart;
  restart.attempts = 3;
  restart.initial_delay = 1s;
  job.parallelism(3).memory(1 << 30).restart(restart);
  const auto rows =
      job.add("rows", "test.read", {{"columns", {"a", "b"}}, {"path", "somewhere/x"}});
  const auto sums = job.add("sums", "test.group", {{"by", "a"}}).from(rows).parallelism(2);
  job.add("out", "test.write").from(sums);
  JobGraph built = *job.build();
  REQUIRE(bind(built, registry()).empty());
  CHECK(plan_hash(checked.job->graph) == plan_hash(built));
  CHECK(checked.job->metadata.labels.at("tier") == "gold");
}

TEST_CASE("a caller's values are read as the declared type") {
  CheckOptions options;
  options.parameters = {{"columns", "4"}};
  const CheckedJob checked = check_text(good, options);
  REQUIRE(checked.job);
  CHECK(checked.job->graph.settings.parallelism == 5u);
  CHECK(checked.job->graph.find("sums")->with->at("by") == "b");

  options.parameters = {{"columns", "four"}, {"colour", "red"}};
  CHECK(mistakes(check_text(good, options)) ==
        "4:1 TR1015 -p colour: there is no such parameter\n"
        "6:3 TR1013 -p columns=four: 'four' is no int, such as 42\n");
  options.parameters = {{"columns", "10"}};
  CHECK(mistakes(check_text(good, options)) ==
        "6:3 TR1013 -p columns=10: 10 is above the maximum of 'columns', 9\n");
}

TEST_CASE("checking stops where it is told to") {
  CheckOptions options;
  const std::string text = good + "  lost: {op: test.pass, from: rows}\n";
  options.last = CheckStage::shape;
  CHECK(check_text(text, options).job);
  options.last = CheckStage::graph;
  CHECK(mistakes(check_text(text, options)) == "22:3 TR1105 nothing reads the rows of 'lost'\n");
}

TEST_CASE("offline, a source that is not there silences only what reads it") {
  CheckOptions options;
  options.parameters = {{"input", "missing"}};
  const std::string text = R"(apiVersion: troupe/v1
kind: Job
metadata: {name: a}
dataflow:
  gone: {op: test.read, with: {path: missing}}
  below: {op: test.group, from: gone, with: {by: what}}
  there: {op: test.read}
  sums: {op: test.group, from: there, with: {by: nope}}
  out1: {op: test.write, from: below}
  out2: {op: test.write, from: sums}
)";
  options.parameters.clear();
  CHECK(mistakes(check_text(text, options)) ==
        "5:38 TR1301 no such file: missing\n8:50 TR1201 no column 'nope'\n");
  options.last = offline_stage;
  CHECK(mistakes(check_text(text, options)) == "8:50 TR1201 no column 'nope'\n");
}

namespace {

/// A job that sends rows over a connection, with these lines at its top.
std::string sending(const std::string& lines, const std::string& connection = "ledger") {
  return "apiVersion: troupe/v1\nkind: Job\nmetadata: {name: a}\n" + lines +
         "dataflow:\n  rows: {op: test.read}\n  out: {op: test.send, from: rows, with: "
         "{connection: " +
         connection + "}}\n";
}

const std::string ledger = R"(params:
  host: {type: string, default: db}
secrets:
  url: {env: LEDGER_URL}
  password: {file: /run/secrets/ledger}
connections:
  ledger: {type: postgres, url: "postgres://me:${{ secrets.password }}@${{ params.host }}/x"}
  whole: {type: postgres, url: "${{secrets.url}}"}
)";

}  // namespace

TEST_CASE("an operator gets what its connection says, with references in place of secrets") {
  const CheckedJob checked = check_text(sending(ledger));
  REQUIRE(mistakes(checked) == "");
  CHECK(checked.job->graph.find("out")->with->at("connection") ==
        Json{{"name", "ledger"},
             {"type", "postgres"},
             {"url", {"postgres://me:", {{"file", "/run/secrets/ledger"}}, "@", "db", "/x"}}});
  const CheckedJob whole = check_text(sending(ledger, "whole"));
  REQUIRE(mistakes(whole) == "");
  CHECK(whole.job->graph.find("out")->with->at("connection").at("url") ==
        Json{{"env", "LEDGER_URL"}});

  GraphBuilder job("a");
  const auto rows = job.add("rows", "test.read");
  job.add("out", "test.send",
          {{"connection",
            {{"name", "whole"}, {"type", "postgres"}, {"url", {{"env", "LEDGER_URL"}}}}}})
      .from(rows);
  JobGraph built = *job.build();
  REQUIRE(bind(built, registry()).empty());
  CHECK(plan_hash(whole.job->graph) == plan_hash(built));
}

TEST_CASE("a mistake in a connection is told once, at its place") {
  const auto told = [](const std::string& lines, const std::string& connection = "ledger") {
    return mistakes(check_text(sending(lines, connection)));
  };
  CHECK(told(ledger, "leger") == "14:55 TR1108 there is no connection 'leger'\n");
  CHECK(told("") == "6:55 TR1108 there is no connection 'ledger'\n");
  CHECK(told("secrets: {url: {env: A, file: /b}}\nconnections: {ledger: {type: postgres, url: "
             "\"${{ secrets.url }}\"}}\n") ==
        "4:16 TR1018 a secret is {env: NAME} or {file: PATH}: where it is found, not what it is\n");
  CHECK(told("secrets: {url: hunter2}\nconnections: {ledger: {type: postgres, url: x}}\n") ==
        "4:16 TR1018 a secret is {env: NAME} or {file: PATH}: where it is found, not what it is\n");
  CHECK(told("connections: {ledger: {type: postgres, url: \"${{ secrets.url }}\"}}\n") ==
        "4:50 TR1017 there is no 'secrets.url'\n");
  CHECK(told("secrets: {url: {env: A}}\nconnections: {ledger: {type: postgres, url: \"${{ "
             "upper(secrets.url) }}\"}}\n") ==
        "5:45 TR1018 a secret stands by itself: ${{ secrets.NAME }}\n");
  CHECK(told("connections: {ledger: {type: postgres, url: \"postgres://a:b@c/d\"}}\n") ==
        "4:45 TR1018 a password is not written in a job\n");
  CHECK(told("connections: {ledger: {type: postgres, url: x, pasword: y}}\n") ==
        "4:48 TR1018 a connection of type postgres has no 'pasword'\n");
  CHECK(told("connections: {ledger: {type: kafka}}\n") ==
        "4:30 TR1018 'kafka' is no type of a connection\n");
  CHECK(told("connections: {ledger: {type: postgres, url: x, name: y}}\n") ==
        "4:48 TR1007 unknown key 'name'\n");
  CHECK(told("connections: [ledger]\n", "ledger").starts_with("4:14 TR1009"));
}

TEST_CASE("no other part of a job may use a secret") {
  const std::string text = R"(apiVersion: troupe/v1
kind: Job
metadata: {name: a}
secrets: {path: {env: A}}
dataflow:
  rows: {op: test.read, with: {path: "${{ secrets.path }}"}}
  out: {op: test.write, from: rows}
)";
  const CheckedJob checked = check_text(text);
  CHECK(mistakes(checked) == "6:43 TR1017 there is no 'secrets.path'\n");
  CHECK(checked.mistakes.front().hint.starts_with("secrets are for the texts of 'connections:'"));
}

TEST_CASE("a small job is checked in a fraction of 5 ms") {
  // A sanitizer's build is so many times slower.
  const char* slowness = std::getenv("TROUPE_SLOWNESS");
  const double bound = 5 * (slowness == nullptr ? 1 : std::atof(slowness));
  check_text(good);
  const auto start = std::chrono::steady_clock::now();
  constexpr int times = 50;
  for (int i = 0; i < times; ++i) REQUIRE(check_text(good).job);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  CHECK(took.count() / times < bound);
}
