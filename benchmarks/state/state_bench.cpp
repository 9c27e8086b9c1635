// What state costs on its way to disk and back: rows per second of CPU to write a snapshot, to
// restore from it, to merge files of several epochs; bytes a row. Syncs are wall time, told apart.
#include "runtime/state/merge_snapshots.hpp"
#include "runtime/state/row_store.hpp"
#include "runtime/state/snapshot_writer.hpp"
#include "runtime/state/state_reader.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <functional>
#include <random>

using namespace troupe;

namespace {

constexpr std::int64_t batch_rows = 8192;
constexpr int batches = 256;  // 2 M rows
constexpr double rows_all = static_cast<double>(batch_rows) * batches;

SchemaPtr schema() {
  return arrow::schema({arrow::field("id", arrow::int64()), arrow::field("amount", arrow::int64()),
                        arrow::field("price", arrow::float64()),
                        arrow::field("text", arrow::utf8()),
                        arrow::field("#time", arrow::timestamp(arrow::TimeUnit::MICRO)),
                        arrow::field("#weight", arrow::int64())});
}

/// Rows of `keys` different ids, with a text of 32 bytes that no codec can pack.
Batch some_rows(std::mt19937_64& random, std::uint64_t keys) {
  arrow::Int64Builder id, amount, weight;
  arrow::DoubleBuilder price;
  arrow::StringBuilder text;
  arrow::TimestampBuilder time(arrow::timestamp(arrow::TimeUnit::MICRO),
                               arrow::default_memory_pool());
  for (std::int64_t i = 0; i < batch_rows; ++i) {
    (void)id.Append(static_cast<std::int64_t>(random() % keys));
    (void)amount.Append(static_cast<std::int64_t>(random() % 1000));
    (void)price.Append(static_cast<double>(random() % 100000) / 100);
    (void)text.Append(fmt::format("{:016x}{:016x}", random(), random()));
    (void)time.Append(1'700'000'000'000'000 + static_cast<std::int64_t>(random() % 1'000'000'000));
    (void)weight.Append(1);
  }
  return Batch(arrow::RecordBatch::Make(
      schema(), batch_rows,
      {id.Finish().ValueOrDie(), amount.Finish().ValueOrDie(), price.Finish().ValueOrDie(),
       text.Finish().ValueOrDie(), time.Finish().ValueOrDie(), weight.Finish().ValueOrDie()}));
}

void report(const std::string& name, double rows, const std::function<void()>& run) {
  double best = 1e9, best_wall = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto from = std::chrono::steady_clock::now();
    const std::clock_t begin = std::clock();
    run();
    best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    best_wall = std::min(
        best_wall, std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count());
  }
  fmt::print("{:40} {:7.2f} M rows/s of CPU  {:7.0f} ms wall\n", name, rows / best / 1e6,
             best_wall * 1e3);
}

SnapshotFile write(const std::string& directory, const OperatorTable& table, int number,
                   const std::vector<Batch>& rows) {
  const auto epoch = Epoch(static_cast<std::uint64_t>(number));
  const auto writer =
      SnapshotWriter::create(system_files(),
                             {directory, fmt::format("bench-{}", number), epoch, epoch})
          .value();
  writer->write(table.op, *table.table, rows).value();
  return writer->finish().value();
}

std::int64_t read(const std::string& directory, const OperatorTable& table,
                  const SnapshotFiles& list) {
  const auto set = SnapshotSet::open(system_files(), directory, {list}).value();
  const auto reader = StateReader::open(set, {table, all_key_groups()}).value();
  std::int64_t rows = 0;
  while (const Batch batch = reader->next().value()) rows += batch.rows();
  return rows;
}

