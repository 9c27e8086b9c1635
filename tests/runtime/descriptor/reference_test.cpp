// What we tell people to write is right: the examples of the reference page and of every operator
// are checked like any descriptor.
#include "runtime/descriptor/check_job.hpp"
#include "tests/support/all_operators.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

using namespace troupe;

namespace {

const std::string head = "apiVersion: troupe/v1\nkind: Job\nmetadata: {name: example}\n";
/// That examples may name.
const std::string connections =
    "connections: {ledger: {type: postgres, url: postgres://db/ledger}}\n";
const std::string flow =
    "dataflow:\n  rows: {op: values, with: {rows: [{a: 1}]}}\n  out: {op: print, from: rows}\n";

std::string indented(const std::string& text, const std::string& by) {
  std::istringstream lines(text);
  std::string all;
  for (std::string line; std::getline(lines, line);) all += by + line + "\n";
  return all;
}

std::string mistakes(const std::string& text, CheckStage last) {
  CheckOptions options;
  options.last = last;
  std::string all;
  for (const Diagnostic& one : check_job("example", text, all_operators(), options).mistakes) {
    all += render_text(one);
  }
  return all;
}

/// The blocks between ```yaml and ``` of a page.
std::vector<std::string> blocks_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> blocks;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "```yaml") {
      blocks.emplace_back();
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

/// A fragment as part of a whole descriptor.
std::string whole(const std::string& block) {
  if (block.starts_with("apiVersion")) return block;
  if (!block.starts_with("where")) return head + block + flow;
  return head + flow + "  some:\n    op: filter\n    from: rows\n    with:\n" +
         indented(block, "      ") + "  out2: {op: print, from: some}\n";
}

}  // namespace

TEST_CASE("the examples of the reference page are valid") {
  const std::vector<std::string> blocks = blocks_of(TROUPE_REFERENCE);
  REQUIRE(blocks.size() >= 3);
  for (const std::string& block : blocks) {
    INFO(block);
    CHECK(mistakes(whole(block), CheckStage::graph) == "");
  }
}

TEST_CASE("the example of every operator is valid in shape") {
  for (const OperatorKind* kind : all_operators().all()) {
    const std::string& example = kind->description().example;
    INFO(kind->description().name);
    CHECK(!example.empty());
    const std::string text = example.starts_with("op:") ? "  it:\n" + indented(example, "    ")
                                                        : indented(example, "  ");
    CHECK(mistakes(head + connections + "dataflow:\n" + text, CheckStage::shape) == "");
    CHECK(example.find("op: " + kind->description().name) != std::string::npos);
  }
}

TEST_CASE("every source and sink says its guarantee, and the reference has it") {
  std::ifstream file(TROUPE_REFERENCE);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  for (const OperatorKind* kind : all_operators().all()) {
    const OperatorDescription& told = kind->description();
    INFO(told.name);
    if (told.role == OperatorRole::transform) {
      CHECK_FALSE(told.guarantee);
      continue;
    }
    REQUIRE(told.guarantee);
    const std::string row = fmt::format("| {} |", to_string(*told.guarantee));
    CHECK(std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find("`" + told.name + "`") != std::string::npos &&
             line.find(row) != std::string::npos;
    }));
  }
}
