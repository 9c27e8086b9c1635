// Output becomes visible at once or not at all, however often and wherever a committer dies.
//
// Shown by brute force: a commit is stopped at each of its calls to the disk, run again (stopped
// again, at each call), and at last run whole; a reader that looks at any moment sees the old
// output or the new one, and in the end the new one, exactly.
#include "runtime/connectors/file_commit.hpp"

#include "runtime/os/file_pattern.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_files.hpp"
#include "tests/support/sim_disk.hpp"

#include <map>

using namespace troupe;
using Target = FileCommit::Target;
using Existing = FileCommit::Existing;

namespace {

using Content = std::map<std::string, std::string>;

/// One output and the disk around it.
class Place {
 public:
  explicit Place(Target target, std::uint64_t seed = 1)
      : disk_(seed),
        target_(target),
        output_(target == Target::directory ? "/data/out" : "/data/out.txt") {}

  const std::string& output() const { return output_; }
  sim::Disk& disk() { return disk_; }
  FileCommit committer(FileSystem& files, Existing existing = Existing::replace) const {
    return FileCommit(files, output_, target_, existing);
  }

  /// What one attempt stages; `text` tells its files from those of others.
  std::vector<StagedFile> stage(const std::string& marker, const std::string& tag,
                                const std::string& text) {
    std::vector<StagedFile> staged;
    const std::string directory = *committer(disk_).stage(marker, tag);
    for (const auto& [name, ignored] : all(text)) {
      REQUIRE(make_durable_directories(disk_, parent_of(directory + "/" + name)));
      REQUIRE(write_atomically(disk_, directory + "/" + name, text));
      staged.push_back({tag + "/" + name, name, static_cast<std::int64_t>(text.size())});
    }
    return staged;
  }

  /// What is staged, as a version left it that knew of no claims.
  void as_an_older_version(const std::string& marker) {
    REQUIRE(disk_.remove_all(staging(marker) + "/output.0"));
  }
  static std::string staging(const std::string& marker) { return "/data/.out.troupe-" + marker; }

  /// The data a reader sees.
  Content seen() {
    Content content;
    FileSystem& files = disk_;
    if (target_ == Target::single_file) {
      if (files.exists(output_)) content["out.txt"] = *files.read(output_);
      return content;
    }
    for (const std::string& path : disk_.files_below(output_)) {
      const std::string name = path.substr(output_.size() + 1);
      if (name[0] != '_') content[name] = *files.read(path);
    }
    return content;
  }

  Content all(const std::string& text) const {
    if (target_ == Target::single_file) return {{"out.txt", text}};
    return {{"part-0", text}, {"part-1", text}, {"k=1/part-2", text}};
  }

  std::vector<std::string> names() { return *disk_.list("/data"); }

 private:
  sim::Disk disk_;
  Target target_;
  std::string output_;
};

Target any_target() { return GENERATE(Target::directory, Target::single_file); }

}  // namespace

TEST_CASE("a commit shows all staged files, and cleaning up leaves nothing else") {
  const Target target = any_target();
  Place place(target);
  const auto staged = place.stage("run-1", "a1", "new");
  place.stage("run-1", "a2", "of a lost attempt");
  CHECK(place.seen().empty());
  const FileCommit committer = place.committer(place.disk());
  REQUIRE(committer.commit({"run-1"}, staged));
  CHECK(place.seen() == place.all("new"));
  REQUIRE(committer.clean_up("run-1"));
  CHECK(place.seen() == place.all("new"));
  CHECK(place.names().size() == 1);
}

