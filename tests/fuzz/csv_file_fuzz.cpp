// Any bytes as a CSV file: see `FileTarget`. The columns' types are found in the bytes, and the
// reference is given them.
#include "runtime/base/ensure.hpp"
#include "runtime/formats/csv_parse.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/fuzz/file_target.hpp"

#include <arrow/api.h>
#include <arrow/csv/reader.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>

using namespace troupe;

namespace {

/// The text from its first line that is not empty on. Ours passes over empty lines before the
/// header, whatever follows; Arrow's reader takes one for the name of the only column.
arrow::Result<std::shared_ptr<arrow::io::InputStream>> open_at_header(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(path));
  ARROW_ASSIGN_OR_RAISE(const auto size, file->GetSize());
  ARROW_ASSIGN_OR_RAISE(const auto bytes, file->ReadAt(0, size));
  std::string text = bytes->ToString();
  const std::size_t begin = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  text.erase(begin, text.find_first_not_of("\r\n", begin) - begin);
  return std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::move(text)));
}

/// What Arrow's reader says of a header that nothing follows; for us that is a file without rows.
bool has_no_rows(const arrow::Status& status) {
  return status.message() ==
         "CSV parse error: Empty CSV file or block: cannot infer number of columns";
}

arrow::Result<std::shared_ptr<arrow::Table>> reference(const std::string& path,
                                                       const SchemaPtr& schema) {
  ARROW_ASSIGN_OR_RAISE(const auto file, open_at_header(path));
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;
  auto convert = convert_options({});
  for (const auto& field : schema->fields()) convert.column_types[field->name()] = field->type();
  const auto parse = parse_options({}, static_cast<std::size_t>(schema->num_fields()));
  ARROW_ASSIGN_OR_RAISE(
      const auto reader,
      arrow::csv::TableReader::Make(arrow::io::default_io_context(), file, read, parse, convert));
  auto table = reader->Read();
  return has_no_rows(table.status()) ? arrow::Table::MakeEmpty(schema) : table;
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
