// CSV as people write it: encodings, lines that are no rows, names that are none, rows that end
// early, quotes that do not match, integers too long for a double. Each file is read as it means,
// or refused with file and line; and whatever the cut, as when it is read whole.
#include "runtime/formats/csv_file.hpp"
#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/type.h>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

class File {
 public:
  explicit File(const std::string& bytes) : path_(dir_.path() + "/x.csv") {
    REQUIRE(write_atomically(system_files(), path_, bytes));
  }
  Result<SchemaPtr> schema(const CsvDialect& dialect = {}, const ColumnTypes& types = {}) const {
    return csv_schema(system_files(), path_, dialect, types);
  }
  std::string names(const CsvDialect& dialect) const {
    const auto names = csv_names(system_files(), path_, dialect);
    REQUIRE(names);
    return fmt::format("{}", fmt::join(*names, ","));
  }
  std::string types(const CsvDialect& dialect = {}) const {
    const auto found = schema(dialect);
    REQUIRE(found);
    return columns_text(**found);
  }
  Result<Lines> read(const CsvDialect& dialect, SchemaPtr columns = nullptr, ByteRange range = {},
                     SkippedRows* skipped = nullptr) const {
    if (columns == nullptr) columns = TRY(schema(dialect));
    const auto reader = TRY(read_csv(system_files(), path_, range, dialect, columns));
    const std::vector<Batch> batches = TRY(batches_of(*reader));
    if (skipped != nullptr) skipped->add(reader->skipped());
    return lines_of(batches);
  }
  Lines lines(const CsvDialect& dialect = {}, SchemaPtr columns = nullptr) const {
    const auto rows = read(dialect, std::move(columns));
    INFO((rows ? std::string() : rows.error().to_string()));
    REQUIRE(rows);
    return *rows;
  }
  std::string error(const CsvDialect& dialect = {}, SchemaPtr columns = nullptr) const {
    const auto rows = read(dialect, std::move(columns));
    REQUIRE_FALSE(rows);
    CHECK(rows.error().code == ErrorCode::invalid_argument);
    CHECK(rows.error().message.starts_with("'" + path_ + "'"));
    CHECK_FALSE(rows.error().hint.empty());
    return rows.error().message.substr(path_.size() + 4);
  }

 private:
  TempDir dir_;
  std::string path_;
};

SchemaPtr columns(const std::vector<std::pair<std::string, std::shared_ptr<arrow::DataType>>>& of) {
  arrow::FieldVector fields;
  for (const auto& [name, type] : of) fields.push_back(arrow::field(name, type));
  return arrow::schema(std::move(fields));
}

TextEncoding encoding(const std::string& name) { return *TextEncoding::named(name); }

std::string utf16(std::string_view ascii, bool big) {
  std::string bytes = big ? "\xFE\xFF" : "\xFF\xFE";
  for (const char letter : ascii) {
    bytes += big ? std::string{'\0', letter} : std::string{letter, '\0'};
  }
  return bytes;
}

}  // namespace

