// Partition files: what was written is read, partition by partition, whatever the batches and
// encodings; a file that was torn or changed anywhere is refused with its name, as its node's
// fault; the hash of a partition depends on its rows and on nothing else.
#include "runtime/base/node_fault.hpp"
#include "runtime/data/take.hpp"
#include "runtime/spill/partition_reader.hpp"
#include "runtime/spill/partition_writer.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_files.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/sim_disk.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/array/array_base.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

using namespace troupe;

namespace {

const SchemaPtr schema = arrow::schema(
    {arrow::field("n", arrow::int64()), arrow::field("s", arrow::utf8()),
     arrow::field("d", arrow::float64()), arrow::field("m", arrow::decimal128(20, 2)),
     arrow::field("b", arrow::boolean()), arrow::field("l", arrow::list(arrow::int32()))});

std::vector<Batch> some_rows(std::uint32_t seed, std::int64_t rows = 3000) {
  const auto flat = arrow::schema(
      {schema->field(0), schema->field(1), schema->field(2), schema->field(3), schema->field(4)});
  std::vector<Batch> batches;
  for (const Batch& batch : random_rows(flat, {.seed = seed, .rows = rows, .batch_rows = 200})) {
    std::string json = "[";
    for (std::int64_t i = 0; i < batch.rows(); ++i) {
      json += fmt::format("{}{}", i ? "," : "", i % 5 ? fmt::format("[{}, null]", i) : "null");
    }
    const auto lists =
        arrow::json::ArrayFromJSONString(arrow::list(arrow::int32()), json + "]").ValueOrDie();
    batches.emplace_back(batch.columns()->AddColumn(5, schema->field(5), lists).ValueOrDie());
  }
  return batches;
}

PartitionIndex write_file(const std::string& path, const std::vector<Batch>& batches,
                          std::uint32_t partitions, SpillOptions options = {}) {
  auto writer =
      PartitionWriter::create(system_files(), path, partitions, std::move(options)).value();
  for (std::size_t i = 0; i < batches.size(); ++i) {
    CHECK(writer->write(static_cast<std::uint32_t>(i % partitions), batches[i]).ok());
  }
  return writer->finish().value();
}

Result<std::vector<Batch>> read_partition(const std::string& path, std::uint32_t partition) {
  auto reader = TRY(PartitionReader::open(system_files(), path, partition));
  return batches_of(*reader);
}

std::string bytes_of(const std::string& path) { return system_files().read(path).value(); }

void put(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

template <class T>
void check_damage(const Result<T>& read, const std::string& path) {
  REQUIRE_FALSE(read);
  REQUIRE(read.error().code == ErrorCode::corrupt);
  REQUIRE(is_node_fault(read.error()));
  REQUIRE(read.error().message.find(path) != std::string::npos);
}

}  // namespace

TEST_CASE("every partition is read as it was written, in order") {
  TempDir directory;
  const auto batches = some_rows(7);
  for (const auto compression : {SpillCompression::none, SpillCompression::lz4}) {
    for (const std::int64_t waiting : {std::int64_t{1}, std::int64_t{32} << 20}) {
      const std::string path = directory.path() + "/edge/data";
      const auto index = write_file(path, batches, 3,
                                    {.compression = compression,
                                     .durability = SpillDurability::disk,
                                     .waiting_bytes_max = waiting,
                                     .producer = "run-1/task-2/attempt-0"});
      CHECK(index.rows() == 3000);
      CHECK(read_partition_index(system_files(), path).value() == index);
      CHECK(index.producer == "run-1/task-2/attempt-0");
      for (std::uint32_t partition = 0; partition < 3; ++partition) {
        std::vector<Batch> expected;
        for (std::size_t i = partition; i < batches.size(); i += 3) expected.push_back(batches[i]);
        const auto read = read_partition(path, partition).value();
        CHECK(lines_of(read) == lines_of(expected));
        // Slices wait for each other, unless they may not.
        CHECK(read.size() == (waiting == 1 ? expected.size() : 1));
      }
    }
  }
}

TEST_CASE("empty partitions and empty files can be read") {
  TempDir directory;
  const std::string path = directory.path() + "/data";
  const auto index = write_file(path, {some_rows(1, 10)[0]}, 4);
  CHECK(index.partitions[2].rows == 0);
  CHECK(read_partition(path, 2).value().empty());
  write_file(path, {}, 1);
  CHECK(read_partition(path, 0).value().empty());
  CHECK(read_partition(path, 1).error().code == ErrorCode::not_found);
}

TEST_CASE("a small dictionary stays, a large one beside few rows is decoded") {
  TempDir directory;
  const std::string path = directory.path() + "/data";
  const auto names = arrow::schema({arrow::field("s", arrow::utf8())});
  std::string json = "[";
  for (int i = 0; i < 20000; ++i) json += fmt::format("{}\"v{}\"", i ? "," : "", i);
  const auto many = arrow::compute::DictionaryEncode(
                        arrow::json::ArrayFromJSONString(arrow::utf8(), json + "]").ValueOrDie())
                        .ValueOrDie()
                        .make_array();
  const auto few = take(*many, std::vector<std::uint32_t>(9000, 5)).value();
  const auto type_read = [&](const std::shared_ptr<arrow::Array>& column) {
    write_file(path, {Batch(arrow::RecordBatch::Make(names, column->length(), {column}))}, 1);
    return read_partition(path, 0).value()[0].columns()->column(0)->type_id();
  };
  CHECK(type_read(few) == arrow::Type::STRING);
  const auto small = arrow::compute::DictionaryEncode(plain(few).value()).ValueOrDie();
  CHECK(type_read(small.make_array()) == arrow::Type::DICTIONARY);
}

TEST_CASE("a changed byte anywhere in the data is noticed and named") {
  TempDir directory;
  const std::string path = directory.path() + "/data";
  const auto index = write_file(path, some_rows(3, 40), 1);
  REQUIRE(index.partitions[0].blocks.size() == 1);
  const std::string good = bytes_of(path);
  for (std::size_t at = 0; at < good.size(); at += 7) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    put(path, bad);
    check_damage(read_partition(path, 0), path);
    // Also where its bytes are sent as they are.
    check_damage(PartitionReader(system_files(), path, index.partitions[0]).next_bytes(), path);
  }
}

