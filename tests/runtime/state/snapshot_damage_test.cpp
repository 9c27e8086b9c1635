// Damage of snapshot files: every byte of a small file in turn, every length it could be cut to,
// its blocks swapped, another version; also where whoever damaged it made the checksums fit. All of
// it is `corrupt` with the file's name, as the fault of the node, and asks for no memory to speak
// of.
#include "runtime/base/node_fault.hpp"
#include "runtime/data/key_hash.hpp"
#include "runtime/os/random.hpp"
#include "runtime/state/snapshot_writer.hpp"
#include "runtime/state/state_reader.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/sim_disk.hpp"

#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <xxhash.h>

#include <cstring>
#include <functional>

using namespace troupe;

namespace {

const char* const path = "/state/1";

OperatorTable some_table() {
  StateTable table;
  table.name = "rows";
  table.schema =
      arrow::schema({arrow::field("n", arrow::int64()), arrow::field("s", arrow::utf8())});
  table.key = {"n"};
  return {"op", std::make_shared<StateTable>(std::move(table))};
}

/// A file of two blocks and of a table that belongs to its task.
class Small {
 public:
  Small() {
    StateTable positions = *table_.table;
    positions.owner = StateOwner::task;
    positions.name = "positions";
    SnapshotOptions options{"/state", "1", Epoch(3), Epoch(3)};
    options.block_bytes = 40;
    const auto writer = SnapshotWriter::create(disk_, options).value();
    const Batch rows =
        rows_from(table_.table->schema, R"([{"n": 1, "s": "one"}, {"n": 2, "s": "two"},
        {"n": 3, "s": "three"}, {"n": 4, "s": null}, {"n": 5, "s": "five"}, {"n": 6, "s": "six"},
        {"n": 7, "s": "seven"}, {"n": 8, "s": null}, {"n": 9, "s": "nine"}])");
    REQUIRE(writer->write("op", *table_.table, {rows}));
    REQUIRE(writer->write("op", positions, {rows}));
    file_ = writer->finish().value();
    good_ = disk_.read(path).value();
  }

  const std::string& good() const { return good_; }
  const SnapshotFile& file() const { return file_; }

  /// Two of equal length, so that nothing but their bytes is out of place if they are swapped.
  std::pair<SpillBlock, SpillBlock> equal_blocks() {
    const auto index = SnapshotReader::open(disk_, path).value()->index();
    REQUIRE(index.sections.size() == 2);
    const auto& blocks = index.sections[0].blocks;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      for (std::size_t j = i + 1; j < blocks.size(); ++j) {
        if (blocks[i].place.bytes == blocks[j].place.bytes)
          return {blocks[i].place, blocks[j].place};
      }
    }
    FAIL("no two blocks of equal length");
    return {};
  }

  /// Reads all that is in the file.
  Result<> read(const std::string& bytes) {
    put(bytes);
    const auto reader = TRY(SnapshotReader::open(disk_, path));
    for (const auto& section : reader->index().sections) {
      for (const auto& block : section.blocks) TRY(reader->read(section, block));
    }
    const auto set = TRY(SnapshotSet::open(disk_, "/state", {{file_}}));
    const auto rows = TRY(StateReader::open(set, {table_, all_key_groups()}));
    TRY(batches_of(*rows));
    return {};
  }
  Result<> verify(const std::string& bytes) {
    put(bytes);
    return verify_snapshot(disk_, path, file_);
  }

 private:
  void put(const std::string& bytes) {
    auto file = disk_.create(path).value();
    REQUIRE(file->append(bytes));
    REQUIRE(file->close());
  }

  sim::Disk disk_;
  OperatorTable table_ = some_table();
  SnapshotFile file_;
  std::string good_;
};

void check_corrupt(const Result<>& read) {
  REQUIRE_FALSE(read);
  INFO(read.error().to_string());
  REQUIRE(read.error().code == ErrorCode::corrupt);
  REQUIRE(is_node_fault(read.error()));
  REQUIRE(read.error().message.find(path) != std::string::npos);
}

/// The same with the checksum of its index made anew.
std::string resigned(std::string bytes) {
  std::uint64_t length = 0;
  char* footer = bytes.data() + bytes.size() - SnapshotIndex::footer_bytes;
  std::memcpy(&length, footer, 8);
  const std::uint64_t checksum = XXH3_64bits(footer - length, length);
  std::memcpy(footer + 8, &checksum, 8);
  return bytes;
}

}  // namespace

TEST_CASE("a changed bit in any byte is noticed, and the file named") {
  Small small;
  REQUIRE(small.read(small.good()).ok());
  REQUIRE(small.verify(small.good()).ok());
  for (std::size_t at = 0; at < small.good().size(); ++at) {
    for (const int bit : {0, 3, 7}) {
      INFO("byte " << at << ", bit " << bit);
      std::string bad = small.good();
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      check_corrupt(small.read(bad));
      check_corrupt(small.verify(bad));
    }
  }
}