TEST_CASE("whatever point a commit stops at, repeating it shows the new output, once and whole") {
  const Target target = any_target();
  const bool can_exchange = GENERATE(true, false);
  const bool replaces = GENERATE(true, false);
  int points = 0;
  for (int first_stop = 0;; ++first_stop) {
    bool first_was_whole = false;
    for (int second_stop = 0;; ++second_stop) {
      Place place(target);
      if (replaces) {
        const auto old = place.stage("run-0", "a0", "old");
        REQUIRE(place.committer(place.disk()).commit({"run-0"}, old));
        REQUIRE(place.committer(place.disk()).clean_up("run-0"));
      }
      const auto staged = place.stage("run-1", "a1", "new");
      const Content before = place.seen();
      const auto attempt = [&](int stop) {
        FaultyFiles files(place.disk());
        files.fail_at(stop, FaultyFiles::Fault::dead);
        if (!can_exchange) files.refuse_exchange();
        const bool whole = place.committer(files).commit({"run-1"}, staged).ok();
        const Content seen = place.seen();
        const bool gap = !can_exchange && target == Target::directory && seen.empty();
        CHECK((seen == before || seen == place.all("new") || gap));
        if (whole) CHECK(seen == place.all("new"));
        return whole;
      };
      INFO("stopped after " << first_stop << " and then " << second_stop << " calls");
      first_was_whole = attempt(first_stop);
      const bool second_was_whole = attempt(second_stop);
      CHECK(attempt(1 << 30));
      CHECK(place.seen() == place.all("new"));
      REQUIRE(place.committer(place.disk()).clean_up("run-1"));
      CHECK(place.seen() == place.all("new"));
      CHECK(place.names().size() == 1);
      ++points;
      if (second_was_whole) break;
    }
    if (first_was_whole) break;
  }
  CHECK(points > 20);
}

TEST_CASE("a power cut at whatever point leaves the old output or the new one, and work to go on") {
  const Target target = any_target();
  const bool replaces = GENERATE(true, false);
  constexpr std::uint64_t seeds = 10;  ///< a cut leaves this or that
  int points = 0;
  for (bool whole = false; !whole; ++points) {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      INFO("stopped after " << points << " calls, seed " << seed);
      Place place(target, seed);
      REQUIRE(place.disk().make_directories("/data"));
      REQUIRE(place.disk().sync_directory("/"));
      if (replaces) {
        REQUIRE(place.committer(place.disk()).commit({"run-0"}, place.stage("run-0", "a0", "old")));
      }
      const Content before = place.seen();
      const auto staged = place.stage("run-1", "a1", "new");
      FaultyFiles files(place.disk());
      files.fail_at(points, FaultyFiles::Fault::dead);
      whole = place.committer(files).commit({"run-1"}, staged).ok();
      // Every other time its process dies alone, and the power goes when another has repeated it.
      if (seed % 2 == 0) place.disk().power_cut();
      const Content seen = place.seen();
      CHECK((seen == place.all("new") || (!whole && seen == before)));
      REQUIRE(place.committer(place.disk()).commit({"run-1"}, staged));
      place.disk().power_cut();
      CHECK(place.seen() == place.all("new"));
    }
  }
  CHECK(points >= 10);
}

TEST_CASE("what was cleaned up does not come back with a power cut, whoever removed it") {
  const Target target = any_target();
  const bool died_before = GENERATE(true, false);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Place place(target, seed);
    const auto staged = place.stage("run-1", "a1", "new");
    REQUIRE(place.committer(place.disk()).commit({"run-1"}, staged));
    place.stage("run-1", "a2", "of a lost attempt");
    if (died_before) {
      FaultyFiles files(place.disk());
      files.fail_at(1, FaultyFiles::Fault::dead);
      CHECK_FALSE(place.committer(files).clean_up("run-1"));
    }
    REQUIRE(place.committer(place.disk()).clean_up("run-1"));
    place.disk().power_cut();
    CHECK(place.seen() == place.all("new"));
    CHECK(place.names().size() == 1);
  }
}