TEST_CASE(
    "CSV: quotes that do not match are refused with their line, before and after the sample") {
  CHECK(File("a,b\n1,\"x\n2,y\n3,z\n").error() ==
        "line 2: a quote is opened and not closed: 1,\"x");
  CHECK(File("a,b\n1,x\n2,\"x\"y\n").error() ==
        "line 3: text follows the closing quote of a value: 2,\"x\"y");
  CHECK(File("a,b\n1,\"x\" \n").error().starts_with("line 2: text follows"));
  CHECK(File("\"a,b\n1,2\n").error().starts_with("line 1: a quote is opened"));
  CHECK(File("a,b\n1,\"x\ny\"\n\n2,\"").error().starts_with("line 5: a quote is opened"));
  std::string text = "a,b\n";
  for (int i = 2; i < 400'000; ++i) text += "1,x\n";
  CHECK(File(text + "1,\"x").error().starts_with("line 400000: a quote is opened"));
  // A quote inside an unquoted value is a letter, and a doubled one in quotes is one.
  CHECK(File("a,b\n5\" x,\"6\"\"\"\n").lines() == Lines{"5\" x|6\""});
  CHECK(File("a,b\n1,\"x\"\r\n2,\"\"\r\n3,\"z\"").lines() == Lines{"1|x", "2|", "3|z"});
}

TEST_CASE("CSV: where a file is cut no value may hold a line break, and one that does is found") {
  const File file("a,b\n1,\"x\ny\"\n2,z\n");
  CHECK(file.error({.quoted_line_breaks = false}).starts_with("line 2: a quote is opened"));
}

TEST_CASE("CSV: a first row that is longer than the sample still says the types") {
  CHECK(File("a,b\n1," + std::string(2'000'000, 'x') + "\n2,y\n").types() == "a int64, b string");
  CHECK(File("a,b\n1,\"" + std::string(3'000'000, '\n') + "\"\n").types() == "a int64, b string");
}

TEST_CASE("CSV: integers that are no bigint are numerics, and none becomes a double in silence") {
  const File ids("id\n18446744073709551615\n18446744073709551614\n");
  CHECK(ids.types() == "id decimal128(38, 0)");
  CHECK(ids.lines() == Lines{"18446744073709551615", "18446744073709551614"});
  CHECK(File("id\n" + std::string(40, '9') + "\n").types() == "id string");
  CHECK(File("x\n1.0\n9007199254740993\n").error() ==
        "line 3: column 'x': '9007199254740993' is no double precision without a loss of digits");
  // What a double gives back is no loss, and fractions are what doubles are for.
  CHECK(File("x\n1.5\n9007199254740992\n100000000000000000000\n3.14159265358979323846\n1e300\n")
            .lines() ==
        Lines{"1.5", "9.007199254740992e+15", "1e+20", "3.141592653589793", "1e+300"});
  CHECK(File("x\n9223372036854775807\n").types() == "x int64");
}

TEST_CASE("CSV: encodings are read as what they mean, with any ends of lines") {
  CHECK(File("n,s\n1,gr\xFC\xDF\n").lines({.encoding = encoding("latin1")}) == Lines{"1|grüß"});
  CHECK(File("n,s\n1,\x80\n").lines({.encoding = encoding("windows-1252")}) == Lines{"1|€"});
  for (const bool big : {false, true}) {
    const File file(utf16("n,s\r\n1,\"a\nb\"\r\n2,c", big));
    CHECK(file.lines({.encoding = encoding("utf-16")}) == Lines{"1|a\nb", "2|c"});
    CHECK(file.error().find("byte order mark of UTF-16") != std::string::npos);
  }
  CHECK(File("gr\xFC\n1\n").error() == "the name of column 1 is not in UTF-8");
  CHECK(File("s\n\x82\xA0\n").lines({.encoding = encoding("shift_jis")}) == Lines{"あ"});
  CHECK(File("n,s\n1,gr\xFC\xDF\n").error() == "line 2: column 's' is not in UTF-8");
  CHECK(File(utf16("n\n1\n", false) + "\x01").error({.encoding = encoding("utf-16")}) ==
        "line 3: the file ends within a letter of utf-16");
  CHECK(
      File("n\n1\n\x81\xFF\n").error({.encoding = encoding("shift_jis")}).starts_with("line 3: "));
  for (const char* wrong : {"", "klingon", "latin1//IGNORE", "utf-16,utf-8"}) {
    CHECK_FALSE(TextEncoding::named(wrong));
  }
}

TEST_CASE("CSV: a letter that two blocks share is one letter") {
  // Three bytes a letter and an odd line: the blocks of a MiB end within letters.
  std::string text = "s\n";
  while (text.size() < (3 << 20)) text += "\x82\xA0\x82\xA0x\n";
  const Lines found = File(text).lines({.encoding = encoding("shift_jis")});
  CHECK(found.size() > 500'000);
  CHECK(std::all_of(found.begin(), found.end(), [](const auto& line) { return line == "ああx"; }));
}

TEST_CASE("CSV: names that are there twice or missing are refused, or renamed to free ones") {
  const File file("a,a,,a_2,\n1,2,3,4,5\n");
  CHECK(file.error() == "two columns are named 'a'");
  CHECK(file.names({.rename = true}) == "a,a_3,column2,a_2,column4");
  CHECK(File("x,,\n1,2,\n").error() == "column 2 has no name");
  CHECK(File("column1,,column1\n1,2,3\n").names({.rename = true}) == "column1,column1_2,column1_3");
  CHECK(File("a,b\n1,2\n").names({.rename = true}) == "a,b");
}

TEST_CASE("CSV: what a short row lacks is null where that is wanted") {
  const File file("a,b,c\n1\n2,x\n3,y,z\n");
  CHECK(file.error() == "line 2: 1 values for 3 columns: 1");
  CHECK(file.lines({.short_rows = true}) == Lines{"1|null|null", "2|x|null", "3|y|z"});
  CHECK(file.types({.short_rows = true}) == "a int64, b string, c string");
  CHECK(File("a,b\n1,2\n1,2,3\n").error({.short_rows = true}) ==
        "line 3: 3 values for 2 columns: 1,2,3");
  CHECK(File("a,b\n1\n").lines({.short_rows = true, .skip_errors = true}) == Lines{"1|null"});
}

TEST_CASE("CSV: lines before the header and comments are no rows, whatever quotes they hold") {
  CHECK(File("Bob's \"report\n\"\na,b\n1,x\n").lines({.skip_lines = 2}) == Lines{"1|x"});
  const File file("# it's \"so\na,b\n1,x\n#,\"\n2,\"#y\n# no comment\"\n\n3,z\n");
  CHECK(file.lines({.comment = "#"}) == Lines{"1|x", "2|#y\n# no comment", "3|z"});
  CHECK(File("a,b\n#1,2\n").lines({.comment = "//"}) == Lines{"#1|2"});
  CHECK(File("a\r\n#x\r\n1\r\n\r\n2").lines({.comment = "#"}) == Lines{"1", "null", "2"});
  CHECK(File("x\ny\n").names({.skip_lines = 2}).empty());
  CHECK(File("x").names({.skip_lines = 5}).empty());
  // Lines are counted as an editor shows them.
  const auto wanted = columns({{"a", arrow::int64()}, {"b", arrow::utf8()}});
  CHECK(File("t\n#\na,b\n#\n1,x\nq,y\n").error({.skip_lines = 1, .comment = "#"}, wanted) ==
        "line 6: column 'a': 'q' is no bigint");
}

TEST_CASE("CSV: the delimiter is found where all first rows agree, and asked for where none fits") {
  const CsvDialect open{.delimiter = 0};
  CHECK(File("a;b;c\n1;x,y;2\n").lines(open) == Lines{"1|x,y|2"});
  CHECK(File("a\tb\n\"1;\t2\"\t3\n").lines(open) == Lines{"1;\t2|3"});
  CHECK(File("a|b\n1|2\n").lines(open) == Lines{"1|2"});
  CHECK(File("a,b\n1;2,3\n").lines(open) == Lines{"1;2|3"});
  CHECK(File("a\n1\n").lines(open) == Lines{"1"});
  CHECK(File("a\nx, y\n").error(open).starts_with("the delimiter cannot be told"));
  CHECK(File("title\na;b\n1;2\n").lines({.delimiter = 0, .skip_lines = 1}) == Lines{"1|2"});
}

TEST_CASE("CSV: rows that cannot be read are skipped where that is wanted, counted and told") {
  const File file("a,b\n1,x\ntwo,y\n3\n4,\"x\"y\n5,z,z\n6,\xFF\n7,\"ok\"\n8,\"open\n9,last\n");
  const auto wanted = columns({{"a", arrow::int64()}, {"b", arrow::utf8()}});
  SkippedRows skipped;
  const auto rows = file.read({.skip_errors = true}, wanted, {}, &skipped);
  REQUIRE(rows);
  CHECK(*rows == Lines{"1|x", "7|ok", "9|last"});
  CHECK(skipped.count == 6);
  REQUIRE(skipped.told.size() == SkippedRows::told_max);
  CHECK(skipped.told[0].find("line 3: column 'a': 'two' is no bigint") != std::string::npos);
  CHECK(skipped.told[1].find("line 4: 1 values for 2 columns") != std::string::npos);
  CHECK(skipped.told[2].find("line 5: text follows") != std::string::npos);
  CHECK(file.error({}, wanted).starts_with("line 5: "));  // by blocks: quotes are looked at first

  std::string text = "a,b\n";
  for (int i = 0; i < 300'000; ++i) text += i % 1000 ? "1,x\n" : "bad,x\n";
  SkippedRows many;
  CHECK(File(text).read({.skip_errors = true}, wanted, {}, &many)->size() == 299'700);
  CHECK(many.count == 300);
}

TEST_CASE("CSV: whatever the cut, a file is read as when it is read whole, in any dialect") {
  // Claim: rows and skipped rows of all ranges together are those of the whole file. Shown for
  // random files in random dialects without quotes, which is what is cut.
  const auto wanted = columns({{"a", arrow::int64()}, {"b", arrow::utf8()}});
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    const std::string end = random.below(2) ? "\n" : "\r\n";
    CsvDialect dialect;
    if (random.below(2)) dialect.encoding = encoding("latin1");
    if (random.below(2)) dialect.comment = "#";
    if (random.below(2)) dialect.skip_lines = static_cast<std::int64_t>(random.below(4));
    dialect.short_rows = random.below(2) != 0;
    dialect.skip_errors = random.below(2) != 0;
    if (random.below(4) == 0) dialect.delimiter = 0;
    const std::string e = dialect.encoding.is_utf8() ? "é" : "\xE9";
    std::string text = dialect.encoding.is_utf8() && random.below(2) ? "\xEF\xBB\xBF" : "";
    for (std::int64_t i = 0; i < dialect.skip_lines; ++i) text += "skipped " + e + end;
    if (!dialect.comment.empty()) text += "# " + e + end + end;
    text += "a,b" + end;
    for (std::uint64_t i = 0; i < random.below(30); ++i) {
      const auto kind = random.below(8);
      if (kind == 0 && !dialect.comment.empty()) text += "#,,," + e + end;
      if (kind == 1 && dialect.short_rows) text += fmt::format("{}{}", i, end);
      if (kind == 2 && dialect.skip_errors) text += "x" + e + ",y" + end;
      if (kind == 3 && dialect.skip_errors) text += "1,2,3" + end;
      if (kind == 4) text += end;
      text += fmt::format("{},{}{}{}", i, std::string(random.below(9), 'x'), e, end);
    }
    if (random.below(2) && text.size() > 10) text.resize(text.size() - end.size());
    const File file(text);
    SkippedRows skipped;
    const auto whole = file.read(dialect, wanted, {}, &skipped);
    INFO("seed " << seed << (whole ? "" : ": " + whole.error().to_string()));
    REQUIRE(whole);
    const auto size = static_cast<std::int64_t>(text.size());
    dialect.quoted_line_breaks = false;
    for (std::int64_t parts = 1; parts <= size; parts += 1 + parts / 3) {
      Lines found;
      SkippedRows passed;
      for (std::int64_t i = 0; i < parts; ++i) {
        const auto rows =
            file.read(dialect, wanted, {i * size / parts, (i + 1) * size / parts}, &passed);
        REQUIRE(rows);
        found.insert(found.end(), rows->begin(), rows->end());
      }
      INFO(parts << " ranges");
      CHECK(found == *whole);
      CHECK(passed.count == skipped.count);
      CHECK(passed.told == skipped.told);
    }
  }
}

TEST_CASE("CSV: a file of nothing but carriage returns at its ends of lines counts them") {
  const auto wanted = columns({{"a", arrow::int64()}});
  CHECK(File("a\r1\r2\r").lines() == Lines{"1", "2"});
  CHECK(File("a\r1\rx\r").error({}, wanted) == "line 3: column 'a': 'x' is no bigint");
}

TEST_CASE(
    "CSV: fractions of seconds are microseconds, and nanoseconds where there are more digits") {
  CHECK(File("t\n2013-01-01 10:00:00.25\n2013-01-01\n").types() == "t timestamp[us]");
  const File fine("t\n2013-01-01 10:00:00.1234567\n");
  CHECK(fine.types() == "t timestamp[ns]");
  CHECK(fine.lines() == Lines{"2013-01-01 10:00:00.123456700"});
}
