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

}  // namespace troupe
