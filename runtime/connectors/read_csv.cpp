#include "runtime/base/near.hpp"
#include "runtime/connectors/declared_types.hpp"
#include "runtime/connectors/file_source.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/csv_file.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

/// Whether large files are cut at line breaks that might stand inside quotes.
enum class Splitting { automatic, always, never };

bool is_in(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class CsvFormat final : public ReadFormat {
 public:
  CsvFormat(FileSystem& files, CsvDialect dialect, ColumnTypes types, Splitting splitting,
            bool unite)
      : ReadFormat(files),
        dialect_(std::move(dialect)),
        types_(std::move(types)),
        splitting_(splitting),
        unite_(unite) {}

  Result<FileInfo> inspect(const std::string& path) const override {
    const std::int64_t bytes = TRY(size(path));
    ColumnTypes types = types_;
    if (unite_) {
      const auto names = TRY(csv_names(files(), path, dialect_));
      std::erase_if(types, [&](const auto& declared) { return !is_in(names, declared.first); });
    }
    FileInfo info{.schema = TRY(csv_schema(files(), path, dialect_, types)), .bytes = bytes};
    // Delimiters between the values, and a line break; or a letter and a line break.
    const int columns = std::max(info.schema->num_fields(), 1);
    info.row_bytes_min = dialect_.short_rows ? std::min(columns, 2) : columns;
    return info;
  }

  Result<SchemaPtr> columns_in(const std::string& path, const SchemaPtr& wanted) const override {
    return shared_columns(wanted, as_expected(TRY(csv_names(files(), path, dialect_)), *wanted));
  }
  Widening widening() const override { return Widening::text; }

  Result<std::vector<FilePart>> parts(const std::string& path, const ReadRequest& request,
                                      std::int64_t part_bytes) const override {
    const std::int64_t bytes = TRY(size(path));
    const auto names = TRY(csv_names(files(), path, dialect_));
    if (names.empty()) return std::vector<FilePart>();
    TRY(check_same_columns(request, as_expected(names, *request.schema), path));
    const bool split = bytes > part_bytes && TRY(may_split(path));
    return byte_parts(path, bytes, split ? part_bytes : bytes);
  }

  Result<std::unique_ptr<BatchReader>> open(const FilePart& part,
                                            const ReadRequest& request) const override {
    CsvDialect dialect = dialect_;
    dialect.quoted_line_breaks = is_whole(part);
    return read_csv(files(), part.path, byte_range(part), dialect,
                    TRY(select_columns(request.schema, request.columns)), types_);
  }

 private:
  /// Names are all that a file says of its columns: where they are the same, so are the types.
  static SchemaPtr as_expected(const std::vector<std::string>& names, const arrow::Schema& schema) {
    arrow::FieldVector fields;
    for (const std::string& name : names) {
      const auto known = schema.GetFieldByName(name);
      fields.push_back(known ? known : arrow::field(name, arrow::utf8()));
    }
    return arrow::schema(std::move(fields));
  }

  Result<bool> may_split(const std::string& path) const {
    const bool whole = is_compressed(path) || !dialect_.encoding.cuttable();
    if (whole || splitting_ == Splitting::never) return false;
    if (dialect_.quote == 0 || splitting_ == Splitting::always) return true;
    return !TRY(file_holds(files(), path, dialect_.quote));
  }

  const CsvDialect dialect_;
  const ColumnTypes types_;
  const Splitting splitting_;
  const bool unite_;  ///< a file may lack a declared column
};

Splitting splitting_of(const std::string& word) {
  if (word == "always") return Splitting::always;
  return word == "never" ? Splitting::never : Splitting::automatic;
}

/// One character; none where that is allowed.
Result<char> letter(const Options& options, const std::string& name) {
  const std::string text = options.text(name) == "\\t" ? "\t" : options.text(name);
  if (text.size() == 1 && text != "\n" && text != "\r") return text[0];
  if (text.empty() && name == "quote") return char{0};
  if (text == "auto" && name == "delimiter") return char{0};
  return make_error(ErrorCode::invalid_argument, "'{}' wants one character of one byte, not '{}'",
                    name, text)
      .at(name);
}

/// The text that lines which are no rows begin with; it must not be what a row may begin with.
Result<std::string> comment_of(const Options& options, const CsvDialect& dialect) {
  const std::string text = options.text("comment");
  const bool clear = text.empty() || (text[0] != dialect.delimiter && text[0] != dialect.quote &&
                                      text.find_first_of("\r\n") == std::string::npos);
  if (clear) return text;
  return make_error(ErrorCode::invalid_argument, "a comment cannot begin with '{}'", text)
      .at("comment");
}

Result<CsvDialect> dialect_of(const Options& options) {
  CsvDialect dialect;
  dialect.delimiter = TRY(letter(options, "delimiter"));
  dialect.quote = TRY(letter(options, "quote"));
  if (dialect.delimiter != 0 && dialect.delimiter == dialect.quote) {
    return make_error(ErrorCode::invalid_argument, "'{}' is the delimiter, too", dialect.quote)
        .at("quote");
  }
  auto encoding = TextEncoding::named(options.text("encoding"));
  if (!encoding) return encoding.error().at("encoding");
  dialect.encoding = *std::move(encoding);
  dialect.comment = TRY(comment_of(options, dialect));
  dialect.header = options.boolean("header");
  dialect.null_values = options.list("null_values");
  dialect.skip_lines = options.integer("skip_rows");
  dialect.rename = options.text("duplicate_names") == "rename";
  dialect.short_rows = options.text("missing") == "null";
  dialect.skip_errors = options.text("on_error") == "skip";
  return dialect;
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
                "numeric for integers that are no bigint, else text."},
       {.name = "header",
        .type = ParameterType::boolean,
        .help = "Whether the first row holds the names of the columns. Without one they are "
                "column0, column1, ...",
        .default_value = "true"},
       {.name = "delimiter",
        .type = ParameterType::text,
        .help =
            "The character between values; \"\\t\" is a tab. auto: of comma, tab, semicolon and "
            "bar the one that gives the first rows of a file equally many values.",
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
       {.name = "encoding",
        .type = ParameterType::text,
        .help = "What the file is written in: utf-8, latin1, windows-1252, utf-16, shift_jis, "
                "gb18030 and what else the C library knows.",
        .default_value = "\"utf-8\""},
       {.name = "skip_rows",
        .type = ParameterType::integer,
        .help = "Lines at the begin of each file to pass over, whatever is in them, before the "
                "header.",
        .default_value = "0",
        .min = 0,
        .max = 1'000'000},
       {.name = "comment",
        .type = ParameterType::text,
        .help = "Lines that begin with this text are passed over, before the header, too. Empty: "
                "there are none.",
        .default_value = "\"\""},
       {.name = "duplicate_names",
        .type = ParameterType::choice,
        .help = "What to do with a name that is in the header twice, or missing there. rename: the "
                "second `name` becomes `name_2`, the fourth column without one `column3`.",
        .default_value = "\"error\"",
        .choices = {"error", "rename"}},
       {.name = "missing",
        .type = ParameterType::choice,
        .help = "What to do with a row that ends before its last column: fail, or read null for "
                "what is missing. A row with too many values is wrong in any case.",
        .default_value = "\"error\"",
        .choices = {"error", "null"}},
       {.name = "on_error",
        .type = ParameterType::choice,
        .help = "What to do with a row that cannot be read: too few or too many values, a value of "
                "another type, quotes that do not match. skip: pass over it; the run's log says "
                "how many there were and shows the first.",
        .default_value = "\"fail\"",
        .choices = {"fail", "skip"}},
       {.name = "splittable",
        .type = ParameterType::choice,
        .help =
            "Whether a large file is read in parallel, cut at line breaks. auto: where the file "
            "has no quote at all. always: you promise that no value holds a line break. "
            "Compressed files are never cut, nor those whose letters take several bytes in "
            "another encoding than UTF-8.",
        .default_value = "\"auto\"",
        .choices = {"auto", "always", "never"}}});
  return all;
}

