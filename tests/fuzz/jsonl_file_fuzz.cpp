// Any bytes as a file of JSON lines: see `FileTarget`. The columns' types are found in the bytes,
// and the reference is given them.
#include "runtime/base/ensure.hpp"
#include "runtime/formats/json_parse.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/fuzz/file_target.hpp"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/json/reader.h>

using namespace troupe;

namespace {

arrow::Result<std::shared_ptr<arrow::Table>> reference(const std::string& path,
                                                       const SchemaPtr& schema) {
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(path));
  auto read = arrow::json::ReadOptions::Defaults();
  read.use_threads = false;
  ARROW_ASSIGN_OR_RAISE(const auto reader,
                        arrow::json::TableReader::Make(
                            arrow::default_memory_pool(), file, read,
                            json_options(schema, arrow::json::UnexpectedFieldBehavior::Ignore)));
  return reader->Read();
}

const FileTarget target{"read.jsonl", ".jsonl", reference};

}  // namespace

std::vector<std::string> troupe::fuzz_corpus() {
  const Batch rows =
      sample_rows({"bool", "int64", "double", "string", "date32[day]", "timestamp[us]"}, 40);
  return {
      written_file([&](const std::string& path) {
        auto writer = write_json(system_files(), path, rows.columns()->schema());
        ENSURE(writer && (*writer)->write(rows) && (*writer)->close(), "no sample");
      }),
      "\xEF\xBB\xBF{\"a\": {\"b\": [1, null, 2.5e3], \"c\": \"\\u00e9\\\"\"}}\n\n{\"a\": null}\n",
      "{\"list\": [{\"x\": 1}, {\"y\": []}], \"t\": \"2024-01-01T00:00:00Z\"}\r\n{}\n",
      "\xEF\xBB{}",
      std::string(300, '[') + "{\"deep\":" + std::string(300, '[') + std::string(300, ']') + "}",
      data_file("damaged/lonely-null.json")};
}

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return run_file_input(target, bytes, size);
}
