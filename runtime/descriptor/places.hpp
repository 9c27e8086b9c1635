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

/// Finds the place in a dataflow of an error's path ("late.with.where") and span in its text.
class Places {
 public:
  Places(const SourceText& source, const YamlNode& dataflow,
         const std::map<std::string, Template>& templates)
      : source_(source), dataflow_(dataflow), templates_(templates) {}

  /// The place of the value at `path`, or of its part `span`. If the path goes deeper than the
  /// file, the place of the last key on the way.
  Place value(const std::string& path, const std::optional<TextSpan>& span = {}) const;
  /// The last key of `path` that the file has.
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