TEST_CASE("repeating an old commit does not undo a later one") {
  const Target target = any_target();
  Place place(target);
  const auto first = place.stage("run-1", "a1", "first");
  const auto second = place.stage("run-2", "a1", "second");
  const FileCommit committer = place.committer(place.disk());
  REQUIRE(committer.commit({"run-1"}, first));
  REQUIRE(committer.commit({"run-2"}, second));
  CHECK(committer.commit({"run-1"}, first).ok());
  CHECK(place.seen() == place.all("second"));
  REQUIRE(committer.clean_up("run-1"));
  REQUIRE(committer.clean_up("run-2"));
  CHECK(place.seen() == place.all("second"));
}

TEST_CASE(
    "of two commits at the same moment each makes its output whole, and the later one stays") {
  // The second commit happens within the first one, before each of its calls to the disk.
  const Target target = any_target();
  int calls = 0;
  {
    Place place(target);
    const auto staged = place.stage("run-1", "a1", "first");
    FaultyFiles counting(place.disk());
    REQUIRE(place.committer(counting).commit({"run-1"}, staged));
    calls = counting.calls();
  }
  for (int at = 0; at < calls; ++at) {
    INFO("before call " << at);
    Place place(target);
    const auto first = place.stage("run-1", "a1", "first");
    const auto second = place.stage("run-2", "a1", "second");
    FaultyFiles files(place.disk());
    files.before_call(at, [&] {
      REQUIRE(place.committer(place.disk()).commit({"run-2"}, second));
      CHECK(place.seen() == place.all("second"));
    });
    REQUIRE(place.committer(files).commit({"run-1"}, first));
    const Content seen = place.seen();
    CHECK((seen == place.all("first") || seen == place.all("second")));
    REQUIRE(place.committer(place.disk()).clean_up("run-1"));
    REQUIRE(place.committer(place.disk()).clean_up("run-2"));
    CHECK(place.seen() == seen);
    CHECK(place.names().size() == 1);
  }
}

TEST_CASE("of two executors with the same commit, wherever one stops, both or one make it whole") {
  // The second one does all of it within the first one, before each of its calls to the disk.
  const Target target = any_target();
  const Existing existing = GENERATE(Existing::replace, Existing::refuse);
  const bool replaces = existing == Existing::replace && GENERATE(true, false);
  const bool older = target == Target::directory && GENERATE(true, false);
  for (int at = 0, calls = 1; at < calls; ++at) {
    INFO("before call " << at);
    Place place(target);
    if (replaces) {
      const auto old = place.stage("run-0", "a0", "old");
      REQUIRE(place.committer(place.disk()).commit({"run-0"}, old));
      REQUIRE(place.committer(place.disk()).clean_up("run-0"));
    }
    const auto staged = place.stage("run-1", "a1", "new");
    if (older) place.as_an_older_version("run-1");
    FaultyFiles files(place.disk());
    files.before_call(at, [&] {
      REQUIRE(place.committer(place.disk(), existing).commit({"run-1"}, staged));
      CHECK(place.seen() == place.all("new"));
    });
    const Result<> done = place.committer(files, existing).commit({"run-1"}, staged);
    calls = files.calls();
    CHECK(place.seen() == place.all("new"));
    CHECK((done.ok() || done.error().code == ErrorCode::unavailable));
    CHECK(place.committer(place.disk(), existing).commit({"run-1"}, staged).ok());
    REQUIRE(place.committer(place.disk()).clean_up("run-1"));
    CHECK(place.seen() == place.all("new"));
    CHECK(place.names().size() == 1);
  }
}

