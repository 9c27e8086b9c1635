#include "runtime/connectors/bytes_as_text.hpp"

#include "runtime/base/hex.hpp"
#include "runtime/base/near.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/utf8_check.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/base64.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace troupe {
namespace {

enum class BytesAs { base64, hex, text, uuid };

constexpr std::array<std::pair<std::string_view, BytesAs>, 4> ways = {{{"base64", BytesAs::base64},
                                                                       {"hex", BytesAs::hex},
                                                                       {"text", BytesAs::text},
                                                                       {"uuid", BytesAs::uuid}}};

using BytesAsOf = std::map<std::string, BytesAs>;

constexpr std::size_t uuid_bytes = 16;

/// RFC 9562: digits of the bytes in their order, in groups of 8, 4, 4, 4 and 12.
std::string as_uuid(std::string_view bytes) {
  std::string text = to_hex(bytes);
  for (const std::size_t at : {8, 13, 18, 23}) text.insert(at, "-");
  return text;
}

std::string told_as(BytesAs way, std::string_view bytes) {
  if (way == BytesAs::base64) return arrow::util::base64_encode(bytes);
  return way == BytesAs::uuid ? as_uuid(bytes) : to_hex(bytes);
}

/// The bytes are seen as what they are said to be; nothing is copied.
Result<std::shared_ptr<arrow::Array>> seen_as_text(const arrow::Array& bytes,
                                                   const std::string& column) {
  auto texts = TRY(arrow_try(bytes.View(arrow::utf8())));
  if (first_not_utf8(*texts)) return not_utf8(column);
  return texts;
}

Result<std::shared_ptr<arrow::Array>> as_text(const arrow::BinaryArray& bytes, BytesAs way,
                                              const std::string& column) {
  if (way == BytesAs::text) return seen_as_text(bytes, column);
  constexpr std::int64_t letters_a_byte = 3;  // at most
  if (bytes.total_values_length() > arrow::kBinaryMemoryLimit / letters_a_byte) {
    return make_error(ErrorCode::invalid_argument, "column '{}': {} bytes are too many to be text",
                      column, bytes.total_values_length());
  }
  arrow::StringBuilder texts;
  TRY(arrow_try(texts.Reserve(bytes.length())));
  for (std::int64_t row = 0; row < bytes.length(); ++row) {
    if (bytes.IsNull(row)) {
      TRY(arrow_try(texts.AppendNull()));
      continue;
    }
    const std::string_view value = bytes.GetView(row);
    if (way == BytesAs::uuid && value.size() != uuid_bytes) {
      return make_error(ErrorCode::invalid_argument,
                        "column '{}': a value of {} bytes is no UUID, which has {}", column,
                        value.size(), uuid_bytes);
    }
    TRY(arrow_try(texts.Append(told_as(way, value))));
  }
  return TRY(arrow_try(texts.Finish()));
}

class TextReader final : public BatchReader {
 public:
  TextReader(std::unique_ptr<BatchReader> batches, std::string path, BytesAsOf columns)
      : batches_(std::move(batches)), path_(std::move(path)), columns_(std::move(columns)) {}

  Result<Batch> next() override {
    const Batch found = TRY(batches_->next());
    if (!found) return Batch();
    auto rows = found.columns();
    for (int i = 0; i < rows->num_columns(); ++i) {
      const auto asked = columns_.find(rows->column_name(i));
      if (asked == columns_.end()) continue;
      const auto bytes = TRY(plain(rows->column(i)));
      if (bytes->type_id() != arrow::Type::BINARY) continue;
      auto texts =
          as_text(static_cast<const arrow::BinaryArray&>(*bytes), asked->second, asked->first);
      if (!texts) return texts.error().within(fmt::format("'{}'", path_));
      rows = TRY(
          arrow_try(rows->SetColumn(i, rows->schema()->field(i)->WithType(arrow::utf8()), *texts)));
    }
    return Batch(rows);
  }

  SkippedRows skipped() const override { return batches_->skipped(); }

 private:
  const std::unique_ptr<BatchReader> batches_;
  const std::string path_;
  const BytesAsOf columns_;
};

/// Shows a format's files as if they held the texts.
class TextFormat final : public ReadFormat {
 public:
  TextFormat(std::shared_ptr<const ReadFormat> format, BytesAsOf columns, bool unite)
      : ReadFormat(format->files()),
        format_(std::move(format)),
        columns_(std::move(columns)),
        unite_(unite) {}

