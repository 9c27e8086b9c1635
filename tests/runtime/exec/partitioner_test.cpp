// The hash exchange: each row goes to the subtask that owns the key group of its key, whatever the
// number of subtasks, and rows of one subtask keep their order.
#include "runtime/exec/partitioner.hpp"

#include "runtime/data/key_group.hpp"
#include "runtime/data/key_hash.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"

#include <arrow/type.h>

using namespace troupe;

TEST_CASE("a row goes to the owner of its key, and rows keep their order") {
  const auto schema =
      arrow::schema({arrow::field("n", arrow::int64()), arrow::field("s", arrow::utf8())});
  std::string json = "[";
  for (int i = 0; i < 500; ++i) {
    json += fmt::format(R"({}{{"n": {}, "s": {}}})", i ? "," : "", i,
                        i % 9 ? fmt::format("\"{}\"", i % 70) : "null");
  }
  const Batch batch = rows_from(schema, json + "]");
  std::vector<std::uint64_t> hashes;
  REQUIRE(hash_keys(batch, {1}, hashes));
  const auto all = lines_of({batch});
  for (std::uint32_t partitions = 1; partitions <= 9; ++partitions) {
    INFO(partitions << " partitions");
    std::vector<std::vector<std::string>> expected(partitions);
    for (std::size_t row = 0; row < all.size(); ++row) {
      expected[owner_of(key_group_of(hashes[row]), partitions)].push_back(all[row]);
    }
    const auto parts = partition_by_key(batch, {1}, partitions).value();
    REQUIRE(parts.size() == partitions);
    for (std::uint32_t i = 0; i < partitions; ++i) {
      CHECK((parts[i] ? lines_of({parts[i]}) : std::vector<std::string>()) == expected[i]);
    }
  }
}

TEST_CASE("all rows of one key are one part, and the others are empty") {
  const auto schema = arrow::schema({arrow::field("n", arrow::int64())});
  const Batch batch = rows_from(schema, R"([{"n": 7}, {"n": 7}, {"n": 7}])");
  for (const std::uint32_t partitions : {2, 3, 8}) {
    std::int64_t rows = 0;
    std::uint32_t filled = 0;
    const auto parts = partition_by_key(batch, {0}, partitions).value();
    for (const Batch& part : parts) {
      rows += part.rows();
      filled += part.rows() > 0 ? 1 : 0;
    }
    CHECK(rows == 3);
    CHECK(filled == 1);
  }
}
