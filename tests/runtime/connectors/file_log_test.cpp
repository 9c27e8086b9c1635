// Epoch after epoch becomes visible at once or not at all, in its order, once, however often and
// wherever a committer dies, is doubled, or wakes up late.
//
// Shown as for `FileCommit`: a commit is stopped at each of its calls to the disk, done by a second
// executor before each call of a first one, and the power goes; a reader that follows the log sees
// what it saw before, or the epoch, too.
#include "runtime/connectors/file_commit.hpp"
#include "runtime/os/file_pattern.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_files.hpp"
#include "tests/support/sim_disk.hpp"

#include <map>

using namespace troupe;

namespace {

const std::string output = "/data/out";
const std::string marker = "run/1/save";
using Content = std::map<std::string, std::string>;

/// What one epoch of a stream has staged.
struct StagedEpoch {
  SinkCommit what;
  std::vector<StagedFile> files;
};

FileCommit committer(FileSystem& files) {
  return FileCommit(files, output, FileCommit::Target::stream, FileCommit::Existing::replace);
}

StagedEpoch stage(sim::Disk& disk, std::uint64_t epoch, std::uint64_t previous,
                  const std::string& of = marker) {
  StagedEpoch staged{{of, Epoch(epoch), Epoch(previous)}};
  const std::string directory = *committer(disk).stage(of, "a1");
  for (const char* form : {"epoch-{}-part-0", "k=1/epoch-{}-part-1"}) {
    const std::string name = fmt::format(fmt::runtime(form), epoch);
    const std::string text = fmt::format("{} of {}", name, of);
    REQUIRE(make_durable_directories(disk, parent_of(directory + "/" + name)));
    REQUIRE(write_atomically(disk, directory + "/" + name, text));
    staged.files.push_back({"a1/" + name, name, static_cast<std::int64_t>(text.size()), 1});
  }
  return staged;
}

Result<> commit(FileSystem& files, const StagedEpoch& epoch) {
  return committer(files).commit(epoch.what, epoch.files);
}

/// What a reader sees who follows the log.
Content seen(FileSystem& files) {
  Content content;
  const auto paths = find_committed_files(files, output);
  if (!paths) return content;
  for (const std::string& path : *paths) {
    const auto text = files.read(path);
    content[path.substr(output.size() + 1)] = text ? *text : "missing";
  }
  return content;
}

Content with(Content content, const StagedEpoch& epoch) {
  for (const StagedFile& file : epoch.files) {
    content[file.name] = fmt::format("{} of {}", file.name, epoch.what.marker);
  }
  return content;
}

/// A disk on which the first epoch, or the first two, are committed.
struct Stream {
  explicit Stream(std::uint64_t seed = 1, bool second = true) : disk(seed) {
    REQUIRE(disk.make_directories("/data"));
    REQUIRE(disk.sync_directory("/"));
    const StagedEpoch first = stage(disk, 3, 0);
    REQUIRE(commit(disk, first));
    before = with({}, first);
    if (!second) return;
    const StagedEpoch next = stage(disk, 4, 3);
    REQUIRE(commit(disk, next));
    before = with(before, next);
  }

  sim::Disk disk;
  Content before;
};

}  // namespace

TEST_CASE("each epoch adds its files, and a repeated one adds nothing") {
  Stream stream(1, /*second=*/false);
  CHECK(seen(stream.disk) == stream.before);
  const StagedEpoch second = stage(stream.disk, 4, 3);
  CHECK(seen(stream.disk) == stream.before);
  REQUIRE(commit(stream.disk, second));
  const Content two = with(stream.before, second);
  CHECK(seen(stream.disk) == two);
  const StagedEpoch third = stage(stream.disk, 9, 4);
  REQUIRE(commit(stream.disk, third));
  const Content three = with(two, third);
  REQUIRE(commit(stream.disk, second));
  REQUIRE(commit(stream.disk, third));
  REQUIRE(commit(stream.disk, {{marker, Epoch(11), Epoch(9)}, {}}));
  CHECK(seen(stream.disk) == three);
  REQUIRE(committer(stream.disk).clean_up(marker));
  CHECK(seen(stream.disk) == three);
  CHECK(stream.disk.list("/data")->size() == 1);
  CHECK(*stream.disk.list(output + "/_commits") == std::vector<std::string>{"11", "3", "4", "9"});
}

