// Rows come back as they were staged, few or many, or it is said that they do not.
#include "runtime/connectors/staged_rows.hpp"

#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sim_disk.hpp"

using namespace troupe;

namespace {

std::string many_lines(std::size_t bytes) {
  std::string lines;
  for (int i = 0; lines.size() < bytes; ++i) lines += fmt::format("{}\tsome text\n", i);
  return lines;
}

Result<std::string> read_back(FileSystem& files, const std::vector<Committable>& staged) {
  std::string all;
  for (const Committable& one : staged) {
    const auto rows = TRY(StagedRows::parse(one.detail));
    TRY(rows.read(files, [&](std::string_view piece) -> Result<> {
      CHECK(piece.ends_with('\n'));
      all += piece;
      return {};
    }));
  }
  return all;
}

}  // namespace

TEST_CASE("rows of each epoch come back, few in the committable and many in a file") {
  sim::Disk disk(1);
  RowStage stage(disk, "/stage/tag");
  for (const std::size_t bytes : {std::size_t{10}, inline_rows_max * 2, staged_piece_bytes * 3}) {
    INFO(bytes);
    const std::string lines = many_lines(bytes);
    for (std::size_t at = 0; at < lines.size(); at += 100'000) {
      REQUIRE(stage.add(std::string_view(lines).substr(at, 100'000)));
    }
    const auto staged = stage.finish(7);
    REQUIRE(staged);
    REQUIRE(staged->size() == 1);
    CHECK(staged->front().rows == 7);
    CHECK(staged->front().detail.size() <= inline_rows_max + 100);
    CHECK(*read_back(disk, *staged) == lines);
  }
  CHECK(stage.finish(0)->empty());
}

TEST_CASE("what is staged survives a crash of the disk, and damage is found") {
  sim::Disk disk(1);
  const std::string lines = many_lines(staged_piece_bytes * 2);
  std::vector<Committable> staged;
  {
    RowStage stage(disk, "/stage/tag");
    REQUIRE(stage.add(lines));
    staged = *stage.finish(1);
  }
  disk.power_cut();
  CHECK(*read_back(disk, staged) == lines);

  const std::string path = StagedRows::parse(staged.front().detail)->file;
  std::string damaged = *disk.read(path);
  damaged[damaged.size() / 2] ^= 1;
  REQUIRE(write_atomically(disk, path, damaged));
  CHECK(read_back(disk, staged).error().code == ErrorCode::corrupt);
  REQUIRE(write_atomically(disk, path, lines.substr(0, 1000)));
  CHECK(read_back(disk, staged).error().code == ErrorCode::corrupt);
  REQUIRE(disk.remove_all(path));
  CHECK_FALSE(read_back(disk, staged).ok());
}

TEST_CASE("without a place for files rows are packed, and there is a limit that says what to do") {
  sim::Disk disk(1);
  RowStage stage(disk, "");
  const std::string lines = many_lines(inline_rows_max_without_files * 2);
  REQUIRE(stage.add(lines));
  const auto staged = stage.finish(1);
  REQUIRE(staged);
  REQUIRE(staged->size() == 1);
  CHECK(staged->front().detail.size() < inline_rows_max_without_files);
  CHECK(*read_back(disk, *staged) == lines);

  const auto damaged = StagedRows::parse(staged->front().detail.substr(0, 1000));
  CHECK(damaged.error().code == ErrorCode::corrupt);
  const auto more = stage.add(many_lines(inline_text_max + 100));
  REQUIRE_FALSE(more.ok());
  CHECK(more.error().hint.find("staging:") != std::string::npos);
}

TEST_CASE("rows that cannot be packed are too many sooner") {
  sim::Disk disk(1);
  RowStage stage(disk, "");
  Random random(7);
  std::string noise;
  while (noise.size() < inline_rows_max_without_files * 2) {
    noise += static_cast<char>('!' + random.below(90));
  }
  REQUIRE(stage.add(noise + "\n"));
  const auto staged = stage.finish(1);
  REQUIRE_FALSE(staged.ok());
  CHECK(staged.error().hint.find("staging:") != std::string::npos);
}

TEST_CASE("an attempt that ends takes along what it has not handed over") {
  sim::Disk disk(1);
  {
    RowStage stage(disk, "/stage/tag");
    REQUIRE(stage.add(many_lines(staged_piece_bytes * 2)));
    CHECK(disk.files_below("/stage").size() == 1);
  }
  CHECK(disk.files_below("/stage").empty());
}