TEST_CASE("two executors who take the same commit from each other end with one whole output") {
  // The second one stops at each of its calls, and the first one goes on.
  const bool replaces = GENERATE(true, false);
  const bool older = GENERATE(true, false);
  int stops = 0;
  for (int at = 0, calls = 1; at < calls; ++at) {
    bool whole = false;
    for (int stop = 0; !whole; ++stop, ++stops) {
      INFO("before call " << at << " the other one does " << stop);
      Place place(Target::directory);
      if (replaces) {
        const auto old = place.stage("run-0", "a0", "old");
        REQUIRE(place.committer(place.disk()).commit({"run-0"}, old));
      }
      const auto staged = place.stage("run-1", "a1", "new");
      if (older) place.as_an_older_version("run-1");
      const Content before = place.seen();
      FaultyFiles files(place.disk());
      files.before_call(at, [&] {
        FaultyFiles stopping(place.disk());
        stopping.fail_at(stop, FaultyFiles::Fault::dead);
        whole = place.committer(stopping).commit({"run-1"}, staged).ok();
      });
      const Result<> done = place.committer(files).commit({"run-1"}, staged);
      calls = std::max(calls, files.calls());
      const Content seen = place.seen();
      CHECK((seen == place.all("new") || (seen == before && !done)));
      if (!done) CHECK(done.error().code == ErrorCode::unavailable);
      REQUIRE(place.committer(place.disk()).commit({"run-1"}, staged));
      CHECK(place.seen() == place.all("new"));
      if (files.calls() <= at) break;
    }
  }
  CHECK(stops > 100);
}

TEST_CASE("what an older version published is committed, however far that one came") {
  Place place(Target::directory);
  sim::Disk& disk = place.disk();
  const FileCommit committer = place.committer(disk);
  const bool replaces = GENERATE(true, false);
  if (replaces) REQUIRE(committer.commit({"run-0"}, place.stage("run-0", "a0", "old")));
  auto staged = place.stage("run-1", "a1", "new");
  for (const StagedFile& file : place.stage("run-1", "a2", "new")) {
    staged.push_back({file.staged, "of-2/" + file.name, file.bytes});
  }
  place.stage("run-1", "a3", "of a lost attempt");
  Content all = place.all("new");
  for (const auto& [name, text] : place.all("new")) all["of-2/" + name] = text;
  place.as_an_older_version("run-1");

  const std::string staging = Place::staging("run-1"), build = staging + "/output";
  const auto has_moved = [&](std::size_t files) {
    for (std::size_t i = 0; i < files; ++i) {
      REQUIRE(make_durable_directories(disk, parent_of(build + "/" + staged[i].name)));
      REQUIRE(disk.rename(staging + "/" + staged[i].staged, build + "/" + staged[i].name));
    }
  };
  const auto has_built = [&] {
    has_moved(staged.size());
    REQUIRE(write_atomically(disk, build + "/_commit", R"({"marker": "run-1", "files": []})"));
  };
  const auto has_begun_to_place = [&] {
    has_built();
    REQUIRE(write_atomically(disk, staging + "/committing", "run-1"));
  };
  SECTION("not begun") {}
  SECTION("some files moved") { has_moved(2); }
  SECTION("all moved") { has_moved(staged.size()); }
  SECTION("built") { has_built(); }
  SECTION("placed, but for the last step") { has_begun_to_place(); }
  SECTION("placed, and not said") {
    has_begun_to_place();
    REQUIRE((replaces ? disk.exchange(build, place.output()) : disk.rename(build, place.output())));
  }
  REQUIRE(committer.commit({"run-1"}, staged));
  CHECK(place.seen() == all);
  REQUIRE(committer.commit({"run-1"}, staged));
  CHECK(place.seen() == all);
  REQUIRE(committer.clean_up("run-1"));
  CHECK(place.seen() == all);
}

TEST_CASE("a storage that is away is no output that is lost: it is committed when it is back") {
  const Target target = any_target();
  Place place(target);
  sim::Disk& disk = place.disk();
  const auto staged = place.stage("run-1", "a1", "new");
  const FileCommit committer = place.committer(disk);
  const bool is_a_file = GENERATE(true, false);
  REQUIRE(disk.rename("/data", "/unmounted"));
  if (is_a_file) REQUIRE(write_atomically(disk, "/data", "not the disk that you look for"));
  const Result<> away = committer.commit({"run-1"}, staged);
  REQUIRE_FALSE(away);
  CHECK(retryable(away.error().code));
  CHECK(away.error().message.find("the directory '/data' is not there") != std::string::npos);
  if (is_a_file) REQUIRE(disk.remove_all("/data"));
  REQUIRE(disk.rename("/unmounted", "/data"));
  REQUIRE(committer.commit({"run-1"}, staged));
  CHECK(place.seen() == place.all("new"));
}

