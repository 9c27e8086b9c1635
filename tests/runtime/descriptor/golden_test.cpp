// Every broken descriptor of tests/golden/descriptor gets exactly the messages of the .txt beside
// it, at their line and column. TROUPE_REWRITE=1 writes the .txt anew: then read the difference.
//
// Each is checked in an empty directory, so that relative paths lead nowhere. A first line "#
// check: offline -p name=value" says how the file is checked.
#include "runtime/base/json.hpp"
#include "runtime/descriptor/check_job.hpp"
#include "tests/support/all_operators.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

using namespace troupe;

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::filesystem::path> descriptors() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(TROUPE_GOLDEN)) {
    if (entry.path().extension() == ".yaml") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

CheckOptions options_of(const std::string& text) {
  CheckOptions options;
  std::istringstream words(text.substr(0, text.find('\n')));
  std::string word;
  words >> word >> word;
  if (word != "check:") return options;
  while (words >> word) {
    if (word == "offline") options.last = offline_stage;
    if (word != "-p") continue;
    words >> word;
    options.parameters[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
  }
  return options;
}

std::string told(const std::filesystem::path& path) {
  const std::string text = read(path);
  const CheckedJob checked =
      check_job(path.filename().string(), text, all_operators(), options_of(text));
  if (checked.job) return "valid\n";
  std::string all;
  for (const Diagnostic& one : checked.mistakes) all += render_text(one);
  return all;
}

}  // namespace

TEST_CASE("broken descriptors get exactly the expected messages") {
  const TempDir nowhere;
  std::filesystem::current_path(nowhere.path());
  const bool rewrite = std::getenv("TROUPE_REWRITE") != nullptr;
  const auto files = descriptors();
  std::set<std::string> codes;
  for (const auto& path : files) {
    INFO(path.filename().string());
    const std::string actual = told(path);
    auto expected = path;
    expected.replace_extension(".txt");
    if (rewrite) std::ofstream(expected) << actual;
    CHECK(actual == read(expected));
    CHECK((actual == "valid\n") == path.filename().string().starts_with("good-"));
    for (std::size_t at = 0; (at = actual.find("error[TR", at)) != std::string::npos; ++at) {
      codes.insert(actual.substr(at + 6, 6));
    }
  }
  CHECK(files.size() > 60);
  // Every kind of mistake is shown by some file: a kind that nothing can produce is dead.
  std::string missing;
  for (const MistakeKind& kind : mistake_kinds()) {
    if (!codes.count(kind.code)) missing += std::string(kind.code) + " ";
  }
  CHECK(missing == "");
}

TEST_CASE("codes are looked up in any letter case, and each has its explanation") {
  REQUIRE(find_mistake("tr1007"));
  CHECK(find_mistake("TR1007")->mistake == Mistake::unknown_key);
  CHECK_FALSE(find_mistake("TR9999"));
  std::set<std::string> codes;
  for (const MistakeKind& kind : mistake_kinds()) {
    CHECK(codes.insert(kind.code).second);
    CHECK(std::string(kind.explanation).size() > 40);
  }
}

TEST_CASE("a mistake is one line for editors and an object for programs") {
  const CheckedJob checked =
      check_job("jobs/a.yaml", "apiVersion: troupe/v1\nkind: Jib\n", all_operators());
  REQUIRE(checked.mistakes.size() == 1);
  CHECK(render_line(checked.mistakes[0]) ==
        "jobs/a.yaml:2:7: 'kind' is 'Jib'; this version reads 'Job' [TR1011]");
  CHECK(render_json(checked.mistakes[0]).dump() ==
        R"({"code":"TR1011","severity":"error","file":"jobs/a.yaml","line":2,"column":7,)"
        R"("length":3,"message":"'kind' is 'Jib'; this version reads 'Job'"})");
  const CheckedJob unknown = check_job("jobs/b.yaml",
                                       "apiVersion: troupe/v1\nkind: Job\nmetadata: {name: b}\n"
                                       "dataflow:\n  a: {op: print, qqq: 1}\n",
                                       all_operators());
  REQUIRE(!unknown.mistakes.empty());
  const std::string line = render_line(unknown.mistakes[0]);
  INFO(line);
  CHECK(line.find("'qqq'") != std::string::npos);
  CHECK(line.find("(allowed here: ") != std::string::npos);
}