TEST_CASE("an entry says whose epoch it is, after which one, and its files") {
  Stream stream;
  const auto entries = FileLog(stream.disk, output).entries();
  REQUIRE(entries);
  REQUIRE(entries->size() == 2);
  const FileLogEntry& last = entries->back();
  CHECK(last.commit.marker == marker);
  CHECK(last.commit.epoch == Epoch(4));
  CHECK(last.commit.previous == Epoch(3));
  CHECK(last.files.front().name == "epoch-4-part-0");
  CHECK(last.files.front().rows == 1);
  CHECK(*stream.disk.read(output + "/_commits/4") == last.text());
}

TEST_CASE("the first epoch replaces what was there, and all of it") {
  Stream stream;
  const StagedEpoch other = stage(stream.disk, 1, 0, "later/1/save");
  REQUIRE(commit(stream.disk, other));
  CHECK(seen(stream.disk) == with({}, other));
  CHECK(*stream.disk.list(output + "/_commits") == std::vector<std::string>{"1"});
}

TEST_CASE("an epoch that does not follow the last one, or whose output is gone, halts") {
  Stream stream;
  const auto code = [&](const StagedEpoch& epoch) {
    const auto done = commit(stream.disk, epoch);
    return done ? ErrorCode::internal : done.error().code;
  };
  CHECK(code(stage(stream.disk, 7, 6)) == ErrorCode::conflict);
  CHECK(seen(stream.disk) == stream.before);
  // A later run has replaced it.
  REQUIRE(commit(stream.disk, stage(stream.disk, 1, 0, "later/1/save")));
  CHECK(code(stage(stream.disk, 5, 4)) == ErrorCode::conflict);
  REQUIRE(stream.disk.remove_all(output));
  CHECK(code(stage(stream.disk, 5, 4)) == ErrorCode::conflict);
}

TEST_CASE("wherever the commit of an epoch stops, repeating it shows the epoch, once and whole") {
  int points = 0;
  for (bool whole = false; !whole; ++points) {
    bool second_whole = false;
    for (int second_stop = 0; !second_whole; ++second_stop) {
      INFO("stopped after " << points << " and then " << second_stop << " calls");
      Stream stream;
      const StagedEpoch next = stage(stream.disk, 5, 4);
      const Content after = with(stream.before, next);
      const auto attempt = [&](int stop) {
        FaultyFiles files(stream.disk);
        files.fail_at(stop, FaultyFiles::Fault::dead);
        const bool done = commit(files, next).ok();
        const Content now = seen(stream.disk);
        CHECK((now == after || (!done && now == stream.before)));
        return done;
      };
      whole = attempt(points);
      second_whole = attempt(second_stop);
      CHECK(attempt(1 << 30));
      CHECK(seen(stream.disk) == after);
    }
  }
  CHECK(points > 10);
}

TEST_CASE("a power cut at whatever point leaves the epoch out or in, and work to go on") {
  int points = 0;
  for (bool whole = false; !whole; ++points) {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      INFO("stopped after " << points << " calls, seed " << seed);
      Stream stream(seed);
      const StagedEpoch next = stage(stream.disk, 5, 4);
      const Content after = with(stream.before, next);
      FaultyFiles files(stream.disk);
      files.fail_at(points, FaultyFiles::Fault::dead);
      whole = commit(files, next).ok();
      // Every other time its process dies alone, and the power goes when another has repeated it.
      if (seed % 2 == 0) stream.disk.power_cut();
      const Content now = seen(stream.disk);
      CHECK((now == after || (!whole && now == stream.before)));
      REQUIRE(commit(stream.disk, next));
      stream.disk.power_cut();
      CHECK(seen(stream.disk) == after);
    }
  }
  CHECK(points > 10);
}

TEST_CASE("a second executor may do all of it before each call of the first one") {
  for (int at = 0, calls = 1; at < calls; ++at) {
    INFO("before call " << at);
    Stream stream;
    const StagedEpoch next = stage(stream.disk, 5, 4);
    FaultyFiles files(stream.disk);
    files.before_call(at, [&] { REQUIRE(commit(stream.disk, next)); });
    const Result<> done = commit(files, next);
    calls = files.calls();
    CHECK(done.ok());
    CHECK(seen(stream.disk) == with(stream.before, next));
  }
}

