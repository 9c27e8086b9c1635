#include "runtime/connectors/declared_types.hpp"

#include "runtime/expr/expression.hpp"

#include <arrow/type.h>

namespace troupe {
namespace {

/// The type as expressions know it: what a cast to it gives.
Result<std::shared_ptr<arrow::DataType>> sql_type_named(const std::string& name) {
  constexpr const char* letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ (),";
  if (name == "bytea")
    return arrow::binary();  // expressions pass bytes on, and have no cast to them
  const bool plain = name.find_first_not_of(letters) == std::string::npos;
  if (plain) {
    const auto cast = Expression::bind(fmt::format("CAST(NULL AS {})", name),
                                       arrow::schema(arrow::FieldVector{}));
    if (cast) return cast->type();
  }
  Error error = make_error(ErrorCode::invalid_argument, "'{}' is no SQL type", name);
  error.hint =
      "boolean, smallint, integer, bigint, numeric(p,s), real, double precision, text, "
      "date, timestamp, timestamptz";
  return error;
}

}  // namespace

Result<ColumnTypes> declared_types(const Options& options, const std::string& parameter) {
  ColumnTypes types;
  if (!options.has(parameter)) return types;
  for (const NamedText& entry : options.named(parameter)) {
    auto type = sql_type_named(entry.text);
    if (!type) return type.error().at(parameter + "." + entry.name);
    types[entry.name] = *std::move(type);
  }
  return types;
}

}  // namespace troupe
