#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/wire/frame.hpp"
#include "schemas/data.capnp.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace arrow {
class Buffer;
}

namespace troupe {

/// The parts of one message: a header and, for rows, the bytes of their columns. Each part keeps
/// alive whatever memory it points to, so sending and receiving copy nothing large.
using MessageParts = std::vector<std::shared_ptr<arrow::Buffer>>;

/// Names the channel of an item, and its two ends. Both ends know these before the first item; a
/// frame with other ones is refused.
struct DataTokens {
  ClusterName cluster;
  Incarnation sender_incarnation;
  Incarnation receiver_incarnation;
  RunId run;
  ChannelId channel;
  Attempt sender_attempt;
  Attempt receiver_attempt;

  friend bool operator==(const DataTokens&, const DataTokens&) = default;
};

/// Every data frame begins with these 8 bytes, which no control frame can begin with.
inline constexpr std::string_view data_magic = "TROUPED1";
/// The header holds metadata of the columns, never their content.
inline constexpr std::size_t data_header_bytes_max = std::size_t{4} << 20;
/// One whole frame. An encoder cuts batches long before.
inline constexpr std::size_t data_frame_bytes_max = std::size_t{256} << 20;
inline constexpr std::size_t data_frame_parts_max = 4096;

/// One item of a channel on its way between two nodes: immutable, ref-counted, in message parts.
///
/// Made by a `ChannelEncoder`, read by a `ChannelDecoder`; the link between them looks at the
/// tokens only. Never a message for an actor, never resumed: a lost one breaks its channel.
class DataFrame {
 public:
  DataFrame() = default;

  /// Is this message a data frame (else it is a control frame, or noise)?
  static bool begins(ByteSpan first_part);
  /// From bytes that nobody has checked yet: checks the header's pointers, and that the parts are
  /// those it lists. The channel's decoder checks the columns themselves.
  static Result<DataFrame> decode(MessageParts parts);
  /// From a header that an encoder filled in, and the parts it lists.
  static DataFrame build(capnp::MessageBuilder& header, MessageParts body);

  DataTokens tokens() const;
  std::uint64_t seq() const;
  const schema::DataHeader::Reader& header() const;
  /// Size of all parts: the frame takes so much of its channel's credit.
  std::size_t bytes() const;
  bool is_batch() const;
  /// The header, then the body; they are sent as they are.
  const MessageParts& parts() const;
  explicit operator bool() const { return content_ != nullptr; }

 private:
  struct Content;
  explicit DataFrame(std::shared_ptr<const Content> content) : content_(std::move(content)) {}

  std::shared_ptr<const Content> content_;
};

}  // namespace troupe