TEST_CASE("a changed or torn index is noticed and named") {
  TempDir directory;
  const std::string path = directory.path() + "/data";
  write_file(path, some_rows(3, 400), 3);
  const std::string good = bytes_of(index_path(path));
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    put(index_path(path), bad);
    check_damage(read_partition(path, 0), index_path(path));
    put(index_path(path), good.substr(0, at));
    check_damage(read_partition(path, 0), index_path(path));
  }
}

TEST_CASE("an index of another version is refused, whole as it is") {
  TempDir directory;
  const std::string path = directory.path() + "/data";
  write_file(path, some_rows(3, 40), 1);
  std::string other = bytes_of(index_path(path));
  const std::size_t body = other.size() - sizeof(std::uint64_t);
  other[7] = '2';  // the last digit of the version
  const std::uint64_t checksum = XXH3_64bits(other.data(), body);
  std::memcpy(other.data() + body, &checksum, sizeof checksum);
  put(index_path(path), other);
  check_damage(read_partition(path, 0), "does not begin as one");
}

TEST_CASE("a short file is noticed, one that was never finished is not there") {
  TempDir directory;
  const std::string path = directory.path() + "/data";
  const auto index = write_file(path, some_rows(3, 400), 1);
  const std::string good = bytes_of(path);
  put(path, good + "x");
  check_damage(read_partition_index(system_files(), path), path);
  put(path, good.substr(0, good.size() - 1));
  check_damage(read_partition_index(system_files(), path), path);
  // Also by a reader that has the index from elsewhere.
  PartitionReader reader(system_files(), path, index.partitions[0]);
  check_damage(reader.next(), path);

  const std::string never = directory.path() + "/never";
  {
    auto writer = PartitionWriter::create(system_files(), never, 1).value();
    CHECK(writer->write(0, some_rows(1, 10)[0]).ok());
    CHECK(system_files().exists(never));
  }
  CHECK_FALSE(system_files().exists(never));
  CHECK(read_partition(never, 0).error().code == ErrorCode::not_found);
}

