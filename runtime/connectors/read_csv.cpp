#include "runtime/connectors/declared_types.hpp"
#include "runtime/connectors/file_source.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/csv_file.hpp"
#include "runtime/os/file_system.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

/// Whether large files are cut at line breaks that might stand inside quotes.
enum class Splitting { automatic, always, never };

class CsvFormat final : public ReadFormat {
 public:
  CsvFormat(CsvDialect dialect, ColumnTypes types, Splitting splitting)
      : dialect_(std::move(dialect)), types_(std::move(types)), splitting_(splitting) {}

  Result<FileInfo> inspect(const std::string& path) const override {
    const auto bytes = static_cast<std::int64_t>(TRY(system_files().size(path)));
    FileInfo info{.schema = TRY(csv_schema(path, dialect_, types_)), .bytes = bytes};
    // Delimiters between the values, and a line break.
    info.row_bytes_min = std::max(info.schema->num_fields(), 1);
    return info;
  }

  Result<std::vector<FilePart>> parts(const std::string& path, const ReadRequest& request,
                                      std::int64_t part_bytes) const override {
    const auto bytes = static_cast<std::int64_t>(TRY(system_files().size(path)));
    const auto names = TRY(csv_names(path, dialect_));
    std::vector<FilePart> parts;
    if (names.empty()) return parts;
    TRY(check_same_columns(request, as_expected(names, request), path));
    const std::int64_t step = bytes > part_bytes && may_split(path) ? part_bytes : bytes;
    for (std::int64_t at = 0; at < bytes; at += step) {
      const std::int64_t count = std::min(step, bytes - at);
      parts.push_back(
          {.path = path, .first = at, .count = count, .bytes = count, .file_bytes = bytes});
    }
    return parts;
  }

  Result<std::unique_ptr<BatchReader>> open(const FilePart& part,
                                            const ReadRequest& request) const override {
    const bool whole = part.first == 0 && part.count >= part.file_bytes;
    CsvDialect dialect = dialect_;
    dialect.quoted_line_breaks = whole;
    const ByteRange range = whole ? ByteRange() : ByteRange{part.first, part.first + part.count};
    return read_csv(part.path, range, dialect,
                    TRY(select_columns(request.schema, request.columns)));
  }

 private:
  /// Names are all that a file says of its columns: where they are the same, so are the types.
  static SchemaPtr as_expected(const std::vector<std::string>& names, const ReadRequest& request) {
    arrow::FieldVector fields;
    for (const std::string& name : names) {
      const auto known = request.schema->GetFieldByName(name);
      fields.push_back(known ? known : arrow::field(name, arrow::utf8()));
    }
    return arrow::schema(std::move(fields));
  }

  bool may_split(const std::string& path) const {
    if (is_compressed(path) || splitting_ == Splitting::never) return false;
    if (dialect_.quote == 0 || splitting_ == Splitting::always) return true;
    return !file_holds(path, dialect_.quote);
  }

  const CsvDialect dialect_;
  const ColumnTypes types_;
  const Splitting splitting_;
};

Splitting splitting_of(const std::string& word) {
  if (word == "always") return Splitting::always;
  return word == "never" ? Splitting::never : Splitting::automatic;
}

/// One character, or `if_empty` where that is allowed.
Result<char> letter(const Options& options, const std::string& name) {
  const std::string text = options.text(name) == "\\t" ? "\t" : options.text(name);
  if (text.size() == 1 && text != "\n" && text != "\r") return text[0];
  if (text.empty() && name == "quote") return char{0};
  return fail(ErrorCode::invalid_argument, "'{}' wants one character of one byte, not '{}'", name,
              text)
      .at(name);
}

std::vector<Parameter> parameters() {
  auto all = file_source_parameters(".csv");
  all.insert(
      all.end(),
      {{.name = "types",
        .type = ParameterType::column_types,
        .help = "SQL types by column, for those that should not be inferred: "
                "{zip: text, price: \"numeric(12,2)\"}. The others are inferred from the first MiB "
                "of the first file: bigint, boolean, date, timestamp (ISO 8601), double precision, "
                "else text."},
       {.name = "header",
        .type = ParameterType::boolean,
        .help = "Whether the first row holds the names of the columns. Without one they are "
                "column0, column1, ...",
        .default_value = "true"},
       {.name = "delimiter",
        .type = ParameterType::text,
        .help = "The character between values; \"\\t\" is a tab.",
        .default_value = "\",\""},
       {.name = "quote",
        .type = ParameterType::text,
        .help = "The character around values that hold delimiters or line breaks; inside, it is "
                "doubled. Empty: quotes mean nothing.",
        .default_value = R"("\"")"},
       {.name = "null_values",
        .type = ParameterType::texts,
        .help = "What stands for null where it is not quoted. By default an empty value is null "
                "and \"\" is an empty text.",
        .default_value = R"([""])"},
       {.name = "splittable",
        .type = ParameterType::choice,
        .help =
            "Whether a large file is read in parallel, cut at line breaks. auto: where the file "
            "has no quote at all. always: you promise that no value holds a line break. "
            "Compressed files are never cut.",
        .default_value = "\"auto\"",
        .choices = {"auto", "always", "never"}}});
  return all;
}

class ReadCsv final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>&,
                            const PlanContext& context) const override {
    CsvDialect dialect;
    dialect.delimiter = TRY(letter(options, "delimiter"));
    dialect.quote = TRY(letter(options, "quote"));
    dialect.header = options.boolean("header");
    dialect.null_values = options.list("null_values");
    auto types = TRY(declared_types(options, "types"));
    if (const auto fits = check_csv_types(types); !fits) return fits.error().at("types");
    return plan_file_source(description_, options, context,
                            std::make_shared<CsvFormat>(std::move(dialect), std::move(types),
                                                        splitting_of(options.text("splittable"))));
  }

 private:
  const OperatorDescription description_ = {
      .name = "read.csv",
      .summary = "Reads the rows of CSV files, compressed (.gz, .zst, .bz2) or not.",
      .role = OperatorRole::source,
      .inputs_min = 0,
      .inputs_max = 0,
      .parameters = parameters(),
      .example = R"(weather:
  op: read.csv
  with:
    path: data/weather-*.csv
    null_values: ["", NA]
    types: {precip: double precision}
)",
      .notes =
          "A value that is not of its column's type, and a row with too few or too many values, "
          "fail the job with file and line: no row is skipped in silence.",
  };
};

}  // namespace

void register_read_csv(OperatorRegistry& registry) { registry.add(std::make_unique<ReadCsv>()); }

}  // namespace troupe
