#pragma once

#include "runtime/base/result.hpp"
#include "runtime/values/vector.hpp"

#include <string>

namespace date {
class time_zone;
}

namespace troupe {

/// A zone of the machine's tz database, such as Europe/Berlin. Every node of a cluster should have
/// the same release of that. A small value: the zone itself lives as long as the process.
class TimeZone {
 public:
  static Result<TimeZone> find(const std::string& name);

  /// The time that clocks there show at a moment.
  Result<Moment> local(Moment utc) const;
  /// The moment at which clocks there show this time. As in PostgreSQL: a time that clocks skip is
  /// read with the offset before the change; of a time that they show twice, the second counts.
  Result<Moment> utc(Moment local) const;

 private:
  explicit TimeZone(const date::time_zone* zone) : zone_(zone) {}

  const date::time_zone* zone_;
};

}  // namespace troupe
