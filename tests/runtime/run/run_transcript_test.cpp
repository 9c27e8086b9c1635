// What a run's machine wants done, event by event, as transcripts that read like the protocol: each
// file states its claim, gives commands, and holds everything the machine answers. Set
// TROUPE_REWRITE=1 to write the answers anew; commit them only if you can say why they changed.
#include "tests/runtime/run/run_script.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace troupe;

namespace {

/// The file with its answers replaced by those of now. Commands begin with "> ".
std::string replayed(const std::string& path) {
  std::ifstream file(path);
  std::string text, line;
  RunScript script;
  while (std::getline(file, line)) {
    const bool kept = line.empty() || line.front() == '#';
    if (kept) text += line + "\n";
    if (line.rfind("> ", 0) == 0) text += line + "\n" + script.run(line.substr(2));
  }
  return text;
}

std::string content(const std::string& path) {
  std::ostringstream all;
  all << std::ifstream(path).rdbuf();
  return all.str();
}

}  // namespace

TEST_CASE("a run machine answers as its transcripts say") {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(TROUPE_GOLDEN_RUN)) {
    paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  REQUIRE(paths.size() >= 8);
  for (const std::string& path : paths) {
    INFO(path);
    const std::string now = replayed(path);
    if (std::getenv("TROUPE_REWRITE") != nullptr) std::ofstream(path) << now;
    CHECK(now == content(path));
  }
}
