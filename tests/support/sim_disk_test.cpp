// The simulated disk: what processes see of it is what they see of the real one; what is left of it
// after a power cut is what was made durable, and of the rest no more than a real one may keep.
//
// The first is shown by thousands of calls to both; the second by cutting the power many times.
#include "tests/support/sim_disk.hpp"

#include "runtime/base/node_fault.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <set>

using namespace troupe;

namespace {

constexpr int cuts = 200;  ///< enough for each of a few ways to happen

/// All that is on a disk below a directory, by its path from there; directories end with '/'.
std::map<std::string, std::string> tree(FileSystem& files, const std::string& top,
                                        const std::string& below = "") {
  std::map<std::string, std::string> all;
  const auto names = *files.list(top + below);
  for (const std::string& name : names) {
    const std::string path = below + "/" + name;
    if (files.is_directory(top + path)) {
      all[path + "/"] = "";
      all.merge(tree(files, top, path));
    } else {
      all[path] = *files.read(top + path);
    }
  }
  return all;
}

/// How a call went, in words that do not tell where the disk is.
template <class T>
std::string outcome(const Result<T>& result, const std::string& top) {
  if (result) return "done";
  std::string text = result.error().to_string();
  for (std::size_t at; (at = text.find(top)) != std::string::npos;) text.erase(at, top.size());
  return text;
}

/// One call to a disk, drawn at random, on a handful of names so that they meet.
class AnyCall {
 public:
  explicit AnyCall(Random& chance) : kind_(chance.below(11)), a_(any(chance)), b_(any(chance)) {}

  std::string on(FileSystem& files, const std::string& top) const {
    const std::string a = top + a_;
    const std::string b = top + b_;
    switch (kind_) {
      case 0:
      case 1:
        return outcome(files.make_directories(a), top);
      case 2:
      case 3:
        return outcome(write(files, a), top);
      case 4:
        return outcome(files.rename(a, b), top);
      case 5:
        return outcome(files.rename_new(a, b), top);
      case 6:
        return outcome(files.exchange(a, b), top);
      case 7:
        return outcome(files.remove_all(a), top);
      case 8:
        return outcome(files.sync_directory(a), top);
      case 9:
        return outcome(files.list(a), top);
      default:
        return outcome(files.read(a), top);
    }
  }
  std::string text() const { return fmt::format("call {} of {} and {}", kind_, a_, b_); }

 private:
  static std::string any(Random& chance) {
    std::string path;
    for (std::uint64_t depth = 0; depth <= chance.below(3); ++depth) {
      path += fmt::format("/{}", static_cast<char>('a' + chance.below(3)));
    }
    return path;
  }
  Result<> write(FileSystem& files, const std::string& path) const {
    const auto file = TRY(files.create(path));
    TRY(file->append(b_));
    return file->close();
  }

  std::uint64_t kind_;
  std::string a_;
  std::string b_;
};

/// What may be left of `prepare`'s work by a power cut: each outcome that showed.
template <class Prepare, class See>
std::set<std::string> left_of(Prepare prepare, See see) {
  std::set<std::string> seen;
  for (int seed = 0; seed < cuts; ++seed) {
    sim::Disk disk(static_cast<std::uint64_t>(seed));
    prepare(disk);
    disk.power_cut();
    seen.insert(see(disk));
  }
  return seen;
}

std::string names_of(sim::Disk& disk, const std::string& directory) {
  return fmt::format("{}", fmt::join(*disk.list(directory), " "));
}

/// Durable with its name.
void keep(sim::Disk& disk, const std::string& path, std::string_view bytes) {
  REQUIRE(write_atomically(disk, path, bytes));
}

std::unique_ptr<WritableFile> appended(sim::Disk& disk, const std::string& path,
                                       std::string_view bytes) {
  auto file = *disk.create(path);
  REQUIRE(file->append(bytes));
  return file;
}

}  // namespace

