#include "runtime/run/attempts.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

bool TaskStatus::active() const {
  return attempt != Attempt() &&
         (state == AttemptState::deploying || state == AttemptState::running);
}

bool TaskStatus::finished() const {
  return attempt != Attempt() && state == AttemptState::finished;
}

Attempts::Attempts(const RunRecord& made, Decision& decision)
    : run_(made.run), run_attempt_(made.run_attempt), decision_(decision) {}

void Attempts::restore(const std::vector<AttemptImage>& rows, const ClusterView& cluster) {
  for (const AttemptImage& row : rows) {
    const AttemptKey& key = row.made.key;
    last_ = std::max(last_, key.attempt);
    nodes_used_.insert(row.made.node);
    TaskStatus& status = tasks_[key.task];
    ++status.attempts;
    status.attempt = key.attempt;
    status.node = row.made.node;
    status.incarnation = row.made.incarnation;
    status.state = row.state;
    if (row.result) {
      last_outputs_[key.task] = row.result->outputs;
      status.result = *row.result;
      status.counters = row.result->counters;
    }
    if (status.active() || status.finished()) continue;
    status.attempt = {};
    // It may still run, if its node never heard that it must stop. The node's list will tell.
    if (row.state != AttemptState::failed) expect_stop(key, status, cluster);
  }
}

void Attempts::name_tasks(const TaskTopology& topology) {
  for (const auto& [task, region] : topology.tasks()) tasks_[task];
}

TaskStatus* Attempts::current(const AttemptKey& key) {
  const auto found = tasks_.find(key.task);
  if (found == tasks_.end() || key.attempt == Attempt()) return nullptr;
  return found->second.attempt == key.attempt ? &found->second : nullptr;
}

// ---- one that counts

void Attempts::begin(TaskId task, const ClusterNode& node) {
  TaskStatus& status = tasks_.at(task);
  const std::uint32_t attempts = status.attempts + 1;
  status = {};
  status.attempt = last_ = last_.next();
  status.node = node.node;
  status.incarnation = node.incarnation;
  status.attempts = attempts;
  nodes_used_.insert(node.node);
  decision_.persist(
      AttemptRecord{{run_, task, status.attempt}, node.node, node.incarnation, attempts > 1});
}

void Attempts::run(TaskId task) { move(task, tasks_.at(task), AttemptState::running); }

bool Attempts::win(const TaskFinished& report) {
  const AttemptKey key = key_of(report.token);
  TaskStatus& status = tasks_.at(key.task);
  move(key.task, status, AttemptState::finished);
  status.result = {key, report.outputs, report.sink, report.committables, report.counters};
  status.counters = report.counters;
  status.missing = false;
  decision_.persist(status.result);
  const auto [before, first] = last_outputs_.try_emplace(key.task, report.outputs);
  const bool same = first || before->second == report.outputs;
  before->second = report.outputs;
  return same;
}

void Attempts::fail(TaskId task, const std::string& why) {
  TaskStatus& status = tasks_.at(task);
  move(task, status, AttemptState::failed, why);
  status.attempt = {};
}

// ---- one that counts no more

void Attempts::supersede(TaskId task, const std::string& why, const ClusterView& cluster) {
  TaskStatus& status = tasks_.at(task);
  status.ready = false;
  if (status.attempts > 0) status.over = why;
  if (status.attempt == Attempt()) return;
  const AttemptKey key{run_, task, status.attempt};
  expect_stop(key, status, cluster);
  move(task, status, AttemptState::superseded, why);
  cancel(key, {status.node, status.incarnation}, why);
  status.attempt = {};
}

void Attempts::kill_all(const ClusterView& cluster) {
  for (auto& [task, status] : tasks_) {
    if (!status.active()) continue;
    expect_stop({run_, task, status.attempt}, status, cluster);
    move(task, status, AttemptState::killed);
    status.attempt = {};
  }
}

/// The attempt does not count from now on, but its node may not have stopped it yet.
void Attempts::expect_stop(const AttemptKey& key, const TaskStatus& status,
                           const ClusterView& cluster) {
  const NodeProcess where{status.node, status.incarnation};
  if (cluster.find(status.node, status.incarnation) == nullptr) {
    away_.insert(where);
  } else {
    stopping_[key] = where;
  }
}

void Attempts::stop_held(const AttemptKey& key, const NodeProcess& where) {
  stopping_[key] = where;
  cancel(key, where, "this attempt is over");
}

void Attempts::stop_all(const std::string& why) {
  for (const auto& [key, where] : stopping_) cancel(key, where, why);
}

void Attempts::on_lost(const NodeProcess& node) {
  const auto lost = [&](const auto& entry) { return entry.second == node; };
  if (std::erase_if(stopping_, lost) > 0) away_.insert(node);
}

void Attempts::on_listed(const NodeProcess& node, const std::set<AttemptKey>& held) {
  std::erase_if(away_, [&](const NodeProcess& away) {
    return away.first == node.first && away.second <= node.second;
  });
  std::erase_if(stopping_, [&](const auto& entry) {
    return entry.second == node && !held.contains(entry.first);
  });
}

// ---- what is said to its node

Token Attempts::token(TaskId task, Attempt attempt) const {
  Token token;
  token.run = run_;
  token.run_attempt = run_attempt_;
  token.task = task;
  token.attempt = attempt;
  return token;
}

void Attempts::start(TaskId task) {
  const TaskStatus& status = tasks_.at(task);
  decision_.send(status.node, status.incarnation, StartTask{token(task, status.attempt)});
}

void Attempts::snapshot(TaskId task, Epoch epoch, Epoch published, bool hold) {
  const TaskStatus& status = tasks_.at(task);
  decision_.send(status.node, status.incarnation,
                 SnapshotTask{token(task, status.attempt), epoch, published, hold});
}

void Attempts::end_sources(TaskId task) {
  const TaskStatus& status = tasks_.at(task);
  decision_.send(status.node, status.incarnation, EndSources{token(task, status.attempt)});
}

void Attempts::cancel(const AttemptKey& key, const NodeProcess& where, const std::string& why) {
  decision_.send(where.first, where.second, CancelTask{token(key.task, key.attempt), why});
}

void Attempts::acknowledge(const AttemptKey& key, const NodeProcess& where) {
  decision_.send(where.first, where.second, AckReport{token(key.task, key.attempt)});
}

void Attempts::move(TaskId task, TaskStatus& status, AttemptState to, const std::string& why) {
  decision_.persist(AttemptStateRecord{{run_, task, status.attempt}, status.state, to, why});
  status.state = to;
}

}  // namespace troupe
