// What a job says of a secret is where it is found; what it is, only `reveal` tells. A connection
// that has a password written in it is refused, whoever wrote it.
#include "runtime/base/json.hpp"
#include "runtime/secrets/connection.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sim_disk.hpp"

#include <cstdlib>

using namespace troupe;

namespace {

SecretText text(const Json& written) {
  const auto parsed = SecretText::parse(written);
  REQUIRE(parsed);
  return *parsed;
}

/// "path: message" of what is wrong with a connection; "" where it is good.
std::string wrong(const Json& written) {
  const auto made = Connection::parse(written);
  return made ? "" : fmt::format("{}: {}", made.error().path, made.error().message);
}

}  // namespace

TEST_CASE("a secret is three stars wherever it is formatted, and goes when it is moved") {
  Secret secret("hunter2");
  CHECK(fmt::format("{}", secret) == "***");
  const Secret moved = std::move(secret);
  CHECK(moved.reveal() == "hunter2");
  CHECK(secret.empty());
}

TEST_CASE("a text is looked up when it is needed, part by part") {
  sim::Disk disk(1);
  REQUIRE(disk.make_directories("/run/secrets"));
  REQUIRE(write_atomically(disk, "/run/secrets/password", "hunter2\n"));
  setenv("TROUPE_TEST_SECRET", "from here", 1);
  const Json written = {"a ", {{"env", "TROUPE_TEST_SECRET"}}, {{"file", "/run/secrets/password"}}};
  CHECK(text(written).resolve(disk)->reveal() == "a from herehunter2");
  CHECK(text(written).to_json() == written);
  CHECK(text("plain").to_json() == Json("plain"));

  // A new password counts at once.
  REQUIRE(write_atomically(disk, "/run/secrets/password", "other"));
  CHECK(text(written).resolve(disk)->reveal() == "a from hereother");
}

TEST_CASE("a secret that is not here is named, and nothing of another one is told") {
  sim::Disk disk(1);
  REQUIRE(disk.make_directories("/run"));
  REQUIRE(write_atomically(disk, "/run/empty", "\n"));
  unsetenv("TROUPE_TEST_ABSENT");
  const auto connection = Connection::parse(
      {{"name", "ledger"}, {"type", "postgres"}, {"url", {{"env", "TROUPE_TEST_ABSENT"}}}});
  REQUIRE(connection);
  const auto absent = connection->resolve("url", disk);
  REQUIRE_FALSE(absent.ok());
  CHECK(absent.error().code == ErrorCode::not_found);
  CHECK(absent.error().message ==
        "'url' of the connection 'ledger': the environment variable TROUPE_TEST_ABSENT is not set "
        "where it is needed");
  CHECK(connection->resolve("password", disk)->empty());
  CHECK_FALSE(text({{"file", "/run/nowhere"}}).resolve(disk).ok());
  CHECK_FALSE(text({{"file", "/run/empty"}}).resolve(disk).ok());
}

TEST_CASE("a reference is one variable or one file from the root") {
  for (const Json& written :
       {Json{{"env", "A"}, {"file", "/b"}}, Json{{"vault", "x"}}, Json::object(), Json("text"),
        Json{{"env", "not a name"}}, Json{{"env", ""}}, Json{{"env", "1A"}}, Json{{"env", 5}},
        Json{{"file", "relative"}}, Json{{"file", ""}}}) {
    INFO(written.dump());
    CHECK_FALSE(parse_secret_reference(written).ok());
  }
  CHECK(parse_secret_reference({{"file", "/a"}})->name == "/a");
}

TEST_CASE("a connection has the keys of its type, and no password in plain sight") {
  const Json secret = {{"env", "PW"}};
  const auto with = [](Json url, Json more = Json::object()) {
    more["type"] = "postgres";
    more["url"] = std::move(url);
    return more;
  };
  CHECK(wrong(with("postgres://me@db/x")) == "");
  CHECK(wrong(with("postgres://me@db:5432/x?host=/tmp")) == "");
  CHECK(wrong(with("postgres://db:5432/x")) == "");
  CHECK(wrong(with("host=db user=me")) == "");
  CHECK(wrong(with(secret, {{"password", secret}})) == "");
  CHECK(wrong(with({"postgres://me:", secret, "@db/x"})) == "");
  CHECK(wrong(with({"postgres://db/x?password=", secret})) == "");

  const std::string shown = ": a password is not written in a job";
  CHECK(wrong(with("postgres://me:hunter2@db/x")) == "url" + shown);
  CHECK(wrong(with({"postgres://me:a", secret, "@db/x"})) == "url" + shown);
  CHECK(wrong(with("postgres://db/x?a=b&password=hunter2")) == "url" + shown);
  CHECK(wrong(with("host=db password=hunter2 user=me")) == "url" + shown);
  CHECK(wrong(with("postgres://db/x", {{"password", "hunter2"}})) == "password" + shown);
  CHECK(wrong(with("postgres://db/x", {{"password", {"a", secret}}})) == "password" + shown);

  CHECK(wrong({{"type", "postgres"}}) == ": a connection of type postgres needs 'url'");
  CHECK(wrong(with("postgres://db", {{"pasword", secret}})) ==
        "pasword: a connection of type postgres has no 'pasword'");
  CHECK(wrong({{"type", "postgress"}}) == "type: 'postgress' is no type of a connection");
  CHECK(wrong(Json("ledger")) == ": a connection is a map with 'type': postgres");
}