TEST_CASE("a simulated disk answers as the real one does, whatever is asked of it") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    TempDir dir;
    sim::Disk disk;
    REQUIRE(disk.make_directories("/disk"));
    Random chance(seed);
    for (int i = 0; i < 200; ++i) {
      const AnyCall call(chance);
      INFO("seed " << seed << ", " << i << ": " << call.text());
      REQUIRE(call.on(disk, "/disk") == call.on(system_files(), dir.path()));
      REQUIRE(tree(disk, "/disk") == tree(system_files(), dir.path()));
    }
  }
}

TEST_CASE("bytes that were not synced are lost in a power cut, or a part of them") {
  const auto write = [](sim::Disk& disk) {
    keep(disk, "/rows", "");
    const auto file = appended(disk, "/rows", "synced");
    REQUIRE(file->sync());
    REQUIRE(file->append(", not"));
  };
  const auto seen = left_of(write, [](sim::Disk& disk) { return *disk.read("/rows"); });
  CHECK(seen == std::set<std::string>{"synced", "synced,", "synced, ", "synced, n", "synced, no",
                                      "synced, not"});
}

TEST_CASE("a file that is written anew is the old one, or a part of the new one") {
  const auto write = [](sim::Disk& disk) {
    keep(disk, "/rows", "old");
    appended(disk, "/rows", "ne");
  };
  const auto seen = left_of(write, [](sim::Disk& disk) { return *disk.read("/rows"); });
  CHECK(seen == std::set<std::string>{"old", "", "n", "ne"});
}

TEST_CASE("a killed process has lost nothing of what it appended") {
  sim::Disk disk;
  { const auto file = appended(disk, "/rows", "not synced"); }
  CHECK(*disk.read("/rows") == "not synced");
}

TEST_CASE("a name is durable with its directory, and not with its file") {
  const auto made = [](sim::Disk& disk) { REQUIRE(appended(disk, "/new", "rows")->sync()); };
  const auto see = [](sim::Disk& disk) {
    return disk.exists("/new") ? *disk.read("/new") : std::string("none");
  };
  CHECK(left_of(made, see) == std::set<std::string>{"none", "rows"});
  const auto kept = [&](sim::Disk& disk) {
    made(disk);
    REQUIRE(disk.sync_directory("/"));
  };
  CHECK(left_of(kept, see) == std::set<std::string>{"rows"});
}

TEST_CASE("changes of names are kept or undone from the last one on, each as one step") {
  const auto change = [](sim::Disk& disk) {
    keep(disk, "/a", "A");
    keep(disk, "/b", "B");
    REQUIRE(disk.exchange("/a", "/b"));
    REQUIRE(disk.rename_new("/a", "/c"));
    REQUIRE(disk.remove_all("/b"));
  };
  const auto see = [](sim::Disk& disk) {
    std::string all;
    for (const auto& [path, bytes] : tree(disk, "/")) all += path + "=" + bytes + " ";
    return all;
  };
  CHECK(left_of(change, see) ==
        std::set<std::string>{"/a=A /b=B ", "/a=B /b=A ", "/b=A /c=B ", "/c=B "});
}

TEST_CASE("who syncs one directory has made durable what came before there, and nothing else") {
  const auto change = [](sim::Disk& disk) {
    REQUIRE(disk.make_directories("/from"));
    REQUIRE(disk.make_directories("/to"));
    REQUIRE(disk.sync_directory("/"));
    REQUIRE(appended(disk, "/from/x", "x")->sync());
    REQUIRE(disk.rename("/from/x", "/to/x"));
    appended(disk, "/from/y", "y");
    REQUIRE(disk.sync_directory("/to"));
  };
  const auto see = [](sim::Disk& disk) {
    return names_of(disk, "/from") + "|" + names_of(disk, "/to");
  };
  CHECK(left_of(change, see) == std::set<std::string>{"|x", "y|x"});
}

