#pragma once

#include "runtime/db/postgres.hpp"

#include <string>
#include <vector>

namespace troupe::test_postgres {

/// The server beside which this test runs (`postgres.py run`); the test fails where there is none.
PostgresTarget target();
/// Does to it what `postgres.py` knows: start, stop, kill, freeze or thaw.
void server(const std::string& action);
/// Statements without parameters, in order, on a connection of their own.
void run(const std::vector<std::string>& statements);
/// The rows of a query, a text each, with '|' between the columns.
std::vector<std::string> rows(const std::string& query);

}  // namespace troupe::test_postgres
