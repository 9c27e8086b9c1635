#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/protocol/messages.hpp"

#include <compare>
#include <cstdint>

namespace troupe {

/// One channel between two task attempts of a run. Both ends derive the same key from what they
/// were deployed with, so nobody has to allocate it.
struct ChannelKey {
  RunId run;
  ChannelId channel;
  Attempt sender;
  Attempt receiver;

  friend auto operator<=>(const ChannelKey&, const ChannelKey&) = default;
  friend bool operator==(const ChannelKey&, const ChannelKey&) = default;
};

/// Subtasks of a stage, and edges of a graph, that a channel id has room for.
inline constexpr std::uint32_t channel_subtasks_max = 1u << 20;

/// Of the channel from one subtask to another over edge number `edge`.
inline ChannelId channel_id(std::uint32_t edge, std::uint32_t from, std::uint32_t to) {
  ENSURE(from < channel_subtasks_max && to < channel_subtasks_max, "subtasks {} and {}", from, to);
  return ChannelId((std::uint64_t{edge} << 40) | (std::uint64_t{from} << 20) | to);
}

/// No graph has an edge of this number: the channels of fetched state files are numbered by who
/// asks.
inline constexpr std::uint64_t snapshot_edge = 0xff'ffff;

/// Of the fetch number `fetch` of a node: no two nodes that ask the same one may have the same key.
/// What tells them apart takes the place of the receiver's attempt.
inline ChannelKey snapshot_channel(std::uint64_t fetch, std::uint64_t asking) {
  return {RunId(), ChannelId((snapshot_edge << 40) | (fetch & 0xff'ffff'ffff)), Attempt(),
          Attempt(asking)};
}

}  // namespace troupe
