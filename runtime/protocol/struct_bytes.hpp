#pragma once

#include "runtime/base/result.hpp"
#include "runtime/protocol/struct_codec.hpp"

#include <capnp/serialize.h>

#include <cstring>
#include <string>
#include <string_view>

namespace troupe {

/// A struct that names its schema, as bytes that stand for themselves: a column of a row, or what
/// travels in parts.
template <class Struct>
std::string bytes_of(const Struct& value) {
  capnp::MallocMessageBuilder message;
  struct_codec::write(message.initRoot<typename Struct::Schema>(), value);
  const kj::Array<capnp::word> words = capnp::messageToFlatArray(message);
  const auto chars = words.asChars();
  return {chars.begin(), chars.size()};
}

/// Structs are read by the million words, but come from our own disk or cluster: the limit is only
/// a fuse.
inline constexpr std::uint64_t struct_words_max = std::uint64_t{64} << 20;

/// `corrupt` where the bytes are no such struct; `what` they should be, for the message.
template <class Struct>
Result<Struct> read_bytes(std::string_view bytes, const char* what) {
  if (bytes.size() % sizeof(capnp::word) != 0 || bytes.empty()) {
    return make_error(ErrorCode::corrupt, "{}: {} bytes are no whole words", what, bytes.size());
  }
  try {
    auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
    std::memcpy(words.begin(), bytes.data(), bytes.size());
    capnp::ReaderOptions options;
    options.traversalLimitInWords = struct_words_max;
    capnp::FlatArrayMessageReader reader(words, options);
    Struct value;
    struct_codec::read(reader.getRoot<typename Struct::Schema>(), value);
    return value;
  } catch (const kj::Exception& exception) {
    return make_error(ErrorCode::corrupt, "{}: {}", what, exception.getDescription().cStr());
  }
}

}  // namespace troupe
