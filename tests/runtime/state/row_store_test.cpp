// Rows in memory: random changes, lookups, expiry and compaction beside a fold over a map; what is
// handed over at a barrier makes, written, read and taken in again, the same table; memory is
// reserved before it is used, and comes back.
#include "runtime/state/row_store.hpp"

#include "runtime/data/memory_budget.hpp"
#include "runtime/os/random.hpp"
#include "runtime/state/snapshot_writer.hpp"
#include "runtime/state/state_reader.hpp"
#include "tests/runtime/state/state_oracle.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sim_disk.hpp"

#include <algorithm>
#include <set>

using namespace troupe;
using namespace troupe::state_test;

namespace {

/// The rows at these places, with the weights that they have come to.
std::vector<std::string> lines_at(const RowStore& store, const std::vector<RowPlace>& places) {
  auto lines = lines_of({store.rows(places).value()});
  for (std::size_t i = 0; i < places.size(); ++i) {
    lines[i] =
        lines[i].substr(0, lines[i].rfind('|')) + fmt::format("|{}", store.weight(places[i]));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

class Life {
 public:
  Life(std::uint64_t seed, std::shared_ptr<const StateTable> table)
      : random_(seed), table_(std::move(table)), store_(new RowStore(table_, &memory_)) {}

  void step() {
    std::vector<Row> rows(1 + random_.below(random_.chance(1, 10) ? 400 : 20));
    for (Row& row : rows) row = random_row();
    REQUIRE(store_->change(batch_of(rows, true)));
    for (const Row& row : rows) oracle_.add(*table_, row);
    changed_ += rows.size();
    if (random_.chance(1, 2)) watermark_ += static_cast<std::int64_t>(random_.below(5));
    store_->expire(at(watermark_));
    for (bool more = true; more && random_.chance(3, 4);) {
      const std::size_t pieces = store_->pieces();
      more = store_->compact().value();
      joins_ += store_->pieces() + 1 < pieces ? 1 : 0;
    }
    if (random_.chance(1, 3)) barrier();
    if (random_.chance(1, 8)) check();
    if (random_.chance(1, 20)) restart();
  }

  void check() {
    CHECK(lines_at(*store_, store_->all()) == lines(oracle_.rows(*table_, watermark_), true));
    check_keys();
    CHECK(memory_.used() == store_->bytes());
  }

  /// Every key there can be, with its rows.
  void check_keys() {
    std::vector<Row> keys;
    for (int text = -1; text < texts; ++text) {
      for (int number = 0; number < numbers; ++number) {
        keys.emplace_back();
        if (text >= 0) keys.back().text = text;
        keys.back().number = number;
      }
    }
    std::vector<RowPlace> found;
    REQUIRE(store_->find(batch_of(keys, true), table_->key_columns(), found));
    const auto all = oracle_.rows(*table_, watermark_);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      std::vector<RowPlace> places;
      for (RowPlace place = found[i]; place; place = store_->older(place)) places.push_back(place);
      std::vector<Row> expected;
      for (const Row& row : all) {
        if (row.key() == keys[i].key()) expected.push_back(row);
      }
      REQUIRE(lines_at(*store_, places) == lines(expected, true));
    }
  }

  /// Everything expires.
  void end() {
    store_->expire(at(std::int64_t{1} << 40));
    while (store_->compact().value()) {
    }
  }
  const RowStore& store() const { return *store_; }
  std::size_t most_pieces() const { return most_pieces_; }
  int joins() const { return joins_; }

 private:
  static constexpr int texts = 80, numbers = 4;

  Row random_row() {
    Row row;
    if (!random_.chance(1, 20)) row.text = static_cast<int>(random_.below(texts));
    row.number = static_cast<int>(random_.below(numbers));
    row.value = static_cast<std::int64_t>(random_.below(3));
    row.time =
        watermark_ - 1 + static_cast<std::int64_t>(random_.below(random_.chance(1, 2) ? 500 : 30));
    row.weight = random_.chance(1, 3) ? -1 : 1;
    return row;
  }

  void barrier() {
    most_pieces_ = std::max(most_pieces_, store_->pieces());
    const auto changes = store_->take_changes();
    std::size_t rows = 0;
    for (const Batch& batch : changes) rows += static_cast<std::size_t>(batch.rows());
    CHECK(rows == std::exchange(changed_, 0));
    const auto epoch = Epoch(files_.size() + 1);
    const auto writer =
        SnapshotWriter::create(disk_, {"/state", fmt::format("{}", epoch), epoch, epoch}).value();
    REQUIRE(writer->write("op", *table_, changes));
    files_.push_back(writer->finish().value());
  }

  void restart() {
    barrier();
    store_.reset();
    CHECK(memory_.used() == 0);
    store_ = std::make_unique<RowStore>(table_, &memory_);
    const auto set = SnapshotSet::open(disk_, "/state", {files_}).value();
    StateQuery query{{"op", table_}, all_key_groups()};
    query.scope.watermark = at(watermark_);
    const auto reader = StateReader::open(set, query).value();
    const auto batches = batches_of(*reader).value();
    for (const Batch& batch : batches) REQUIRE(store_->restore(batch));
    store_->expire(at(watermark_));
    CHECK(store_->take_changes().empty());
    check();
  }

  Random random_;
  sim::Disk disk_;
  MemoryBudget memory_{std::int64_t{1} << 30};
  const std::shared_ptr<const StateTable> table_;
  std::unique_ptr<RowStore> store_;
  Oracle oracle_;
  SnapshotFiles files_;
  std::int64_t watermark_ = 100;
  std::size_t changed_ = 0;
  std::size_t most_pieces_ = 0;
  int joins_ = 0;
};

std::vector<std::shared_ptr<const StateTable>> stored_tables() {
  return {table("last", true, {"s", "n"}, StateMerge::last, "t"),
          table("weights", true, {"s", "n"}, StateMerge::weights, "t")};
}

}  // namespace

TEST_CASE("any life of a table in memory is the fold of its changes") {
  for (const auto& table : stored_tables()) {
    int joins = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      INFO(table->name << ", seed " << seed);
      Life life(seed, table);
      for (int i = 0; i < 150; ++i) life.step();
      life.check();
      CHECK(life.most_pieces() <= 2 * RowStore::sparse_pieces_max);
      joins += life.joins();
      life.end();
      CHECK(life.store().size() == 0);
      CHECK(life.store().pieces() == 0);
    }
    CHECK(joins >= 3);
  }
}

