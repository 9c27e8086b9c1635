#include "deploy/cli/output.hpp"

#include "deploy/cli/exit_code.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/base/near.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>

namespace troupe {
namespace {

constexpr std::array<std::pair<const char*, OutputFormat>, 7> format_words{{
    {"table", OutputFormat::table},
    {"wide", OutputFormat::wide},
    {"json", OutputFormat::json},
    {"jsonl", OutputFormat::jsonl},
    {"yaml", OutputFormat::yaml},
    {"name", OutputFormat::name},
    {"csv", OutputFormat::csv},
}};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return c == ' ' ? '_' : static_cast<char>(std::tolower(c));
  });
  return text;
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string space(width - std::min(width, width_of(text)), ' ');
  return right ? space + text : text + space;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string key_of(const TextTable& table, std::size_t column) {
  const std::string& title = table.columns[column].title;
  return table.titles_are_keys ? title : lower(title);
}

bool shown(const TextTable& table, std::size_t column, OutputFormat format) {
  const bool people = format == OutputFormat::table || format == OutputFormat::wide;
  switch (table.columns[column].audience) {
    case TextTable::Audience::all:
      return true;
    case TextTable::Audience::wide:
      return format != OutputFormat::table;
    case TextTable::Audience::people:
      return people;
    case TextTable::Audience::programs:
      return !people;
  }
  return true;
}

Json rows_as_json(const TextTable& table) {
  Json items = Json::array();
  for (const auto& row : table.rows) {
    Json item = Json::object();
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (shown(table, i, OutputFormat::json)) item[key_of(table, i)] = row[i].plain;
    }
    items.push_back(std::move(item));
  }
  return items;
}

std::string aligned(const TextTable& table, OutputFormat format) {
  std::vector<std::size_t> columns, widths;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (!shown(table, i, format)) continue;
    std::size_t width = width_of(table.columns[i].title);
    for (const auto& row : table.rows) width = std::max(width, width_of(row[i].text));
    columns.push_back(i);
    widths.push_back(width);
  }
  std::string text;
  const auto add_line = [&](auto&& cell) {
    std::string line;
    for (std::size_t k = 0; k < columns.size(); ++k) {
      if (k > 0) line += "  ";
      line += padded(cell(columns[k]), widths[k], table.columns[columns[k]].right);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add_line([&](std::size_t i) { return table.columns[i].title; });
  for (const auto& row : table.rows) add_line([&](std::size_t i) { return row[i].text; });
  return text;
}

void put_yaml(const Json& value, int indent, std::string& text) {
  const std::string space(static_cast<std::size_t>(indent), ' ');
  const auto put_child = [&](const Json& child) {
    if (child.is_structured() && !child.empty()) {
      text += "\n";
      put_yaml(child, indent + 2, text);
    } else {
      text += " " + json_text(child) + "\n";
    }
  };
  if (value.is_object()) {
    for (const auto& [key, child] : value.items()) {
      text += space + key + ":";
      put_child(child);
    }
  } else if (value.is_array()) {
    for (const auto& child : value) {
      text += space + "-";
      put_child(child);
    }
  } else {
    text += space + json_text(value) + "\n";
  }
}

}  // namespace

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

Result<OutputFormat> parse_output_format(std::string_view word) {
  std::vector<std::string> words;
  for (const auto& [name, format] : format_words) {
    if (word == name) return format;
    words.emplace_back(name);
  }
  Error error = make_error(ErrorCode::invalid_argument, "no output format '{}'", word);
  error.hint = fmt::format("one of {}", fmt::join(words, ", "));
  return error;
}

void Output::write(std::string_view text) const {
  wrote_ = true;
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void Output::line(std::string_view text) const { write(fmt::format("{}\n", text)); }

void Output::object(const Json& value) const {
  if (format_ == OutputFormat::yaml) {
    std::string text;
    put_yaml(value, 0, text);
    write(text);
  } else {
    line(json_text(value, format_ == OutputFormat::jsonl ? -1 : 2));
  }
}

std::string render(const TextTable& table, OutputFormat format) {
  std::string text;
  switch (format) {
    case OutputFormat::table:
    case OutputFormat::wide:
      return aligned(table, format);
    case OutputFormat::name:
      for (const auto& row : table.rows) text += row.front().plain + "\n";
      return text;
    case OutputFormat::csv: {
      std::vector<std::string> titles;
      for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (shown(table, i, format)) titles.push_back(csv_field(key_of(table, i)));
      }
      text = fmt::format("{}\n", fmt::join(titles, ","));
      for (const auto& row : table.rows) {
        std::vector<std::string> fields;
        for (std::size_t i = 0; i < row.size(); ++i) {
          if (shown(table, i, format)) fields.push_back(csv_field(row[i].plain));
        }
        text += fmt::format("{}\n", fmt::join(fields, ","));
      }
      return text;
    }
    case OutputFormat::json:
      return json_text(rows_as_json(table), 2) + "\n";
    case OutputFormat::yaml:
      put_yaml(rows_as_json(table), 0, text);
      return text;
    case OutputFormat::jsonl:
      for (const auto& item : rows_as_json(table)) text += json_text(item) + "\n";
      return text;
  }
  return text;
}

void Output::table(const TextTable& table, const Json* items) const {
  if (items == nullptr || !(json() || format_ == OutputFormat::yaml)) {
    return write(render(table, format_));
  }
  if (format_ != OutputFormat::jsonl) return object(*items);
  for (const auto& item : *items) line(json_text(item));
}

void Output::changed(std::string_view text, const Json& value) const {
  if (json()) object(value);
  say(text);
}

void Output::say(std::string_view text) const {
  if (!quiet_) fmt::print(stderr, "{}\n", text);
}

void Output::error(const Error& error) const {
  if (json()) {
    Json object = {{"code", to_string(error.code)}, {"message", error.message}};
    if (!error.hint.empty()) object["hint"] = error.hint;
    object = {{"error", object}};
    if (!wrote_) this->object(object);
    fmt::print(stderr, "{}\n", json_text(object));
    return;
  }
  fmt::print(stderr, "{}error:{} {}\n", colour_talk_ ? "\033[1;31m" : "",
             colour_talk_ ? "\033[0m" : "", error.message);
  if (!error.hint.empty()) fmt::print(stderr, "  hint: {}\n", error.hint);
}

void Output::warning(std::string_view text) const {
  fmt::print(stderr, "{}warning:{} {}\n", colour_talk_ ? "\033[1;33m" : "",
             colour_talk_ ? "\033[0m" : "", text);
}

void Output::progress(std::string_view text) const {
  if (quiet_ || !colour_talk_) return;
  fmt::print(stderr, "\r\033[K{}", text);
  std::fflush(stderr);
}

TextTable::Cell TextTable::Cell::count(std::int64_t number) {
  return {with_thousands(number), std::to_string(number)};
}

TextTable::Cell TextTable::Cell::seconds(double seconds) {
  return {human_duration(seconds), fmt::format("{:.3f}", seconds)};
}

std::string with_thousands(std::int64_t number) {
  const std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > first && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string human_duration(double seconds) {
  if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::lround(seconds));
  if (whole < 3600) return fmt::format("{} m {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} m", whole / 3600, whole / 60 % 60);
}

std::string human_bytes(std::int64_t bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
  double amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 1024 && unit + 1 < units.size()) {
    amount /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", amount, units[unit]);
}

}  // namespace troupe
