#include "deploy/cli/printed.hpp"

#include "runtime/base/json.hpp"
#include "runtime/connectors/printed_rows.hpp"

#include <arrow/record_batch.h>

namespace troupe {
namespace {

Result<TextTable> table_of(const Batch& batch) {
  TextTable table;
  table.titles_are_keys = true;
  table.rows.resize(static_cast<std::size_t>(batch.rows()));
  for (int column = 0; column < batch.columns()->num_columns(); ++column) {
    table.columns.push_back({batch.columns()->column_name(column), is_numeric(batch, column)});
    const auto texts = TRY(column_text(batch, column));
    for (std::size_t row = 0; row < texts.size(); ++row) table.rows[row].push_back(texts[row]);
  }
  return table;
}

}  // namespace

Result<std::string> printed_text(const OutputView& output, OutputFormat format) {
  const Batch batch = TRY(from_ipc(output.ipc.bytes));
  const TextTable table = TRY(table_of(batch));
  std::string text;
  if (format == OutputFormat::table || format == OutputFormat::wide) {
    const std::string title = output.title.empty() ? output.vertex : output.title;
    text = title + "\n";
    text += render(table, format);
    if (output.rows_in_all > batch.rows()) {
      text += fmt::format("... {} rows in all\n", with_thousands(output.rows_in_all));
    }
    return text + "\n";
  }
  return render(table, format);
}

Result<Json> printed_json(const OutputView& output) {
  const Batch batch = TRY(from_ipc(output.ipc.bytes));
  return Json{{"vertex", output.vertex},
              {"title", output.title},
              {"rows_in_all", output.rows_in_all},
              {"rows", TRY(rows_as_json(batch))}};
}

}  // namespace troupe
