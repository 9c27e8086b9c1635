#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace troupe {

/// What indexes of files are written in: little-endian words of 64 bits, and texts behind their
/// lengths.
inline void put_word(std::string& bytes, std::uint64_t value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}
inline void put_text(std::string& bytes, std::string_view text) {
  put_word(bytes, text.size());
  bytes += text;
}

/// Takes words from the front of bytes that may be damaged; gives only zeros once there are too few
/// bytes.
class IndexWords {
 public:
  explicit IndexWords(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t next() {
    std::uint64_t value = 0;
    ok_ = ok_ && bytes_.size() >= sizeof value;
    if (!ok_) return 0;
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return value;
  }
  /// A count of things of at least `size` bytes each. Checked against the bytes that are left, so
  /// that a damaged count cannot ask for more memory than the file has.
  std::size_t count(std::size_t size) {
    const std::uint64_t value = next();
    ok_ = ok_ && value <= bytes_.size() / size;
    return ok_ ? static_cast<std::size_t>(value) : 0;
  }
  std::string text() {
    const std::size_t length = count(1);
    std::string value(bytes_.substr(0, length));
    bytes_.remove_prefix(length);
    return value;
  }
  bool ended_well() const { return ok_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace troupe