TEST_CASE("who commits long after all is over changes nothing and leaves nothing behind") {
  const Target target = any_target();
  const bool empty = target == Target::directory && GENERATE(true, false);
  const bool can_exchange = GENERATE(true, false);
  for (int at = 0, calls = 1; at < calls; ++at) {
    INFO("before call " << at);
    Place place(target);
    auto staged = place.stage("run-1", "a1", "new");
    if (empty) staged.clear();
    FaultyFiles files(place.disk());
    if (!can_exchange) files.refuse_exchange();
    files.before_call(at, [&] {
      const FileCommit other = place.committer(place.disk());
      REQUIRE(other.commit({"run-1"}, staged));
      REQUIRE(other.clean_up("run-1"));
      REQUIRE(other.commit({"run-2"}, place.stage("run-2", "a1", "later")));
      REQUIRE(other.clean_up("run-2"));
    });
    const Result<> late = place.committer(files).commit({"run-1"}, staged);
    calls = files.calls();
    const bool was_over = calls <= at;
    if (was_over) break;
    CHECK(place.seen() == place.all("later"));
    CHECK(place.names().size() == 1);
  }
}

TEST_CASE("files that are gone or cut short are never committed") {
  const Target target = any_target();
  Place place(target);
  const FileCommit committer = place.committer(place.disk());
  auto staged = place.stage("run-1", "a1", "whole");
  staged.back().bytes += 1;
  CHECK(committer.commit({"run-1"}, staged).error().code == ErrorCode::corrupt);
  staged = place.stage("run-2", "a1", "whole");
  REQUIRE(committer.clean_up("run-2"));
  CHECK(committer.commit({"run-2"}, staged).error().code == ErrorCode::corrupt);
  CHECK(place.seen().empty());
}

TEST_CASE("mode error refuses an output that exists, but recognises its own") {
  const Target target = any_target();
  Place place(target);
  const FileCommit committer = place.committer(place.disk(), Existing::refuse);
  const auto first = place.stage("run-1", "a1", "first");
  REQUIRE(committer.commit({"run-1"}, first));
  CHECK(committer.commit({"run-1"}, first).ok());
  const auto second = place.stage("run-2", "a1", "second");
  CHECK(committer.commit({"run-2"}, second).error().code == ErrorCode::already_exists);
  CHECK(place.seen() == place.all("first"));
}

TEST_CASE("of two commits at the same moment mode error lets one through") {
  const Target target = any_target();
  for (int at = 0, calls = 1; at < calls; ++at) {
    INFO("before call " << at);
    Place place(target);
    const auto first = place.stage("run-1", "a1", "first");
    const auto second = place.stage("run-2", "a1", "second");
    FaultyFiles files(place.disk());
    bool other_done = false;
    files.before_call(at, [&] {
      other_done = place.committer(place.disk(), Existing::refuse).commit({"run-2"}, second).ok();
    });
    const bool done = place.committer(files, Existing::refuse).commit({"run-1"}, first).ok();
    calls = files.calls();
    CHECK(done != other_done);
    CHECK(place.seen() == place.all(done ? "first" : "second"));
  }
}

TEST_CASE("markers that differ have directories that differ") {
  Place place(Target::directory);
  const FileCommit committer = place.committer(place.disk());
  const auto slash = place.stage("a/b", "t", "1");
  const auto dash = place.stage("a%2fb", "t", "2");
  REQUIRE(committer.clean_up("a%2fb"));
  CHECK(committer.commit({"a/b"}, slash).ok());
  CHECK(place.seen() == place.all("1"));
}
