#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/csv_file.hpp"
#include "runtime/formats/output_file.hpp"
#include "runtime/formats/written_text.hpp"

#include <arrow/array.h>
#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace troupe {
namespace {

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char letter : text) {
    if (letter == '"') out += letter;
    out += letter;
  }
  out += '"';
}

/// One column of a batch as texts. Those that are texts by themselves stand in quotes, so that an
/// empty one is no null; others where the delimiter may occur in them.
struct CsvColumn {
  std::shared_ptr<arrow::Array> texts;
  bool quoted = false;

  void append(std::int64_t row, std::string& out) const {
    if (texts->IsNull(row)) return;
    const auto text = static_cast<const arrow::StringArray&>(*texts).GetView(row);
    if (quoted) {
      append_quoted(text, out);
    } else {
      out += text;
    }
  }
};

class CsvWriter final : public BatchWriter {
 public:
  CsvWriter(std::unique_ptr<OutputFile> file, char delimiter)
      : file_(std::move(file)),
        delimiter_(delimiter),
        quotes_all_(std::string_view("0123456789+-.: eETZnaifrulst").find(delimiter) !=
                    std::string_view::npos) {}

  Result<> write_header(const arrow::Schema& schema) {
    text_.clear();
    for (int i = 0; i < schema.num_fields(); ++i) {
      if (i > 0) text_ += delimiter_;
      append_quoted(schema.field(i)->name(), text_);
    }
    text_ += '\n';
    return write_text();
  }

  Result<> write(const Batch& batch) override {
    const auto plain = TRY(without_dictionaries(batch));
    std::vector<CsvColumn> columns;
    for (int i = 0; i < plain->num_columns(); ++i) {
      const auto texts = written_texts(plain->column(i));
      if (!texts) return texts.error().within(fmt::format("column '{}'", plain->column_name(i)));
      const bool quoted = quotes_all_ || plain->column(i)->type_id() == arrow::Type::STRING;
      columns.push_back({*texts, quoted});
    }
    text_.clear();
    for (std::int64_t row = 0; row < plain->num_rows(); ++row) {
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (i > 0) text_ += delimiter_;
        columns[i].append(row, text_);
      }
      text_ += '\n';
    }
    return write_text();
  }

  Result<> close() override { return file_->finish(); }

 private:
  Result<> write_text() {
    const auto status = file_->stream()->Write(text_);
    if (!status.ok()) return from_arrow(status).within(fmt::format("writing '{}'", file_->path()));
    return {};
  }

  const std::unique_ptr<OutputFile> file_;
  const char delimiter_;
  const bool quotes_all_;
  std::string text_;
};

bool is_text(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::LIST:
    case arrow::Type::STRUCT:
    case arrow::Type::MAP:
    case arrow::Type::BINARY:
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
    case arrow::Type::DURATION:
      return false;
    default:
      return true;
  }
}

}  // namespace

Result<> check_csv_schema(const arrow::Schema& schema) {
  return check_columns(schema, "CSV", is_text, "write Parquet");
}

Result<std::unique_ptr<BatchWriter>> write_csv(FileSystem& files, const std::string& path,
                                               const SchemaPtr& schema,
                                               const CsvWriteOptions& options) {
  TRY(check_csv_schema(*schema));
  auto file = TRY(OutputFile::create(files, path));
  auto writer = std::make_unique<CsvWriter>(std::move(file), options.delimiter);
  if (options.header) TRY(writer->write_header(*schema));
  return std::unique_ptr<BatchWriter>(std::move(writer));
}

}  // namespace troupe
