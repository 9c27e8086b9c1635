#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"
#include "runtime/data/batch.hpp"

#include <variant>

namespace troupe {

/// No row with an earlier event time will follow on this channel, except late ones.
struct Watermark {
  EventTime time;
  /// No rows have come for long: nobody waits for this channel until its next watermark, which
  /// comes before its next row.
  bool idle = false;

  friend bool operator==(const Watermark&, const Watermark&) = default;
};

/// Everything before it belongs to this epoch. Travels in band, never overtakes a row.
struct Barrier {
  Epoch epoch;
  Epoch published = {};  ///< the last epoch that is; 0: none

  friend bool operator==(const Barrier&, const Barrier&) = default;
};

/// The channel has delivered all it will ever deliver.
struct EndOfStream {};

/// What flows through every channel, in batch and in streaming jobs alike.
using StreamItem = std::variant<Batch, Watermark, Barrier, EndOfStream>;

}  // namespace troupe
