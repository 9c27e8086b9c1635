#include "runtime/run/leftovers.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

Leftovers::Leftovers(std::vector<Leftover> recorded) {
  for (Leftover& leftover : recorded) {
    const RunId run = leftover.run;
    owed_.emplace(run, Owed{.what = std::move(leftover)});
  }
}

Effects Leftovers::start() {
  for (auto& [run, owed] : owed_) remove(owed);
  return std::exchange(out_, {});
}

Effects Leftovers::add(Leftover leftover) {
  if (owed_.size() >= leftovers_max) {
    const RunId oldest = owed_.begin()->first;
    say(oldest, log::Level::warn,
        "what it left beside its outputs is not looked after any more: too many runs wait for "
        "nodes that are away");
    let_go(oldest);
  }
  const RunId run = leftover.run;
  remove(owed_.emplace(run, Owed{.what = std::move(leftover)}).first->second);
  return std::exchange(out_, {});
}

/// Never two removals of one run at a time: they would race.
void Leftovers::remove(Owed& owed) {
  owed.again_at.reset();
  if (owed.removing) {
    owed.again = true;
    return;
  }
  owed.due = removals_ >= clean_ups_max;
  if (owed.due) return;
  owed.removing = true;
  ++removals_;
  out_.push_back(effect::HaveDone{
      owed.what.run, {ErrandKind::clean_up_sinks, owed.what.uid, owed.what.plan, "", {}}});
}

void Leftovers::note_end(Owed& owed) {
  owed.removing = false;
  --removals_;
}

void Leftovers::remove_due() {
  for (auto& [run, owed] : owed_) {
    if (owed.due) remove(owed);
    if (removals_ >= clean_ups_max) return;
  }
}

Effects Leftovers::on_cleaned(RunId run) {
  const auto found = owed_.find(run);
  if (found == owed_.end()) return {};
  Owed& owed = found->second;
  note_end(owed);
  owed.retry = {};
  if (std::exchange(owed.again, false)) {
    remove(owed);
  } else if (owed.what.away.empty()) {
    let_go(run);
  }
  remove_due();
  return std::exchange(out_, {});
}

void Leftovers::let_go(RunId run) {
  if (owed_.at(run).removing) note_end(owed_.at(run));
  out_.push_back(effect::Persist{{RunCleanedRecord{run}}});
  owed_.erase(run);
}

Effects Leftovers::on_failed(RunId run, const Error& error, Instant now) {
  const auto found = owed_.find(run);
  if (found == owed_.end()) return {};
  Owed& owed = found->second;
  note_end(owed);
  owed.again = false;
  if (owed.retry == Duration()) {
    say(run, log::Level::warn,
        fmt::format("what it left beside its outputs is not removed, to be tried again: {}",
                    error.to_string()));
  }
  owed.retry = std::clamp(owed.retry * 2, clean_up_retry_min, clean_up_retry_max);
  owed.again_at = now + owed.retry;
  remove_due();
  return std::exchange(out_, {});
}

Effects Leftovers::on_listed(const NodeProcess& node, const std::vector<HeldTask>& held) {
  for (auto& [run, owed] : owed_) {
    // The same process, or one that came after it.
    const auto back = std::erase_if(owed.what.away, [&](const NodeProcess& away) {
      return away.first == node.first && away.second <= node.second;
    });
    if (back == 0) continue;
    std::erase_if(owed.stopping,
                  [&](const auto& entry) { return entry.second.first == node.first; });
    bool writes = false;
    for (const HeldTask& task : held) {
      const bool over = task.state == HeldState::finished || task.state == HeldState::failed;
      if (task.run != run || over) continue;
      owed.stopping[key_of(task)] = node;
      writes = true;
    }
    if (writes) {
      owed.what.away.insert(node);
    } else {
      remove(owed);
    }
  }
  return std::exchange(out_, {});
}

bool Leftovers::awaits(const AttemptKey& key) const {
  const auto found = owed_.find(key.run);
  return found != owed_.end() && found->second.stopping.contains(key);
}

Effects Leftovers::on_stopped(const AttemptKey& key) {
  const auto found = owed_.find(key.run);
  if (found == owed_.end()) return {};
  Owed& owed = found->second;
  const auto stopped = owed.stopping.extract(key);
  if (!stopped) return {};
  const NodeProcess node = stopped.mapped();
  const bool more = std::any_of(owed.stopping.begin(), owed.stopping.end(),
                                [&](const auto& entry) { return entry.second == node; });
  if (more) return {};
  owed.what.away.erase(node);
  remove(owed);
  return std::exchange(out_, {});
}

Effects Leftovers::on_tick(Instant now) {
  for (auto& [run, owed] : owed_) {
    if (owed.again_at && *owed.again_at <= now) remove(owed);
  }
  return std::exchange(out_, {});
}

std::optional<Instant> Leftovers::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& [run, owed] : owed_) {
    if (owed.again_at) next = std::min(next.value_or(*owed.again_at), *owed.again_at);
  }
  return next;
}

void Leftovers::say(RunId run, log::Level level, std::string text) {
  out_.push_back(effect::Persist{{EventRecord{run, level, std::move(text)}}});
}

}  // namespace troupe
