#pragma once

#include "runtime/base/result.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace troupe {

/// How the letters of a text file are written as bytes, by the name that the C library knows.
class TextEncoding {
 public:
  /// UTF-8, which needs no decoder.
  TextEncoding() = default;
  /// "latin1", "windows-1252", "utf-16", "shift_jis", ...: letter case, `-` and `_` do not matter
  /// where the C library knows such a name without them.
  static Result<TextEncoding> named(const std::string& name);

  const std::string& name() const { return name_; }
  bool is_utf8() const { return name_.empty(); }
  /// True where each letter is one byte, and ASCII means ASCII: a file may be cut at its line
  /// breaks. So may UTF-8.
  bool one_byte_letters() const { return one_byte_letters_; }
  bool cuttable() const { return is_utf8() || one_byte_letters_; }
  /// How many bytes of the file this decoded text was; of a cuttable encoding.
  std::int64_t bytes_in_file(std::string_view text) const;

 private:
  std::string name_;  ///< as the C library wants it; empty: UTF-8
  bool one_byte_letters_ = false;
};

/// Turns the bytes of a file into UTF-8, in pieces of any size. Used by one thread at a time.
class TextDecoder {
 public:
  explicit TextDecoder(const TextEncoding& encoding);
  ~TextDecoder();

  /// Appends to `text` what these bytes mean; bytes of a letter that has not ended wait for the
  /// next call. `invalid_argument` at bytes that mean nothing; what was before them is appended.
  Result<> decode(std::string_view bytes, std::string& text);
  /// Error where the last letter has not ended.
  Result<> finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace troupe
