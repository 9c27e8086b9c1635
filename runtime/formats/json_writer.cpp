#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/json_file.hpp"
#include "runtime/formats/output_file.hpp"
#include "runtime/formats/written_text.hpp"

#include <arrow/array.h>
#include <arrow/compute/api.h>
#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/base64.h>

#include <cmath>
#include <set>

namespace troupe {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

void append_text(std::string_view text, std::string& out) {
  out += '"';
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (code >= 0x20) {
      out += letter;
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", code);
    }
  }
  out += '"';
}

/// Writes the values of one column, nested ones by writers of their children.
class Column {
 public:
  virtual ~Column() = default;
  void append(std::int64_t row, std::string& out) const {
    if (values_->IsNull(row)) {
      out += "null";
    } else {
      append_value(row, out);
    }
  }

 protected:
  explicit Column(ArrayPtr values) : values_(std::move(values)) {}
  virtual void append_value(std::int64_t row, std::string& out) const = 0;
  template <class Array>
  const Array& as() const {
    return static_cast<const Array&>(*values_);
  }

 private:
  const ArrayPtr values_;
};

using ColumnPtr = std::unique_ptr<Column>;

template <class Array>
class Numbers final : public Column {
 public:
  explicit Numbers(ArrayPtr values) : Column(std::move(values)) {}
  void append_value(std::int64_t row, std::string& out) const override {
    const auto value = as<Array>().Value(row);
    if constexpr (std::is_floating_point_v<decltype(value)>) {
      if (!std::isfinite(value)) {
        return append_text(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity", out);
      }
      if (value == 0 && std::signbit(value)) {  // "-0" would be read as the integer
        out += "-0.0";
        return;
      }
    }
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
};

class Booleans final : public Column {
 public:
  explicit Booleans(ArrayPtr values) : Column(std::move(values)) {}
  void append_value(std::int64_t row, std::string& out) const override {
    out += as<arrow::BooleanArray>().Value(row) ? "true" : "false";
  }
};

/// Strings, and what is cast to them: times in quotes, decimals without.
class Texts final : public Column {
 public:
  Texts(ArrayPtr values, bool quoted) : Column(std::move(values)), quoted_(quoted) {}
  void append_value(std::int64_t row, std::string& out) const override {
    const std::string_view text = as<arrow::StringArray>().GetView(row);
    if (quoted_) {
      append_text(text, out);
    } else {
      out += text;
    }
  }

 private:
  const bool quoted_;
};

class Bytes final : public Column {
 public:
  explicit Bytes(ArrayPtr values) : Column(std::move(values)) {}
  void append_value(std::int64_t row, std::string& out) const override {
    out += '"';
    out += arrow::util::base64_encode(as<arrow::BinaryArray>().GetView(row));
    out += '"';
  }
};

class Lists final : public Column {
 public:
  Lists(ArrayPtr values, ColumnPtr items) : Column(std::move(values)), items_(std::move(items)) {}
  void append_value(std::int64_t row, std::string& out) const override {
    const auto& lists = as<arrow::ListArray>();
    out += '[';
    for (std::int64_t i = lists.value_offset(row); i < lists.value_offset(row + 1); ++i) {
      if (i > lists.value_offset(row)) out += ',';
      items_->append(i, out);
    }
    out += ']';
  }

 private:
  const ColumnPtr items_;
};

struct Member {
  std::string key;  ///< in quotes, with its colon
  ColumnPtr values;
};

void append_object(const std::vector<Member>& members, std::int64_t row, std::string& out) {
  out += '{';
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i > 0) out += ',';
    out += members[i].key;
    members[i].values->append(row, out);
  }
  out += '}';
}

class Structs final : public Column {
 public:
  Structs(ArrayPtr values, std::vector<Member> members)
      : Column(std::move(values)), members_(std::move(members)) {}
  void append_value(std::int64_t row, std::string& out) const override {
    append_object(members_, row, out);
  }

 private:
  const std::vector<Member> members_;
};

Result<ColumnPtr> column_of(const ArrayPtr& values);

Result<Member> member_of(const std::string& name, const ArrayPtr& values) {
  Member member;
  append_text(name, member.key);
  member.key += ':';
  member.values = TRY(column_of(values));
  return member;
}

