#include "runtime/descriptor/diagnostic.hpp"

#include "runtime/base/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

/// Blanks as wide as the first characters of the line. Tabs stay tabs, so that the mark stands
/// exactly below its place.
std::string padding(std::string_view line, int characters) {
  std::string pad;
  for (std::size_t i = 0; i < line.size() && characters > 0; ++i) {
    if ((static_cast<unsigned char>(line[i]) & 0xC0) == 0x80) continue;
    pad += line[i] == '\t' ? '\t' : ' ';
    --characters;
  }
  return pad + std::string(static_cast<std::size_t>(characters), ' ');
}

}  // namespace

void Diagnostics::report(Mistake mistake, std::size_t offset, std::size_t length,
                         std::string message, std::string hint, std::vector<std::string> allowed) {
  if (list_.size() >= diagnostics_max) return;
  Diagnostic told;
  told.file = source_->file();
  told.position = source_->position(offset);
  told.length = std::max(1, source_->characters(offset, offset + length));
  told.mistake = mistake;
  told.message = std::move(message);
  told.hint = std::move(hint);
  told.allowed = std::move(allowed);
  told.line = source_->line(told.position.line);
  list_.push_back(std::move(told));
}

std::vector<Diagnostic> Diagnostics::take() {
  std::stable_sort(list_.begin(), list_.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::pair(a.position.line, a.position.column) <
           std::pair(b.position.line, b.position.column);
  });
  return std::move(list_);
}

std::string render_text(const Diagnostic& told) {
  const std::string number = std::to_string(told.position.line);
  const std::string margin(number.size(), ' ');
  std::string text = fmt::format("error[{}]: {}\n{}--> {}:{}:{}\n{} |\n{} | {}\n{} | ", told.code(),
                                 told.message, margin, told.file, told.position.line,
                                 told.position.column, margin, number, told.line, margin);
  text += padding(told.line, told.position.column - 1) +
          std::string(static_cast<std::size_t>(told.length), '^');
  if (!told.hint.empty()) text += " " + told.hint;
  text += "\n";
  const std::string more = fmt::format("troupe errors {}", told.code());
  if (told.allowed.empty()) return text + fmt::format("{} = {}\n", margin, more);
  return text + fmt::format("{} = allowed here: {}        {}\n", margin,
                            fmt::join(told.allowed, ", "), more);
}

std::string render_line(const Diagnostic& told) {
  std::string hint = told.hint;
  if (hint.empty() && !told.allowed.empty()) {
    hint = fmt::format("allowed here: {}", fmt::join(told.allowed, ", "));
  }
  if (!hint.empty()) hint = fmt::format(" ({})", hint);
  return fmt::format("{}:{}:{}: {}{} [{}]", told.file, told.position.line, told.position.column,
                     told.message, hint, told.code());
}

Json render_json(const Diagnostic& told) {
  Json json = {{"code", told.code()},
               {"severity", "error"},
               {"file", told.file},
               {"line", told.position.line},
               {"column", told.position.column},
               {"length", told.length},
               {"message", told.message}};
  if (!told.hint.empty()) json["hint"] = told.hint;
  if (!told.allowed.empty()) json["allowed"] = told.allowed;
  return json;
}

std::optional<Diagnostic> diagnostic_of(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const auto& kinds = mistake_kinds();
  const std::string code = json.value("code", "");
  const auto kind = std::find_if(kinds.begin(), kinds.end(),
                                 [&](const MistakeKind& one) { return code == one.code; });
  if (kind == kinds.end()) return std::nullopt;
  Diagnostic told;
  told.file = json.value("file", "");
  told.position = {json.value("line", 1), json.value("column", 1)};
  told.length = json.value("length", 1);
  told.mistake = kind->mistake;
  told.message = json.value("message", "");
  told.hint = json.value("hint", "");
  told.allowed = json.value("allowed", std::vector<std::string>());
  return told;
}

}  // namespace troupe