TEST_CASE("rows that must outlive their process are on the disk before their index is") {
  const auto write = [](FileSystem& files) -> Result<PartitionIndex> {
    const auto writer =
        TRY(PartitionWriter::create(files, "/d/rows", 1, {.durability = SpillDurability::disk}));
    TRY(writer->write(0, some_rows(1, 10)[0]));
    return writer->finish();
  };
  // What is asked of the disk is told by the call that fails.
  std::vector<std::string> asked;
  for (bool struck = true; struck;) {
    sim::Disk below;
    REQUIRE(below.make_directories("/d"));
    FaultyFiles disk(below);
    disk.fail_at(static_cast<int>(asked.size()), FaultyFiles::Fault::broken);
    struck = !write(disk).ok();
    REQUIRE(struck == disk.struck());
    if (struck) asked.push_back(disk.asked());
  }
  const auto place = [&](const std::string& call) {
    return std::find(asked.begin(), asked.end(), call) - asked.begin();
  };
  CHECK(place("write '/d/rows'") < place("sync '/d/rows'"));
  CHECK(place("sync '/d/rows'") < place("rename '/d/rows.index.new'"));
  CHECK(place("rename '/d/rows.index.new'") < std::ssize(asked));
}

TEST_CASE("a block's bytes can be sent and decoded elsewhere") {
  TempDir directory;
  const std::string path = directory.path() + "/data";
  const auto batches = some_rows(3, 100);
  const auto index = write_file(path, batches, 1);
  PartitionReader reader(system_files(), path, index.partitions[0]);
  const std::string bytes = reader.next_bytes().value();
  const auto decoded = decode_block(bytes, index.partitions[0].blocks[0], path).value();
  CHECK(lines_of({decoded}) == lines_of(batches));
  CHECK(reader.next_bytes().value().empty());
}

TEST_CASE("the hash of a partition depends on its rows alone") {
  TempDir directory;
  const std::string path = directory.path() + "/data";
  const auto hash = [&](const std::vector<Batch>& batches) {
    return write_file(path, batches, 1, {.hash_rows = true}).partitions[0].hash;
  };
  const auto batches = some_rows(9, 500);
  const Batch all = concat(batches).value();
  const auto expected = hash(batches);
  CHECK(hash({all}) == expected);
  std::vector<std::uint32_t> backwards;
  for (std::uint32_t i = 500; i-- > 0;) backwards.push_back(i);
  CHECK(hash({take(all, backwards).value()}) == expected);
  const auto strings = all.columns()->column(1);
  const auto encoded = arrow::compute::DictionaryEncode(plain(strings).value()).ValueOrDie();
  CHECK(hash({Batch(
            all.columns()
                ->SetColumn(1, schema->field(1)->WithType(encoded.type()), encoded.make_array())
                .ValueOrDie())}) == expected);

  CHECK(hash({Batch(all.columns()->Slice(1))}) != expected);
  backwards[7] = backwards[8];  // one row twice, one missing
  CHECK(hash({take(all, backwards).value()}) != expected);
  // Two columns of one type that change places.
  const auto pair =
      arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::int64())});
  CHECK(hash({rows_from(pair, R"([{"a": 1, "b": 2}])")}) !=
        hash({rows_from(pair, R"([{"a": 2, "b": 1}])")}));
}

TEST_CASE("a file whose index cannot be written is gone with its writer") {
  const TempDir directory;
  const std::string path = directory.path() + "/data";
  for (const SpillDurability durability : {SpillDurability::disk, SpillDurability::page_cache}) {
    REQUIRE(system_files().make_directories(index_path(path) + "/in the way"));
    {
      SpillOptions options;
      options.durability = durability;
      auto writer = *PartitionWriter::create(system_files(), path, 1, options);
      REQUIRE(writer->write(0, some_rows(1, 10)[0]));
      CHECK_FALSE(writer->finish());
      CHECK(system_files().exists(path));
    }
    CHECK_FALSE(system_files().exists(path));
  }
}
