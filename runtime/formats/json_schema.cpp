#include "runtime/base/json.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/json_check.hpp"
#include "runtime/formats/json_parse.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/api.h>
#include <arrow/json/reader.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;
using Others = arrow::json::UnexpectedFieldBehavior;

/// Objects that are looked at for the order of their fields.
constexpr int ordering_objects_max = 1000;

/// Date, timestamp or timestamptz if all these texts are that, else text.
TypePtr type_of_texts(const arrow::Array& texts) {
  if (texts.null_count() == texts.length()) return arrow::utf8();
  for (const TypePtr& type : {arrow::date32(), arrow::timestamp(arrow::TimeUnit::MICRO),
                              arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")}) {
    if (arrow::compute::Cast(texts, type).ok()) return type;
  }
  return arrow::utf8();
}

/// What Arrow takes for times, read as texts: it loses what follows the seconds, and the zone. In
/// lists and structs they stay texts, so that what was JSON is the same JSON again.
TypePtr with_times_as_texts(const TypePtr& type) {
  if (type->id() == arrow::Type::TIMESTAMP) return arrow::utf8();
  if (type->id() == arrow::Type::LIST) {
    const auto item = type->field(0);
    return arrow::list(item->WithType(with_times_as_texts(item->type())));
  }
  if (type->id() != arrow::Type::STRUCT) return type;
  arrow::FieldVector fields;
  for (const auto& field : type->fields()) {
    fields.push_back(field->WithType(with_times_as_texts(field->type())));
  }
  return arrow::struct_(std::move(fields));
}

SchemaPtr with_times_as_texts(const arrow::Schema& inferred, const ColumnTypes& declared) {
  arrow::FieldVector fields;
  for (const auto& field : inferred.fields()) {
    const auto found = declared.find(field->name());
    fields.push_back(field->WithType(found != declared.end() ? found->second
                                                             : with_times_as_texts(field->type())));
  }
  return arrow::schema(std::move(fields));
}

/// The parser puts declared fields first: as in the file, then those that do not occur.
arrow::FieldVector in_order_of_file(const arrow::FieldVector& fields, std::string_view text) {
  arrow::FieldVector rest = fields;
  arrow::FieldVector ordered;
  for (int i = 0; i < ordering_objects_max && !rest.empty() && !text.empty(); ++i) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const Json object = Json::parse(text.substr(0, end), nullptr, /*allow_exceptions=*/false);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!object.is_object()) continue;
    for (const auto& entry : object.items()) {
      const auto found = std::find_if(rest.begin(), rest.end(), [&](const auto& field) {
        return field->name() == entry.key();
      });
      if (found == rest.end()) continue;
      ordered.push_back(*found);
      rest.erase(found);
    }
  }
  ordered.insert(ordered.end(), rest.begin(), rest.end());
  return ordered;
}

/// The parser counts objects; people count lines.
Error parse_error(const std::string& path, std::string_view text, std::string why,
                  const arrow::Schema& declared) {
  std::size_t begin = 0;
  if (const std::size_t at = why.rfind(" in row "); at != std::string::npos) {
    begin = json_row_begin(text, std::atoll(why.c_str() + at + 8));
    why.resize(at);
  }
  const std::string_view before = text.substr(0, begin);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  text.remove_prefix(before.rfind('\n') + 1);
  const std::string_view object = text.substr(0, text.find('\n'));
  const auto misfit = json_misfit(object, declared, nullptr);
  Error error = make_error(ErrorCode::invalid_argument, "'{}', line {}: {}", path, line,
                           misfit ? misfit->what : why);
  error.hint =
      misfit ? misfit->hint : "one object a line, and each field of one type: mend the file";
  return error;
}

/// True where nothing but null has been seen, somewhere in a type.
bool unseen(const arrow::DataType& type) {
  if (type.id() == arrow::Type::NA) return true;
  return std::any_of(type.fields().begin(), type.fields().end(),
                     [](const auto& field) { return unseen(*field->type()); });
}

/// The first rows, and what Arrow makes of them.
struct JsonSample {
  std::string text;
  SchemaPtr inferred;
};

