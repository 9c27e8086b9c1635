// Any text is a job, or has mistakes that stand in it: never both, never neither, and every mistake
// lies inside the file.
#include "runtime/base/ensure.hpp"
#include "runtime/base/json.hpp"
#include "runtime/descriptor/check_job.hpp"
#include "runtime/graph/job_graph.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/support/test_operators.hpp"

#include <algorithm>

using namespace troupe;
using test_operators::registry;

std::vector<std::string> troupe::fuzz_corpus() {
  const std::string head = "apiVersion: troupe/v1\nkind: Job\nmetadata: {name: a}\n";
  return {head +
              "dataflow:\n  rows: {op: test.read, with: {columns: [a, b], path: x}}\n"
              "  sums: {op: test.group, from: rows, with: {by: a}}\n"
              "  out: {op: test.write, from: sums}\n",
          head +
              "params:\n  top: {type: int, default: 3, min: 1}\n  n: {type: string, default: a}\n"
              "parallelism: ${{ params.top + 1 }}\nmemory: 1GiB\nrestart: {attempts: 3}\n"
              "dataflow:\n  rows:\n    op: test.read\n    with:\n      path: >-\n        "
              "${{ if(params.top == 3, 'x', params.n) }}\n        y\n"
              "  out: {op: test.write, from: [rows]}\n",
          head +
              "a: &x [1, 2]\nb: [*x, \"q\\u00e9\", 'it''s']\ndataflow:\n  rows: {op: test.read}\n"
              "  out: {op: test.write, from: rows}\ntests:\n  - name: one\n    given:\n"
              "      rows: [{a: 1}]\n    expect: {rows: {count: 1}}\n"};
}

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const CheckedJob checked = check_job("fuzz.yaml", text, registry());
  ENSURE(checked.job.has_value() == checked.mistakes.empty(), "a job and mistakes, or neither");
  if (checked.job) encode_plan(checked.job->graph);
  const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
  for (const Diagnostic& one : checked.mistakes) {
    ENSURE(one.position.line >= 1 && one.position.line <= lines, "a mistake outside of the file");
    ENSURE(one.position.column >= 1 && one.length >= 1, "a mistake without a place");
    ENSURE(!render_text(one).empty() && !render_line(one).empty(), "a mistake without words");
    (void)render_json(one).dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return 0;
}