TEST_CASE("what is replaced atomically is never half there") {
  const auto replace = [](sim::Disk& disk) {
    keep(disk, "/state", "old");
    auto file = appended(disk, "/state.new", "new content");
    REQUIRE(file->sync());
    REQUIRE(disk.rename("/state.new", "/state"));
  };
  const auto see = [](sim::Disk& disk) { return *disk.read("/state"); };
  CHECK(left_of(replace, see) == std::set<std::string>{"old", "new content"});
  const auto replaced = [](sim::Disk& disk) {
    keep(disk, "/state", "old");
    keep(disk, "/state", "new content");
  };
  CHECK(left_of(replaced, see) == std::set<std::string>{"new content"});
}

TEST_CASE("a sync that fails has lost its bytes, whatever a later one says") {
  const auto write = [](sim::Disk& disk) {
    keep(disk, "/rows", "");
    const auto file = appended(disk, "/rows", "rows");
    disk.fail_next_sync();
    const auto synced = file->sync();
    REQUIRE_FALSE(synced);
    CHECK(is_node_fault(synced.error()));
    CHECK(file->sync());
    CHECK(*disk.read("/rows") == "rows");
  };
  const auto seen = left_of(write, [](sim::Disk& disk) { return *disk.read("/rows"); });
  CHECK(seen == std::set<std::string>{""});
}

TEST_CASE("a file that was open when the power went cannot be written any more") {
  sim::Disk disk;
  const auto file = appended(disk, "/rows", "rows");
  disk.power_cut();
  const auto written = file->append("more");
  REQUIRE_FALSE(written);
  CHECK(written.error().message == "cannot write '/rows': Stale file handle");
  CHECK(is_node_fault(written.error()));
  CHECK(is_node_fault(file->sync().error()));
}

TEST_CASE(
    "a full disk takes no byte and no name, and is nobody's fault; a broken one is its node's") {
  sim::Disk disk;
  const auto file = appended(disk, "/rows", "rows");
  disk.be_full(true);
  const auto full = file->append("more");
  REQUIRE_FALSE(full);
  CHECK(full.error().message == "cannot write '/rows': No space left on device");
  CHECK(full.error().code == ErrorCode::unavailable);
  CHECK_FALSE(is_node_fault(full.error()));
  CHECK_FALSE(disk.create("/other"));
  CHECK_FALSE(disk.make_directories("/others"));
  CHECK(*disk.read("/rows") == "rows");
  disk.be_full(false);
  CHECK(file->append(", more"));
  disk.be_broken(true);
  CHECK(is_node_fault(disk.read("/rows").error()));
  CHECK(is_node_fault(file->append("more").error()));
  CHECK(is_node_fault(file->sync().error()));
  CHECK(is_node_fault(disk.rename("/rows", "/names").error()));
  CHECK(is_node_fault(disk.remove_all("/rows").error()));
  disk.be_broken(false);
  CHECK(*disk.read("/rows") == "rows, more");
}

TEST_CASE("rot changes one bit, also of what is durable") {
  sim::Disk disk;
  keep(disk, "/rows", "rows");
  CHECK(disk.rot("/rows"));
  const std::string rotten = *disk.read("/rows");
  CHECK(rotten != "rows");
  CHECK(rotten.size() == 4);
  disk.power_cut();
  CHECK(*disk.read("/rows") == rotten);
  CHECK_FALSE(disk.rot("/none"));
}

TEST_CASE("another content is another version, also where its size is the same") {
  sim::Disk disk;
  keep(disk, "/rows", "old");
  const std::string before = *disk.version("/rows");
  disk.power_cut();
  CHECK(*disk.version("/rows") == before);
  appended(disk, "/rows", "new");
  CHECK(*disk.version("/rows") != before);
}

TEST_CASE("names that nobody makes durable are written in the end, the oldest first") {
  const auto make = [](sim::Disk& disk) {
    for (std::size_t i = 0; i < sim::names_not_durable_max + 1; ++i) {
      appended(disk, fmt::format("/{:06}", i), "");
    }
  };
  const auto see = [](sim::Disk& disk) {
    return fmt::format("{} {}", disk.exists("/000000"), disk.exists("/000500"));
  };
  CHECK(left_of(make, see) == std::set<std::string>{"true false", "true true"});
}