/// Reads on while a field has only nulls, twice as much each time.
Result<JsonSample> first_rows(FileSystem& files, const std::string& path,
                              const SchemaPtr& declared) {
  const auto blocks = TRY(TextBlocks::open(files, path, {}, last_line_end));
  const auto options = json_options(declared, Others::InferType);
  JsonSample sample;
  for (std::size_t wanted = 1;; wanted = sample.text.size() * 2) {
    bool last = false;
    while (!last && sample.text.size() < wanted) {
      const TextBlock block = TRY(blocks->next());
      sample.text += block.text;
      last = block.last;
    }
    if (is_blank_json(sample.text)) {
      sample.inferred = declared;
      if (!last) continue;
      return sample;
    }
    const auto inferred = parse_json(options, sample.text);
    if (!inferred.ok()) {
      return parse_error(path, sample.text, inferred.status().message(), *declared);
    }
    sample.inferred = (*inferred)->schema();
    const auto& fields = sample.inferred->fields();
    const bool complete = std::none_of(fields.begin(), fields.end(),
                                       [](const auto& field) { return unseen(*field->type()); });
    if (last || complete || sample.text.size() > json_sample_max) return sample;
  }
}

/// Arrow takes integers that are too long for doubles: they are numerics if all are integers.
SchemaPtr with_long_integers(const SchemaPtr& schema, const arrow::RecordBatch& rows,
                             const ColumnTypes& declared, std::string_view text) {
  constexpr std::size_t digits_max = 38;
  const auto doubtful = [&](const arrow::Field& field) {
    return field.type()->id() == arrow::Type::DOUBLE && !declared.contains(field.name()) &&
           holds_large_doubles(*rows.GetColumnByName(field.name()));
  };
  const auto& all = schema->fields();
  if (std::none_of(all.begin(), all.end(), [&](const auto& field) { return doubtful(*field); })) {
    return schema;
  }
  const auto integers = integer_fields(text);
  arrow::FieldVector fields;
  for (const auto& field : all) {
    const auto found = integers.find(field->name());
    const bool exact = found != integers.end() && found->second <= digits_max && doubtful(*field);
    fields.push_back(exact ? field->WithType(arrow::decimal128(digits_max, 0)) : field);
  }
  return arrow::schema(std::move(fields));
}

}  // namespace

arrow::json::ParseOptions json_options(const SchemaPtr& columns,
                                       arrow::json::UnexpectedFieldBehavior others) {
  arrow::FieldVector fields;
  for (const auto& field : columns->fields()) {
    const auto id = field->type()->id();
    const bool is_text = arrow::is_temporal(id) || id == arrow::Type::BINARY;
    fields.push_back(is_text ? field->WithType(arrow::utf8()) : field);
  }
  auto options = arrow::json::ParseOptions::Defaults();
  options.explicit_schema = arrow::schema(std::move(fields));
  options.unexpected_field_behavior = others;
  return options;
}

arrow::Result<RecordBatchPtr> parse_json(const arrow::json::ParseOptions& options,
                                         std::string_view text) {
  ARROW_RETURN_NOT_OK(check_json_rows(text));
  return arrow::json::ParseOne(options, std::make_shared<arrow::Buffer>(text));
}

bool is_blank_json(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Result<SchemaPtr> json_schema(FileSystem& files, const std::string& path,
                              const ColumnTypes& declared) {
  arrow::FieldVector known;
  for (const auto& [name, type] : declared) known.push_back(arrow::field(name, type));
  const JsonSample sample = TRY(first_rows(files, path, arrow::schema(known)));
  if (is_blank_json(sample.text) && declared.empty()) {
    Error error = make_error(ErrorCode::invalid_argument, "'{}' is empty: it has no columns", path);
    error.hint = "leave it out of 'path', or declare its fields in 'types'";
    return error;
  }
  const SchemaPtr texts = with_times_as_texts(*sample.inferred, declared);
  const auto rows = TRY(arrow_try(parse_json(json_options(texts, Others::Ignore), sample.text)));
  arrow::FieldVector fields;
  const SchemaPtr exact = with_long_integers(texts, *rows, declared, sample.text);
  for (const auto& field : exact->fields()) {
    const bool guess =
        !declared.contains(field->name()) && field->type()->id() == arrow::Type::STRING;
    fields.push_back(guess ? field->WithType(type_of_texts(*rows->GetColumnByName(field->name())))
                           : field);
  }
  if (!declared.empty()) fields = in_order_of_file(fields, sample.text);
  return runtime_schema(arrow::Schema(std::move(fields)), path);
}

Result<> check_json_types(const ColumnTypes& types) {
  for (const auto& [name, type] : types) {
    const auto column = arrow::schema({arrow::field(name, type)});
    if (parse_json(json_options(column, Others::Ignore), "{}").ok()) continue;
    return make_error(ErrorCode::unsupported, "JSON holds no values of type {}", type->ToString())
        .at(name);
  }
  return {};
}

}  // namespace troupe
