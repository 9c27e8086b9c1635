#pragma once

#include "runtime/base/result.hpp"
#include "runtime/descriptor/source_text.hpp"
#include "runtime/descriptor/template.hpp"
#include "runtime/descriptor/yaml_node.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// A part of the file.
struct Place {
  std::size_t offset = 0;
  std::size_t length = 1;
};

/// Finds where the paths of errors stand in a dataflow: "late.with.where" with a span in its text.
class Places {
 public:
  Places(const SourceText& source, const YamlNode& dataflow,
         const std::map<std::string, Template>& templates)
      : source_(source), dataflow_(dataflow), templates_(templates) {}

  /// The value at `path`, or the part of it that `span` says; where the path goes on below what is
  /// written, the last key on the way.
  Place value(const std::string& path, const std::optional<TextSpan>& span = {}) const;
  /// The last key of `path` that is written.
  Place key(const std::string& path) const;

 private:
  struct Walk {
    const YamlNode* key = nullptr;
    const YamlNode* value = nullptr;
    bool whole = false;  ///< the path ended here
  };
  Walk walk(std::string_view path) const;
  Place part(const std::string& path, const YamlNode& scalar, const TextSpan& span) const;

  const SourceText& source_;
  const YamlNode& dataflow_;
  const std::map<std::string, Template>& templates_;
};

}  // namespace troupe
