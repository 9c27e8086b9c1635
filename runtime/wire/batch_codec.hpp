#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/stream_item.hpp"
#include "runtime/wire/data_frame.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace troupe {

/// The sending end of one channel between two nodes: stream items -> data frames.
///
/// Rows travel as Arrow IPC: the schema with the first batch and when it changes, a dictionary when
/// the receiver does not have it yet, buffers from 64 KiB on without a copy. A column whose
/// dictionary is much larger than the rows that use it is decoded before it is sent, so a thin
/// slice of a large dictionary does not carry all of it.
/// One per channel and sender attempt; not thread-safe; its state ends with the channel.
class ChannelEncoder {
 public:
  explicit ChannelEncoder(DataTokens tokens);
  ~ChannelEncoder();
  ChannelEncoder(ChannelEncoder&&) noexcept;
  ChannelEncoder& operator=(ChannelEncoder&&) noexcept;

  /// One frame, or several for a batch above `encoded_batch_bytes_max`; to be sent in this order.
  Result<std::vector<DataFrame>> encode(const StreamItem& item);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A larger batch is cut into several, so that one message never holds a lane for long.
inline constexpr std::int64_t encoded_batch_bytes_max = std::int64_t{16} << 20;
/// Buffers from this size on are sent where they are; smaller ones are copied together.
inline constexpr std::int64_t zero_copy_bytes_min = std::int64_t{64} << 10;
/// A new dictionary up to this size is always sent; a larger one only if it has no more values than
/// the batch has rows.
inline constexpr std::int64_t dictionary_bytes_free = std::int64_t{16} << 10;

/// The receiving end: data frames -> stream items, in order or not at all.
///
/// Wrong tokens, a gap in the numbers, a second use of one, wrong counts and columns that Arrow's
/// full validation refuses are `corrupt`; after an error the channel is broken for good and every
/// further frame is refused. May run on any worker; not thread-safe.
class ChannelDecoder {
 public:
  explicit ChannelDecoder(DataTokens expected);
  ~ChannelDecoder();
  ChannelDecoder(ChannelDecoder&&) noexcept;
  ChannelDecoder& operator=(ChannelDecoder&&) noexcept;

  Result<StreamItem> decode(const DataFrame& frame);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace troupe