  Result<FileInfo> inspect(const std::string& path) const override {
    FileInfo info = TRY(format_->inspect(path));
    for (const auto& [name, way] : columns_) {
      const auto field = info.schema->GetFieldByName(name);
      if (field == nullptr && unite_) continue;
      if (field == nullptr) {
        return unknown_column(fmt::format("there is no column '{}' in '{}'", name, path), name,
                              info.schema->field_names())
            .at("bytes_as." + name);
      }
      if (is_bytes(*field) || field->type()->id() == arrow::Type::STRING) continue;
      return make_error(ErrorCode::invalid_argument, "column '{}' in '{}' is {}, not bytes", name,
                        path, type_name(*field->type()))
          .at("bytes_as." + name);
    }
    info.schema = shown(*info.schema);
    return info;
  }

  Result<SchemaPtr> columns_in(const std::string& path, const SchemaPtr& wanted) const override {
    return shown(*TRY(format_->columns_in(path, wanted)));
  }

  Widening widening() const override { return format_->widening(); }

  Result<std::vector<FilePart>> parts(const std::string& path, const ReadRequest& request,
                                      std::int64_t part_bytes) const override {
    return format_->parts(path, TRY(as_found(path, request)), part_bytes);
  }

  Result<std::unique_ptr<BatchReader>> open(const FilePart& part,
                                            const ReadRequest& request) const override {
    auto batches = TRY(format_->open(part, TRY(as_found(part.path, request))));
    return std::unique_ptr<BatchReader>(
        std::make_unique<TextReader>(std::move(batches), part.path, columns_));
  }

 private:
  static bool is_bytes(const arrow::Field& field) {
    return field.type()->id() == arrow::Type::BINARY;
  }

  SchemaPtr shown(const arrow::Schema& found) const {
    arrow::FieldVector fields = found.fields();
    for (auto& field : fields) {
      if (columns_.contains(field->name()) && is_bytes(*field)) {
        field = field->WithType(arrow::utf8());
      }
    }
    return arrow::schema(std::move(fields));
  }

  /// What the file is asked for. Its statistics are of bytes, so they say nothing of the texts.
  Result<ReadRequest> as_found(const std::string& path, const ReadRequest& request) const {
    const auto found = TRY(format_->columns_in(path, request.schema));
    ReadRequest asked = request;
    arrow::FieldVector fields = request.schema->fields();
    for (auto& field : fields) {
      const auto there = found->GetFieldByName(field->name());
      if (columns_.contains(field->name()) && there != nullptr && is_bytes(*there)) field = there;
    }
    asked.schema = arrow::schema(std::move(fields));
    std::erase_if(asked.bounds, [&](const ColumnBound& bound) {
      return is_bytes(*asked.schema->field(bound.column));
    });
    return asked;
  }

  const std::shared_ptr<const ReadFormat> format_;
  const BytesAsOf columns_;
  const bool unite_;  ///< a file may lack a column
};

}  // namespace

Parameter bytes_as_parameter() {
  return {.name = "bytes_as",
          .type = ParameterType::column_types,
          .help =
              "Columns of bytes that are read as text, and how: {id: uuid, digest: hex}. Of "
              "uuid (16 bytes), hex, base64, and text, which are bytes that are UTF-8."};
}

Result<std::shared_ptr<const ReadFormat>> bytes_as_text(const Options& options,
                                                        std::shared_ptr<const ReadFormat> format) {
  if (!options.has("bytes_as")) return format;
  BytesAsOf columns;
  for (const NamedText& entry : options.named("bytes_as")) {
    const auto* way = std::find_if(ways.begin(), ways.end(),
                                   [&](const auto& known) { return known.first == entry.text; });
    if (way == ways.end()) {
      Error error =
          make_error(ErrorCode::invalid_argument, "bytes cannot be read as '{}'", entry.text);
      error.hint = "uuid, hex, base64 or text";
      return error.at("bytes_as." + entry.name);
    }
    columns[entry.name] = way->second;
  }
  return std::make_shared<TextFormat>(std::move(format), std::move(columns),
                                      options.text("schema") == "union");
}

}  // namespace troupe
