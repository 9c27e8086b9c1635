#pragma once

#include "runtime/wire/data_frame.hpp"

namespace troupe {

/// Tokens of a data frame, a different number each.
inline DataTokens some_tokens() {
  return {.cluster = ClusterName("c"),
          .sender_incarnation = Incarnation(1),
          .receiver_incarnation = Incarnation(2),
          .run = RunId(3),
          .channel = ChannelId(4),
          .sender_attempt = Attempt(5),
          .receiver_attempt = Attempt(6)};
}

}  // namespace troupe
