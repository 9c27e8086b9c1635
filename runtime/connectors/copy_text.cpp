#include "runtime/connectors/copy_text.hpp"

#include "runtime/formats/column_types.hpp"
#include "runtime/formats/written_text.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace troupe {
namespace {

constexpr std::size_t shown_bytes_max = 500;

bool has_copy_text(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::LIST:
    case arrow::Type::STRUCT:
    case arrow::Type::MAP:
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
    case arrow::Type::DURATION:
      return false;
    default:
      return true;
  }
}

void append_escaped(std::string_view text, std::string& out) {
  constexpr std::string_view special("\\\t\n\r\b\f\v", 7);
  if (text.find_first_of(special) == std::string_view::npos) {
    out += text;
    return;
  }
  for (const char letter : text) {
    switch (letter) {
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        out += letter;
    }
  }
}

/// A bytea: "\x0aff", with its own backslash escaped.
void append_bytes(std::string_view bytes, std::string& out) {
  out += "\\\\x";
  for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
}

struct CopyColumn {
  std::shared_ptr<arrow::Array> values;
  bool bytes = false;

  void append(std::int64_t row, std::string& out) const {
    if (values->IsNull(row)) {
      out += "\\N";
    } else if (bytes) {
      append_bytes(static_cast<const arrow::BinaryArray&>(*values).GetView(row), out);
    } else {
      append_escaped(static_cast<const arrow::StringArray&>(*values).GetView(row), out);
    }
  }
};

Result<CopyColumn> copy_column(const std::shared_ptr<arrow::Array>& values,
                               const std::string& name) {
  if (values->type_id() == arrow::Type::BINARY) return CopyColumn{values, true};
  auto texts = written_texts(values);
  if (!texts) return texts.error().within(fmt::format("column '{}'", name));
  return CopyColumn{*std::move(texts)};
}

template <class Each>
void for_each_line(std::string_view lines, const Each& each) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    each(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

}  // namespace

Result<> check_copy_columns(const arrow::Schema& schema) {
  return check_columns(schema, "PostgreSQL", has_copy_text,
                       "take it apart with select, or cast it to text");
}

Result<> append_copy_text(const Batch& rows, const std::int64_t* weights, std::string& out) {
  const auto plain = TRY(without_dictionaries(rows));
  std::vector<CopyColumn> columns;
  for (int i = 0; i < plain->num_columns(); ++i) {
    columns.push_back(TRY(copy_column(plain->column(i), plain->column_name(i))));
  }
  for (std::int64_t row = 0; row < plain->num_rows(); ++row) {
    for (const CopyColumn& column : columns) {
      column.append(row, out);
      out += '\t';
    }
    out += weights == nullptr ? "1" : std::to_string(weights[row]);
    out += '\n';
  }
  return {};
}

void for_each_row(std::string_view lines, const std::function<void(std::string_view)>& each) {
  for_each_line(lines, [&](std::string_view line) { each(line.substr(0, line.rfind('\t'))); });
}

std::string without_last_value(std::string_view lines) {
  std::string made;
  made.reserve(lines.size());
  for_each_line(lines, [&](std::string_view line) {
    made += line.substr(0, line.rfind('\t'));
    made += '\n';
  });
  return made;
}

std::string with_last_value(std::string_view lines, std::string_view value) {
  std::string made;
  made.reserve(lines.size() * 2);
  for_each_line(lines, [&](std::string_view line) {
    made += line;
    made += '\t';
    made += value;
    made += '\n';
  });
  return made;
}

std::string shown_line(std::string_view lines, std::size_t number) {
  std::string shown;
  std::size_t at = 0;
  for_each_line(lines, [&](std::string_view line) {
    if (++at != number) return;
    for (const char letter : line.substr(0, shown_bytes_max)) {
      shown += letter == '\t' ? std::string(", ") : std::string(1, letter);
    }
    if (line.size() > shown_bytes_max) shown += "...";
  });
  return shown;
}

}  // namespace troupe
