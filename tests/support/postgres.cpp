#include "tests/support/postgres.hpp"

#include "runtime/base/ensure.hpp"

#include <cstdlib>

namespace troupe::test_postgres {
namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  ENSURE(value != nullptr, "{} is not set: run the test with tests/support/postgres.py run", name);
  return value;
}

}  // namespace

PostgresTarget target() { return {.url = from_environment("TROUPE_POSTGRES_URL")}; }

void server(const std::string& action) {
  const std::string command =
      fmt::format("python3 '{}' {} '{}'", from_environment("TROUPE_POSTGRES_TOOL"), action,
                  from_environment("TROUPE_POSTGRES"));
  const int code = std::system(command.c_str());
  ENSURE(code == 0, "`{}` ended with {}", command, code);
}

void run(const std::vector<std::string>& statements) {
  auto connection = PostgresConnection::open(target());
  ENSURE(connection.ok(), "{}", connection.error().to_string());
  for (const std::string& sql : statements) {
    const auto done = connection->query(sql);
    ENSURE(done.ok(), "{}: {}", sql, done.error().to_string());
  }
}

std::vector<std::string> rows(const std::string& query) {
  auto connection = PostgresConnection::open(target());
  ENSURE(connection.ok(), "{}", connection.error().to_string());
  const auto answer = connection->query(query);
  ENSURE(answer.ok(), "{}: {}", query, answer.error().to_string());
  std::vector<std::string> lines;
  for (int row = 0; row < answer->count(); ++row) {
    std::string line = answer->text(row, 0);
    for (int column = 1; column < answer->columns(); ++column)
      line += "|" + answer->text(row, column);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace troupe::test_postgres