void measure(const std::string& directory, StateMerge merge, const std::vector<Batch>& rows) {
  StateTable declared{"rows", schema(), {"id"}, merge};
  const OperatorTable table{"op", std::make_shared<StateTable>(declared)};
  const std::string name = to_string(merge);
  SnapshotFile file;
  report(name + ": write one file", rows_all, [&] { file = write(directory, table, 0, rows); });
  double memory = 0;
  for (const Batch& batch : rows) memory += static_cast<double>(batch.bytes());
  fmt::print("{:40} {:7.1f} bytes a row in memory, {:.1f} in the file\n", "", memory / rows_all,
             static_cast<double>(file.bytes) / rows_all);
  std::int64_t left = 0;
  report(name + ": restore from it", rows_all, [&] { left = read(directory, table, {file}); });
  fmt::print("{:40} {:7} rows left\n", "", left);

  SnapshotFiles epochs;
  for (int i = 0; i < 16; ++i) {
    const auto begin = rows.begin() + i * batches / 16;
    epochs.push_back(write(directory, table, i + 1, {begin, begin + batches / 16}));
  }
  report(name + ": restore from 16 files", rows_all,
         [&] { left = read(directory, table, epochs); });
  report(name + ": merge 16 files", rows_all, [&] {
    SnapshotMerge all{"bench-merged", {table}, all_key_groups(), true};
    file = merge_snapshots(system_files(), directory, epochs, all).value();
  });
  fmt::print("{:40} {:7} rows in {} bytes\n", "", file.rows, file.bytes);
}

/// Rows in memory: taken in, found, expired; and the batch that took longest.
void measure_store(StateMerge merge, const std::vector<Batch>& rows) {
  StateTable declared{"rows", schema(), {"id"}, merge, StateOwner::key_groups, "#time"};
  const auto table = std::make_shared<StateTable>(declared);
  const std::string name = fmt::format("{} in memory", to_string(merge));
  std::unique_ptr<RowStore> store;
  double longest = 1e9;
  report(name + ": change", rows_all, [&] {
    store = std::make_unique<RowStore>(table);
    double worst = 0;
    for (const Batch& batch : rows) {
      const std::clock_t begin = std::clock();
      store->change(batch).value();
      store->compact().value();
      worst = std::max(worst, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    }
    longest = std::min(longest, worst);
  });
  double memory = 0;
  for (const Batch& batch : rows) memory += static_cast<double>(batch.bytes());
  fmt::print(
      "{:40} {:7.2f} ms the longest batch of 8,192, {} rows left, {:.1f} bytes each, {:.1f} bytes "
      "came\n",
      "", longest * 1e3, store->size(),
      static_cast<double>(store->bytes()) / static_cast<double>(store->size()), memory / rows_all);
  std::vector<RowPlace> found;
  report(name + ": find", rows_all, [&] {
    for (const Batch& batch : rows) store->find(batch, {0}, found).value();
  });
  std::vector<RowPlace> places = store->all();
  places.resize(std::min<std::size_t>(places.size(), 1 << 16));
  report(name + ": rows at places", static_cast<double>(places.size()),
         [&] { store->rows(places).value(); });
  const std::clock_t begin = std::clock();
  store->expire(EventTime(EventTime::duration(1'700'000'500'000'000)));
  int steps = 0;
  double worst = 0;
  for (bool more = true; more; ++steps) {
    const std::clock_t from = std::clock();
    more = store->compact().value();
    worst = std::max(worst, static_cast<double>(std::clock() - from) / CLOCKS_PER_SEC);
  }
  fmt::print("{:40} {} steps in {:.0f} ms, the longest {:.2f} ms; {} rows left in {} pieces\n",
             name + ": expire half", steps,
             static_cast<double>(std::clock() - begin) * 1e3 / CLOCKS_PER_SEC, worst * 1e3,
             store->size(), store->pieces());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string directory = argc > 1 ? argv[1] : "/tmp/troupe-bench-state";
  std::mt19937_64 random(7);
  std::vector<Batch> rows;
  for (int i = 0; i < batches; ++i) rows.push_back(some_rows(random, 1'000'000));
  measure_store(StateMerge::last, rows);
  measure_store(StateMerge::weights, rows);
  measure(directory, StateMerge::last, rows);
  measure(directory, StateMerge::weights, rows);
  report("a small epoch: 8,192 rows, written", batch_rows, [&] {
    write(directory, {"op", std::make_shared<StateTable>(StateTable{"rows", schema(), {"id"}})}, 99,
          {rows[0]});
  });
  system_files().remove_all(directory).value();
}
