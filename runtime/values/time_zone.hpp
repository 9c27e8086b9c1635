#pragma once

#include "runtime/base/result.hpp"
#include "runtime/values/vector.hpp"

#include <string>

namespace date {
class time_zone;
}

namespace troupe {

/// A zone of the machine's tz database, such as Europe/Berlin. Every node of a cluster should have
/// the same release of it. A value; the zones themselves live as long as the process.
class TimeZone {
 public:
  static Result<TimeZone> find(const std::string& name);

  /// What clocks there show at a moment.
  Result<Moment> local(Moment utc) const;
  /// The moment at which they show it. As in PostgreSQL, a time that a clock skips is read with
  /// the offset before it was put forward, one that it shows twice is the second.
  Result<Moment> utc(Moment local) const;

 private:
  explicit TimeZone(const date::time_zone* zone) : zone_(zone) {}

  const date::time_zone* zone_;
};

}  // namespace troupe
