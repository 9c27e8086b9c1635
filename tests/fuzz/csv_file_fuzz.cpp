// Any bytes as a CSV file: see `FileTarget`. The columns' types are found in the bytes, and the
// reference is given them.
#include "runtime/base/ensure.hpp"
#include "runtime/formats/csv_parse.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/fuzz/file_target.hpp"

#include <arrow/api.h>
#include <arrow/csv/reader.h>
#include <arrow/io/file.h>

using namespace troupe;

namespace {

arrow::Result<std::shared_ptr<arrow::Table>> reference(const std::string& path,
                                                       const SchemaPtr& schema) {
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(path));
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;
  auto convert = convert_options({});
  for (const auto& field : schema->fields()) convert.column_types[field->name()] = field->type();
  const auto parse = parse_options({}, static_cast<std::size_t>(schema->num_fields()));
  ARROW_ASSIGN_OR_RAISE(
      const auto reader,
      arrow::csv::TableReader::Make(arrow::io::default_io_context(), file, read, parse, convert));
  return reader->Read();
}

const FileTarget target{"read.csv", ".csv", reference};

}  // namespace

std::vector<std::string> troupe::fuzz_corpus() {
  const Batch rows =
      sample_rows({"bool", "int64", "double", "string", "date32[day]", "timestamp[us]"}, 40);
  return {written_file([&](const std::string& path) {
            auto writer = write_csv(system_files(), path, rows.columns()->schema(), {});
            ENSURE(writer && (*writer)->write(rows) && (*writer)->close(), "no sample");
          }),
          "\xEF\xBB\xBFname,\"quoted \"\"name\"\"\"\r\n\"a\r\nb\",1\r\n,\r\n\"\",-7\r\n",
          "n\n1\n\n2\n\n"};
}

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return run_file_input(target, bytes, size);
}
