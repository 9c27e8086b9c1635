#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/descriptor/mistake.hpp"
#include "runtime/descriptor/source_text.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// One mistake of a descriptor and its place, with everything that its renderings need.
struct Diagnostic {
  std::string file;
  Position position;
  int length = 1;  ///< characters that are marked, on this line
  Mistake mistake = Mistake::bad_yaml;
  std::string message;
  std::string hint = {};
  std::vector<std::string> allowed = {};  ///< names that are allowed here
  std::string line = {};                  ///< the line of the text

  const char* code() const { return kind_of(mistake).code; }
};

/// Collects the mistakes of one text. After `diagnostics_max`, further ones are dropped.
class Diagnostics {
 public:
  explicit Diagnostics(const SourceText& source) : source_(&source) {}

  void report(Mistake mistake, std::size_t offset, std::size_t length, std::string message,
              std::string hint = {}, std::vector<std::string> allowed = {});
  bool empty() const { return list_.empty(); }
  std::size_t size() const { return list_.size(); }
  /// Takes the mistakes out, in the order of the text.
  std::vector<Diagnostic> take();

 private:
  const SourceText* source_;
  std::vector<Diagnostic> list_;
};

inline constexpr std::size_t diagnostics_max = 100;

/// For a terminal: what, where, the line with a mark below it, what to do.
std::string render_text(const Diagnostic& diagnostic);
/// "jobs/late.yaml:48:40: unknown key 'frm' (did you mean 'from'?) [TR1007]"
std::string render_line(const Diagnostic& diagnostic);
/// {"code": "TR1007", "file": ..., "line": ..., "column": ..., "length": ..., "message": ...}
Json render_json(const Diagnostic& diagnostic);
/// The diagnostic that `render_json` has written, without the line of the text; none if its code is
/// one of a newer version.
std::optional<Diagnostic> diagnostic_of(const Json& json);

}  // namespace troupe
