// Public files that are damaged, encrypted or empty of sense: each is refused as its user's error,
// at the first attempt (by its code), with its name and the place, where a job is checked as well
// as where it reads.
#include "runtime/base/json.hpp"
#include "runtime/formats/text_blocks.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace troupe;

namespace {

std::string damaged(const std::string& name) { return TROUPE_TEST_DATA "/damaged/" + name; }

/// The error of planning the source, or else of reading it.
Error refusal(const std::string& op, const std::string& path) {
  const auto plan = plan_connector(op, {{"path", path}});
  if (!plan) return plan.error();
  const auto rows = rows_of(*plan);
  REQUIRE_FALSE(rows);
  return rows.error();
}

struct Case {
  std::string op;
  std::string file;
  ErrorCode code;
  std::vector<std::string> said;
};

}  // namespace

TEST_CASE("damaged files are refused by name and place, as what no attempt makes better") {
  const std::vector<Case> cases = {
      {"read.parquet",
       "ARROW-GH-41321.parquet",
       ErrorCode::invalid_argument,
       {"is damaged: row group 0, column '", "bit_width 254"}},
      {"read.parquet",
       "ARROW-GH-45185.parquet",
       ErrorCode::invalid_argument,
       {"is damaged: row group 0, column 'x': ", "repetition level"}},
      {"read.parquet",
       "encrypt_columns_plaintext_footer.parquet.encrypted",
       ErrorCode::unsupported,
       {"_field': it is encrypted"}},
      {"read.parquet",
       "group-without-leaves.parquet",
       ErrorCode::unsupported,
       {"column 's': it is a group without columns"}},
      {"read.ipc",
       "length-275-gigabytes.arrow",
       ErrorCode::invalid_argument,
       {"is damaged: column 4: the name 'list<encod\\x", "not in UTF-8"}},
      {"read.jsonl", "lonely-null.json", ErrorCode::invalid_argument, {", line 1: ", "no object"}}};
  for (const Case& one : cases) {
    const Error error = refusal(one.op, damaged(one.file));
    INFO(one.file << ": " << error.to_string());
    CHECK(error.code == one.code);
    CHECK(error.message.find(damaged(one.file)) != std::string::npos);
    for (const std::string& said : one.said) CHECK(error.message.find(said) != std::string::npos);
    CHECK_FALSE(error.hint.empty());
  }
}

TEST_CASE("an encrypted column is refused where the job is checked") {
  const std::string path = damaged("encrypt_columns_plaintext_footer.parquet.encrypted");
  const auto all = plan_connector("read.parquet", {{"path", path}});
  REQUIRE_FALSE(all);
  CHECK(all.error().path == "path");
  CHECK(all.error().hint.find("columns") != std::string::npos);
}

TEST_CASE("half a byte order mark, and nesting without an end, are no JSON lines") {
  TempDir dir;
  const std::string path = dir.path() + "/x.jsonl";
  const auto refused = [&](const std::string& text) {
    REQUIRE(write_atomically(system_files(), path, text));
    const Error error = refusal("read.jsonl", path);
    INFO(error.to_string());
    CHECK(error.code == ErrorCode::invalid_argument);
    return error.message.substr(error.message.find(path) + path.size());
  };
  CHECK(refused("\xEF\xBB{}") == "', line 1: JSON parse error: this is no object");
  CHECK(refused("{\"a\": 1}\n\nnull\n") == "', line 3: null is no object");
  CHECK(refused("{\"a\": 1} true\n") == "', line 1: JSON parse error: this is no object");
  CHECK(refused("{\"a\": \"}\" } [1]\n") == "', line 1: JSON parse error: this is no object");
  CHECK(refused("{}\n\n{\"a\": 1} {\"a\": 2}\n{} 7\n") ==
        "', line 4: JSON parse error: this is no object");
  const std::string deep(100'000, '[');
  CHECK(refused("{\"a\": 1}\n{\"a\": " + deep + "\n").find("nested too deeply") !=
        std::string::npos);
  REQUIRE(write_atomically(system_files(), path, "{\"a\": \"}]\\\\\\\"}\"}\n"));
  CHECK(rows_of(*plan_connector("read.jsonl", {{"path", path}}))->front().rows() == 1);
}

TEST_CASE("a row without an end is its user's error, with the line it begins in") {
  TempDir dir;
  const std::string path = dir.path() + "/x.csv";
  REQUIRE(write_atomically(system_files(), path,
                           "a,b\n1,2\n3,\"" + std::string(TextBlocks::row_bytes_max, 'x')));
  const Error error = refusal("read.csv", path);
  INFO(error.to_string());
  CHECK(error.code == ErrorCode::invalid_argument);
  CHECK(error.message.find(path + "', line 3") != std::string::npos);
}

TEST_CASE("a compressed text that is cut short is damaged, after the line that could be read") {
  TempDir dir;
  const std::string path = dir.path() + "/x.csv.gz";
  // "a\n1\n" by gzip, without its last eight bytes.
  const std::string bytes("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x4b\xe4\x32\xe4\x02\x00", 16);
  REQUIRE(write_atomically(system_files(), path, bytes));
  const Error error = refusal("read.csv", path);
  INFO(error.to_string());
  CHECK(error.code == ErrorCode::invalid_argument);
  CHECK(error.message.find(path + "' is damaged: ") != std::string::npos);
}