TEST_CASE("rows are refused before they are taken, and their memory comes back") {
  MemoryBudget memory(std::int64_t{1} << 20);
  RowStore store(table("rows", true, {"n"}, StateMerge::last), &memory);
  std::vector<Row> rows(1000);
  int number = 0;
  std::int64_t taken = 0;
  for (;;) {
    for (Row& row : rows) row.number = number++;
    const auto changed = store.change(batch_of(rows, true));
    if (!changed) {
      CHECK(changed.error().code == ErrorCode::unavailable);
      CHECK(changed.error().message == "no memory for 1000 rows of the state table 'rows'");
      break;
    }
    taken += 1000;
  }
  CHECK(taken > 1000);
  CHECK(store.size() == taken);
  std::int64_t handed = 0;
  for (const Batch& batch : store.take_changes()) handed += batch.rows();
  CHECK(handed == taken);
  CHECK(memory.used() <= memory.bytes_max());
  const std::int64_t full = memory.used();
  // All but a few are deleted, in small batches that fit.
  for (int i = 0; i < taken - 10; i += 10) {
    std::vector<Row> gone(10);
    for (int j = 0; j < 10; ++j)
      gone[static_cast<std::size_t>(j)] = {.number = i + j, .weight = -1};
    REQUIRE(store.change(batch_of(gone, true)));
  }
  CHECK(store.size() == 10);
  CHECK(memory.used() < full * 3 / 5);  // the index keeps the segments it has
}