TEST_CASE("a file that was cut or has grown is noticed") {
  Small small;
  for (std::size_t length = 0; length < small.good().size(); ++length) {
    INFO("length " << length);
    check_corrupt(small.read(small.good().substr(0, length)));
    check_corrupt(small.read(small.good().substr(small.good().size() - length)));
    check_corrupt(small.verify(small.good().substr(0, length)));
  }
  check_corrupt(small.read(small.good() + "x"));
  check_corrupt(small.read(small.good() + small.good()));
}

TEST_CASE("blocks that have changed places are noticed") {
  Small small;
  const auto [a, b] = small.equal_blocks();
  std::string bad = small.good();
  bad.replace(a.offset, a.bytes, small.good().substr(b.offset, b.bytes));
  check_corrupt(small.read(bad));
  bad.replace(b.offset, b.bytes, small.good().substr(a.offset, a.bytes));
  check_corrupt(small.read(bad));
}

TEST_CASE("a row of another key group is noticed, though every checksum is right") {
  Small small;
  const auto [a, b] = small.equal_blocks();
  std::string bad = small.good();
  bad.replace(a.offset, a.bytes, small.good().substr(b.offset, b.bytes));
  bad.replace(b.offset, b.bytes, small.good().substr(a.offset, a.bytes));
  const auto word = [](const std::uint64_t& value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const std::size_t of_a = small.good().rfind(word(a.checksum));
  const std::size_t of_b = small.good().rfind(word(b.checksum));
  bad.replace(of_a, 8, word(b.checksum));
  bad.replace(of_b, 8, word(a.checksum));
  const auto read = small.read(resigned(bad));
  check_corrupt(read);
  CHECK(read.error().message.find("a row of key group") != std::string::npos);
}

TEST_CASE("a whole file that is not the one its manifest means is refused") {
  sim::Disk disk;
  const auto writer =
      SnapshotWriter::create(disk, {"/state", "1", Epoch(3), Epoch(4), {0, 512}}).value();
  const SnapshotFile file = writer->finish().value();
  const auto message = [&](const std::function<void(SnapshotFile&)>& change) {
    SnapshotFile meant = file;
    change(meant);
    const auto set = SnapshotSet::open(disk, "/state", {{meant}});
    REQUIRE_FALSE(set);
    CHECK(set.error().code == ErrorCode::corrupt);
    CHECK(is_node_fault(set.error()));
    return set.error().message;
  };
  CHECK(SnapshotSet::open(disk, "/state", {{file}}).ok());
  CHECK(message([](SnapshotFile& meant) { ++meant.bytes; }).find("bytes, its manifest says") !=
        std::string::npos);
  CHECK(message([](SnapshotFile& meant) { meant.epoch_last = Epoch(5); }) ==
        "the snapshot '/state/1' holds epochs 3 to 4, its manifest says 3 to 5");
  CHECK(message([](SnapshotFile& meant) {
          meant.groups = {500, 600};
        }) == "the snapshot '/state/1' holds key groups [0, 512), its manifest says [500, 600)");
}

TEST_CASE("another version is told as such") {
  Small small;
  std::string other = small.good();
  other.back() = '2';
  const auto read = small.read(other);
  check_corrupt(read);
  CHECK(read.error().message == "the snapshot '/state/1' is of version 02, not 01");
  other = small.good();
  const std::size_t at = other.rfind(key_hash_name);
  REQUIRE(at != std::string::npos);
  other[at] = 'y';
  const auto hash = small.read(resigned(other));
  check_corrupt(hash);
  CHECK(hash.error().message ==
        "the snapshot '/state/1' groups keys by the hash 'yxh3_64', not 'xxh3_64'");
}

TEST_CASE("an index that lies under a good checksum is refused or read, and reserves nothing") {
  Small small;
  std::uint64_t index_bytes = 0;
  std::memcpy(&index_bytes, small.good().data() + small.good().size() - SnapshotIndex::footer_bytes,
              8);
  const std::size_t begin = small.good().size() - SnapshotIndex::footer_bytes - index_bytes;
  Random random(5);
  const std::int64_t before = arrow::default_memory_pool()->max_memory();
  int refused = 0;
  for (std::size_t at = begin; at + 8 <= begin + index_bytes; ++at) {
    for (const std::uint64_t word :
         {~std::uint64_t{0}, std::uint64_t{1} << 40, random.next(), std::uint64_t{0}}) {
      std::string bad = small.good();
      std::memcpy(bad.data() + at, &word, 8);
      // Some words may say anything (an epoch's number): those are compared with the manifest.
      const auto read = small.read(resigned(bad));
      if (read) continue;
      ++refused;
      INFO("byte " << at - begin << ": " << read.error().to_string());
      REQUIRE(
          (read.error().code == ErrorCode::corrupt || read.error().code == ErrorCode::conflict));
    }
  }
  CHECK(refused > static_cast<int>(index_bytes) * 3);
  CHECK(arrow::default_memory_pool()->max_memory() < before + (std::int64_t{1} << 20));
}