Result<ColumnPtr> struct_of(const ArrayPtr& values) {
  const auto& structs = static_cast<const arrow::StructArray&>(*values);
  std::vector<Member> members;
  for (int i = 0; i < structs.num_fields(); ++i) {
    members.push_back(TRY(member_of(structs.type()->field(i)->name(), structs.field(i))));
  }
  return ColumnPtr(std::make_unique<Structs>(values, std::move(members)));
}

Result<ColumnPtr> text_of(const ArrayPtr& values, bool quoted) {
  return ColumnPtr(std::make_unique<Texts>(TRY(written_texts(values)), quoted));
}

Result<ColumnPtr> column_of(const ArrayPtr& values) {
  switch (values->type_id()) {
    case arrow::Type::BOOL:
      return ColumnPtr(std::make_unique<Booleans>(values));
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
      return column_of(TRY(arrow_try(arrow::compute::Cast(*values, arrow::int64()))));
    case arrow::Type::INT64:
      return ColumnPtr(std::make_unique<Numbers<arrow::Int64Array>>(values));
    case arrow::Type::UINT64:
      return ColumnPtr(std::make_unique<Numbers<arrow::UInt64Array>>(values));
    case arrow::Type::FLOAT:
      return ColumnPtr(std::make_unique<Numbers<arrow::FloatArray>>(values));
    case arrow::Type::DOUBLE:
      return ColumnPtr(std::make_unique<Numbers<arrow::DoubleArray>>(values));
    case arrow::Type::STRING:
      return ColumnPtr(std::make_unique<Texts>(values, true));
    case arrow::Type::BINARY:
      return ColumnPtr(std::make_unique<Bytes>(values));
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return text_of(values, false);
    case arrow::Type::MAP:
    case arrow::Type::LIST:
      return ColumnPtr(std::make_unique<Lists>(
          values, TRY(column_of(static_cast<const arrow::ListArray&>(*values).values()))));
    case arrow::Type::STRUCT:
      return struct_of(values);
    default:
      return text_of(values, true);
  }
}

/// Readers of JSON keep one of two fields of the same name.
bool has_own_names(const arrow::DataType& type) {
  std::set<std::string> names;
  for (const auto& field : type.fields()) names.insert(field->name());
  return static_cast<int>(names.size()) == type.num_fields();
}

class JsonWriter final : public BatchWriter {
 public:
  explicit JsonWriter(std::unique_ptr<OutputFile> file) : file_(std::move(file)) {}

  Result<> write(const Batch& batch) override {
    const auto plain = TRY(without_dictionaries(batch));
    std::vector<Member> members;
    for (int i = 0; i < plain->num_columns(); ++i) {
      auto member = member_of(plain->column_name(i), plain->column(i));
      if (!member) return member.error().within(fmt::format("column '{}'", plain->column_name(i)));
      members.push_back(*std::move(member));
    }
    text_.clear();
    for (std::int64_t row = 0; row < plain->num_rows(); ++row) {
      append_object(members, row, text_);
      text_ += '\n';
    }
    const auto status = file_->stream()->Write(text_);
    if (!status.ok()) return from_arrow(status).within(fmt::format("writing '{}'", file_->path()));
    return {};
  }

  Result<> close() override { return file_->finish(); }

 private:
  std::unique_ptr<OutputFile> file_;
  std::string text_;
};

}  // namespace

Result<> check_json_schema(const arrow::Schema& schema) {
  const auto holds = [](const arrow::DataType& type) {
    const auto id = type.id();
    if (id == arrow::Type::STRUCT) return has_own_names(type);
    return id != arrow::Type::INTERVAL_MONTH_DAY_NANO && id != arrow::Type::DURATION;
  };
  return check_columns(schema, "JSON", holds, "write IPC");
}

Result<std::unique_ptr<BatchWriter>> write_json(FileSystem& files, const std::string& path,
                                                const SchemaPtr& schema) {
  TRY(check_json_schema(*schema));
  return std::unique_ptr<BatchWriter>(
      std::make_unique<JsonWriter>(TRY(OutputFile::create(files, path))));
}

}  // namespace troupe
