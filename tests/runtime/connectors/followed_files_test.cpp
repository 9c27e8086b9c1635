// A directory that grows: each file is one subtask's, once, whoever lists when; a restart goes on
// in the file at hand; what is not as files that are followed should be is an error that names it.
#include "runtime/connectors/followed_files.hpp"

#include "runtime/base/json.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>

using namespace troupe;

namespace {

/// A directory, and subtasks that follow it.
struct Grown {
  TempDir dir;

  void put(const std::string& name, const std::string& text = "n\n1\n") {
    REQUIRE(write_atomically(system_files(), dir.path() + "/" + name, text));
  }
  void remove(const std::string& name) { std::filesystem::remove(dir.path() + "/" + name); }
  FollowedFiles follow(std::uint32_t subtask, std::uint32_t parallelism, SplitPosition from = {}) {
    return FollowedFiles(system_files(), dir.path(), {subtask, parallelism}, std::move(from));
  }
};

/// The names of files that are there for it, then "." where it waits.
std::string names(FollowedFiles& files) {
  std::string all;
  while (true) {
    const auto next = files.next().value();
    if (!std::holds_alternative<Split>(next)) return all + ".";
    const Json detail = Json::parse(std::get<Split>(next).detail);
    all += std::filesystem::path(detail.at("path").get<std::string>()).filename().string() + " ";
  }
}

std::string message(FollowedFiles& files) {
  const auto next = files.next();
  REQUIRE_FALSE(next.ok());
  return next.error().message;
}

}  // namespace

TEST_CASE("each file is one subtask's, in the order of names, and those that come follow") {
  Grown grown;
  FollowedFiles first = grown.follow(0, 2), second = grown.follow(1, 2);
  CHECK(names(first) == ".");
  grown.put("a");
  grown.put("b");
  CHECK(names(first) == "a .");
  grown.put("c");
  grown.put("_d");
  CHECK(names(first) == "c .");
  CHECK(names(second) == "b .");
  grown.put("d");
  CHECK(names(second) == "d .");
  CHECK(names(first) == ".");
}

TEST_CASE(
    "a restart goes on with the file at hand, or behind it, also where files before are gone") {
  Grown grown;
  for (const char* name : {"a", "b", "c", "d", "e"}) grown.put(name);
  FollowedFiles files = grown.follow(0, 2);
  REQUIRE(files.next());
  REQUIRE(files.next());  // c
  const std::string at_c = files.mark();
  grown.remove("a");
  grown.remove("b");
  grown.put("f");
  FollowedFiles again = grown.follow(0, 2, {1, 7, at_c});
  CHECK(names(again) == "c e .");
  FollowedFiles behind = grown.follow(0, 2, {2, 0, at_c});
  CHECK(names(behind) == "e .");
  // Who waits knows the last file that there is: all before it may go.
  const std::string waiting = behind.mark();
  for (const char* name : {"c", "d", "e"}) grown.remove(name);
  grown.put("g");
  grown.put("h");
  FollowedFiles third = grown.follow(0, 2, {3, 0, waiting});
  CHECK(names(third) == "g .");
  grown.remove("f");
  grown.remove("g");
  grown.remove("h");
  FollowedFiles empty = grown.follow(0, 2, {4, 0, third.mark()});
  CHECK(names(empty) == ".");
  grown.put("i");
  CHECK(names(empty) == "i .");
}

TEST_CASE("a file that comes too late is an error that names it, also where nobody saw it come") {
  Grown grown;
  grown.put("a");
  grown.put("c");
  FollowedFiles files = grown.follow(0, 1);
  CHECK(names(files) == "a c .");
  const std::string mark = files.mark();
  grown.put("b");
  CHECK(message(files) == fmt::format("'{0}/b' came too late: '{0}/c' was there before it, and is "
                                      "behind it by name",
                                      grown.dir.path()));
  FollowedFiles again = grown.follow(0, 1, {2, 0, mark});
  CHECK(message(again) == fmt::format("there were 1 files before '{}/c', and now there are 2: some "
                                      "came too late",
                                      grown.dir.path()));
}

TEST_CASE("a file that changes or goes once it was begun is an error that names it") {
  PlanContext context;
  context.stream = true;
  Grown grown;
  grown.put("a.csv", "n\n1\n2\n");
  const auto plan =
      plan_connector("read.csv", {{"path", grown.dir.path()}, {"follow", true}}, context).value();
  CHECK(plan.endless);
  const auto source = source_of(plan);
  const auto splits = source->sequence({0, 1}, {});
  const Split split = std::get<Split>(splits->next().value());
  const auto reader = source->open(split).value();
  CHECK(lines_of({reader->next().value()}) == std::vector<std::string>{"1", "2"});
  CHECK_FALSE(reader->next().value());
  grown.put("a.csv", "n\n1\n3\n");
  // In its next life, too, it is the file as it was begun that is asked for.
  const auto again = source->sequence({0, 1}, {0, 1, splits->mark()});
  const auto changed = source->open(std::get<Split>(again->next().value()));
  REQUIRE_FALSE(changed.ok());
  CHECK(changed.error().message ==
        fmt::format("'{}/a.csv' was changed while the job was reading it", grown.dir.path()));
  grown.put("b.csv");
  FollowedFiles files = grown.follow(1, 2);
  CHECK(names(files) == "b.csv .");
  grown.put("c.csv");
  grown.put("d.csv");
  FollowedFiles other = grown.follow(1, 4);
  CHECK(names(other) == "b.csv .");
}

TEST_CASE("a file of other columns is refused by name, and a table follows nothing") {
  PlanContext context;
  context.stream = true;
  Grown grown;
  grown.put("a.csv");
  const Json with = {{"path", grown.dir.path()}, {"follow", true}};
  const auto source = source_of(plan_connector("read.csv", with, context).value());
  const auto splits = source->sequence({0, 1}, {});
  REQUIRE(splits->next());
  grown.put("b.csv", "m\n1\n");
  const auto opened = source->open(std::get<Split>(splits->next().value()));
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().message.find("b.csv") != std::string::npos);
  CHECK(plan_connector("read.csv", with).error().path == "follow");
}
