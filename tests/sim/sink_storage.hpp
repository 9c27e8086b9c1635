#pragma once

#include "runtime/operator/sink.hpp"
#include "tests/sim/model_job.hpp"

#include <map>
#include <set>
#include <string>

namespace troupe::sim {

/// The storage that every node sees: what attempts have staged, and what readers see. Its steps are
/// atomic and durable; a commit keeps its marker with the data.
class SinkStorage {
 public:
  struct Visible {
    std::uint32_t commits = 0;
    Totals totals;
    std::set<std::string> tags;
  };

  void stage(const std::string& marker, const std::string& tag, Rows rows) {
    staged_[marker][tag] = std::move(rows);
  }

  /// `idempotent` is what a sink promises; a mutant does not keep it.
  Result<> commit(const std::string& marker, const std::vector<Committable>& staged,
                  bool idempotent = true) {
    Visible& visible = visible_[marker];
    if (visible.commits > 0 && idempotent) return {};
    ++visible.commits;
    const auto& own = staged_[marker];
    for (const Committable& each : staged) {
      const auto found = own.find(each.detail);
      if (found == own.end()) {
        return fail(ErrorCode::not_found, "{} has not staged {}", marker, each.detail);
      }
      add(visible.totals, found->second);
      visible.tags.insert(each.detail);
    }
    return {};
  }
  std::vector<Committable> all_staged(const std::string& marker) const {
    std::vector<Committable> all;
    const auto found = staged_.find(marker);
    if (found == staged_.end()) return all;
    for (const auto& [tag, rows] : found->second) {
      all.push_back({tag, static_cast<std::int64_t>(rows.size())});
    }
    return all;
  }
  void clean_up(const std::string& marker) { staged_.erase(marker); }

  /// Something of an attempt is still beside its output.
  bool anything_staged() const { return !staged_.empty(); }

  const std::map<std::string, Visible>& visible() const { return visible_; }

 private:
  std::map<std::string, std::map<std::string, Rows>> staged_;
  std::map<std::string, Visible> visible_;
};

}  // namespace troupe::sim
