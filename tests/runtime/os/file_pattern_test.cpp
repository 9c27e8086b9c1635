// Patterns name the same files as in a shell, in a stable order, and say what there is when they
// name none.
#include "runtime/os/file_pattern.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>

using namespace troupe;

namespace {

using Names = std::vector<std::string>;

class Tree {
 public:
  explicit Tree(const Names& names) {
    for (const std::string& name : names) {
      const std::string path = dir_.path() + "/" + name;
      REQUIRE(system_files().make_directories(parent_of(path)));
      REQUIRE(write_atomically(system_files(), path, "x"));
    }
  }
  std::string at(const std::string& name) const { return dir_.path() + "/" + name; }
  Names find(const std::string& pattern) const {
    const auto found = find_files(system_files(), at(pattern));
    REQUIRE(found);
    Names names;
    for (const std::string& path : *found) names.push_back(path.substr(dir_.path().size() + 1));
    return names;
  }

 private:
  TempDir dir_;
};

}  // namespace

TEST_CASE("wildcards match within a name, double stars any number of directories") {
  const Tree tree({"a/x1.csv", "a/x2.csv", "a/y1.csv", "a/x1.txt", "a/b/x3.csv", "a/b/c/x4.csv"});
  CHECK(tree.find("a/x*.csv") == Names{"a/x1.csv", "a/x2.csv"});
  CHECK(tree.find("a/?1.csv") == Names{"a/x1.csv", "a/y1.csv"});
  CHECK(tree.find("a/[yz]*") == Names{"a/y1.csv"});
  CHECK(tree.find("*/x2.csv") == Names{"a/x2.csv"});
  CHECK(tree.find("**/x*.csv") == Names{"a/b/c/x4.csv", "a/b/x3.csv", "a/x1.csv", "a/x2.csv"});
  CHECK(tree.find("a/b/**") == Names{"a/b/c/x4.csv", "a/b/x3.csv"});
  CHECK(tree.find("a/**/c/*") == Names{"a/b/c/x4.csv"});
}

TEST_CASE("what would be found is what is found") {
  const Names names{"a/x1.csv",   "a/x2.csv", "a/b/x3.csv", "a/b/c/x4.csv", "a/_commit",
                    "a/.h/x.csv", "out.csv",  "a/b.csv/p",  "[x].csv"};
  const Tree tree(names);
  for (const char* pattern :
       {"a", "a/", "a/b", "a/*", "a/*.csv", "a/**", "a/**/x*.csv", "**/*.csv", "*.csv",
        "a/*/x3.csv", "a/_*", "a/.h/*", "*/b", "a/x1.csv", "[x].csv", "**/c", "**"}) {
    const Names found = tree.find(pattern);
    for (const std::string& name : names) {
      INFO(pattern << " and " << name);
      const bool is_found = std::ranges::find(found, name) != found.end();
      CHECK(would_find(system_files(), tree.at(pattern), tree.at(name)) == is_found);
    }
  }
  CHECK(would_find(system_files(), tree.at("a/**"), tree.at("a/new/part-0")));
  CHECK_FALSE(would_find(system_files(), tree.at("a/*"), tree.at("a/new/part-0")));
}

TEST_CASE("a directory stands for the data files in it, without markers and what is staged") {
  const Tree tree({"out/part-1", "out/part-0", "out/_commit", "out/.hidden", "out/sub/part-2",
                   ".out.troupe-1/t/part-9"});
  CHECK(tree.find("out") == Names{"out/part-0", "out/part-1"});
  CHECK(tree.find("out/") == Names{"out/part-0", "out/part-1"});
  CHECK(tree.find("out/*") == Names{"out/part-0", "out/part-1"});
  CHECK(tree.find("**/part-*") == Names{"out/part-0", "out/part-1", "out/sub/part-2"});
  CHECK(tree.find("out/_*") == Names{"out/_commit"});
}

TEST_CASE("an existing file is taken by its name, whatever its letters") {
  const Tree tree({"a[1].csv", "a1.csv"});
  CHECK(tree.find("a[1].csv") == Names{"a[1].csv"});
  CHECK(tree.find("a[12].csv") == Names{"a1.csv"});
}

TEST_CASE("no file is an error that shows what there is") {
  const Tree tree({"data/flights.csv"});
  const auto none = find_files(system_files(), tree.at("data/*.parquet"));
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::not_found);
  CHECK(none.error().message.find("data/*.parquet") != std::string::npos);
  CHECK(none.error().hint.find("flights.csv") != std::string::npos);
  CHECK_FALSE(find_files(system_files(), tree.at("nowhere/x.csv")));
}

TEST_CASE("only local files: another scheme is unsupported, file:// is a path") {
  const Tree tree({"a.csv"});
  CHECK(find_files(system_files(), "s3://bucket/a.csv").error().code == ErrorCode::unsupported);
  CHECK(find_files(system_files(), "file://" + tree.at("a.csv"))->size() == 1);
}

TEST_CASE("the parts of a path") {
  CHECK(extension_of("a.b/c.parquet") == ".parquet");
  CHECK(extension_of("a.b/c") == "");
  CHECK(extension_of(".hidden") == "");
  CHECK(parent_of("a/b") == "a");
  CHECK(parent_of("a") == ".");
  CHECK(parent_of("/a") == "/");
  CHECK(name_of("a/b.csv") == "b.csv");
}

TEST_CASE("a file is found once, however many links lead to it, and loops of links end") {
  const Tree tree({"loop/a.csv", "loop/sub/b.csv", "other/c.csv"});
  std::filesystem::create_directory_symlink("..", tree.at("loop/sub/up"));
  std::filesystem::create_directory_symlink(".", tree.at("loop/self"));
  CHECK(tree.find("loop/**/*.csv") == Names{"loop/a.csv", "loop/sub/b.csv"});
  // A link to somewhere else is followed; to what is found anyway, it adds nothing.
  std::filesystem::create_directory_symlink("../other", tree.at("loop/away"));
  CHECK(tree.find("loop/**/*.csv") == Names{"loop/a.csv", "loop/away/c.csv", "loop/sub/b.csv"});
  CHECK(tree.find("**/*.csv") == Names{"loop/a.csv", "loop/sub/b.csv", "other/c.csv"});
  std::filesystem::create_symlink("c.csv", tree.at("other/a-latest.csv"));
  CHECK(tree.find("other/*.csv") == Names{"other/c.csv"});
  CHECK(tree.find("other/a-latest.csv") == Names{"other/a-latest.csv"});
  CHECK(tree.find("loop/away/*.csv") == Names{"loop/away/a-latest.csv"});
}

TEST_CASE("a directory stands for the files in its directories named key=value, too") {
  const Tree tree({"t/a.csv", "t/y=1/m=2/b.csv", "t/y=2/c.csv", "t/y=2/sub/d.csv", "t/_x=1/e.csv"});
  CHECK(tree.find("t") == Names{"t/a.csv", "t/y=1/m=2/b.csv", "t/y=2/c.csv"});
  CHECK(would_find(system_files(), tree.at("t"), tree.at("t/y=1/m=2/b.csv")));
  CHECK(would_find(system_files(), tree.at("t"), tree.at("t/a.csv")));
  CHECK_FALSE(would_find(system_files(), tree.at("t"), tree.at("t/y=2/sub/d.csv")));
}