TEST_CASE("of two at once, one of whom stops anywhere, whoever says done has done it") {
  int stops = 0;
  for (int at = 0, calls = 1; at < calls; ++at) {
    bool whole = false;
    for (int stop = 0; !whole; ++stop, ++stops) {
      INFO("before call " << at << " the other one does " << stop);
      Stream stream;
      const StagedEpoch next = stage(stream.disk, 5, 4);
      FaultyFiles files(stream.disk);
      files.before_call(at, [&] {
        FaultyFiles stopping(stream.disk);
        stopping.fail_at(stop, FaultyFiles::Fault::dead);
        whole = commit(stopping, next).ok();
      });
      const Result<> done = commit(files, next);
      calls = std::max(calls, files.calls());
      const Content after = with(stream.before, next);
      CHECK(done.ok());
      CHECK(seen(stream.disk) == after);
      stream.disk.power_cut();
      CHECK(seen(stream.disk) == after);
      if (files.calls() <= at) break;
    }
  }
  CHECK(stops > 100);
}

TEST_CASE("one who wakes up late changes nothing: after the next epoch, or another run's output") {
  for (int at = 0, calls = 1; at < calls; ++at) {
    for (const bool replaced : {false, true}) {
      INFO("before call " << at << (replaced ? ", replaced" : ""));
      Stream stream;
      const StagedEpoch next = stage(stream.disk, 5, 4);
      const StagedEpoch later =
          replaced ? stage(stream.disk, 5, 0, "later/1/save") : stage(stream.disk, 6, 5);
      FaultyFiles files(stream.disk);
      files.before_call(at, [&] {
        REQUIRE(commit(stream.disk, next));
        REQUIRE(committer(stream.disk).clean_up(replaced ? marker : "none"));
        REQUIRE(commit(stream.disk, later));
      });
      const Result<> done = commit(files, next);
      calls = std::max(calls, files.calls());
      if (files.calls() <= at) continue;
      if (!replaced) CHECK(done.ok());
      CHECK(seen(stream.disk) ==
            (replaced ? with({}, later) : with(with(stream.before, next), later)));
      CHECK(commit(stream.disk, later).ok());
      if (replaced) {
        const StagedEpoch goes_on = stage(stream.disk, 6, 5, "later/1/save");
        REQUIRE(commit(stream.disk, goes_on));
        CHECK(seen(stream.disk) == with(with({}, later), goes_on));
      }
    }
  }
}

TEST_CASE("a staged file that is gone or cut is told, and nothing of its epoch is seen") {
  Stream stream;
  const StagedEpoch next = stage(stream.disk, 5, 4);
  const std::string path = "/data/.out.troupe-run%2f1%2fsave/" + next.files.back().staged;
  const bool gone = GENERATE(true, false);
  REQUIRE((gone ? stream.disk.remove_all(path) : write_atomically(stream.disk, path, "cut")));
  const auto done = commit(stream.disk, next);
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().code == ErrorCode::corrupt);
  CHECK(seen(stream.disk) == stream.before);
}

TEST_CASE("a file system that cannot say a name is free takes entries all the same") {
  Stream stream;
  const StagedEpoch next = stage(stream.disk, 5, 4);
  FaultyFiles files(stream.disk);
  files.refuse_exchange();
  REQUIRE(commit(files, next));
  CHECK(seen(stream.disk) == with(stream.before, next));
}

TEST_CASE("a run that goes on stages beside the one before, and adds to its log") {
  Stream stream;
  // The first run has staged one more epoch, which was never published.
  stage(stream.disk, 5, 4);
  StagedEpoch next = stage(stream.disk, 6, 4, "run-2/1/save");
  next.what.staging = std::exchange(next.what.marker, marker);
  REQUIRE(committer(stream.disk).clean_up(marker));  // late, of the first run
  REQUIRE(commit(stream.disk, next));
  Content three = stream.before;
  for (const StagedFile& file : next.files) {
    three[file.name] = fmt::format("{} of run-2/1/save", file.name);
  }
  CHECK(seen(stream.disk) == three);
  // One that staged under another name is done, too, where its epoch is.
  REQUIRE(commit(stream.disk, {{marker, Epoch(6), Epoch(4)}, {}}));
  CHECK(seen(stream.disk) == three);
  REQUIRE(committer(stream.disk).clean_up("run-2/1/save"));
  CHECK(seen(stream.disk) == three);
  CHECK(stream.disk.list("/data")->size() == 1);
}