/// A declared column that no file has is a mistake.
Result<> check_declared(const ColumnTypes& types, const Options& options,
                        const arrow::Schema& found) {
  if (options.has("columns")) return {};
  for (const auto& [name, type] : types) {
    if (found.GetFieldByName(name) != nullptr) continue;
    Error error = make_error(ErrorCode::invalid_argument, "no file has a column '{}'", name);
    error.hint = did_you_mean(name, found.field_names());
    return error.at("types." + name);
  }
  return {};
}

class ReadCsv final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>&,
                            const PlanContext& context) const override {
    auto dialect = TRY(dialect_of(options));
    auto types = TRY(declared_types(options, "types"));
    if (const auto fits = check_csv_types(types); !fits) return fits.error().at("types");
    const bool unite = options.text("schema") == "union";
    auto plan = TRY(plan_file_source(
        description_, options, context,
        std::make_shared<CsvFormat>(*context.files, std::move(dialect), types,
                                    splitting_of(options.text("splittable")), unite)));
    if (unite && !context.resolved) TRY(check_declared(types, options, *plan.output()));
    return plan;
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
          "A value that is not of its column's type, a row with too few or too many values, a "
          "quote "
          "that is not closed, and an integer that would lose digits as double precision fail the "
          "job with file and line: no row is skipped in silence.",
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_read_csv(OperatorRegistry& registry) { registry.add(std::make_unique<ReadCsv>()); }

}  // namespace troupe
