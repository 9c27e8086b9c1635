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
/// Rows travel as Arrow IPC. The schema goes with the first batch and whenever it changes, a
/// dictionary when the receiver does not have it yet. Buffers from 64 KiB on are not copied. If a
/// dictionary is large and has more values than the batch has rows, the column is decoded before it
/// is sent: a thin slice must not carry a whole dictionary.
/// One per channel and sender attempt; not thread-safe; its state ends with the channel.
class ChannelEncoder {
 public:
  explicit ChannelEncoder(DataTokens tokens);
  ~ChannelEncoder();
  ChannelEncoder(ChannelEncoder&&) noexcept;
  ChannelEncoder& operator=(ChannelEncoder&&) noexcept;

  /// Makes one frame, or several for a batch above `encoded_batch_bytes_max`. Send them in order.
  Result<std::vector<DataFrame>> encode(const StreamItem& item);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A larger batch is cut into several, so that one message never holds a lane for long.
inline constexpr std::int64_t encoded_batch_bytes_max = std::int64_t{16} << 20;
/// Buffers from this size on are sent without a copy; smaller ones are copied together.
inline constexpr std::int64_t zero_copy_bytes_min = std::int64_t{64} << 10;
/// A new dictionary up to this size is always sent; a larger one only if it has no more values than
/// the batch has rows.
inline constexpr std::int64_t dictionary_bytes_free = std::int64_t{16} << 10;

/// The receiving end: data frames -> stream items, in order or not at all.
///
/// `corrupt`: wrong tokens, a number that is missing or used twice, wrong counts, and columns that
/// Arrow's full validation refuses. After an error the channel is broken for good: every further
/// frame is refused. May run on any worker; not thread-safe.
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
