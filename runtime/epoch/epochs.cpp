#include "runtime/epoch/epochs.hpp"

#include "runtime/base/ensure.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace troupe {

Epochs::Epochs(EpochOwner owner, std::uint32_t keep, std::vector<EpochImage> rows,
               std::int64_t rows_committed)
    : owner_(std::make_shared<const EpochOwner>(std::move(owner))),
      keep_(std::max(keep, 1u)),
      rows_committed_(rows_committed) {
  for (EpochImage& row : rows) {
    last_ = std::max(last_, row.epoch);
    if (row.state == EpochState::committed) committed_ = row.epoch;
    const bool over =
        row.state == EpochState::aborted || (row.state == EpochState::committed && !row.manifest);
    if (!over) all_.emplace_back(owner_, std::move(row));
  }
}

EpochMachine* Epochs::open_one() {
  const bool open = !all_.empty() && all_.back().state() == EpochState::started;
  return open ? &all_.back() : nullptr;
}

Epoch Epochs::open() const {
  EpochMachine* one = const_cast<Epochs*>(this)->open_one();
  return one != nullptr ? one->number() : Epoch();
}

Epoch Epochs::begin(Decision& decision) {
  ENSURE(open() == Epoch(), "epoch {} of run {} is still open", open(), owner_->run);
  last_ = last_.next();
  all_.emplace_back(owner_, last_).begin(decision);
  return last_;
}

void Epochs::seal(Manifest manifest, Decision& decision, const EpochPhases& phases) {
  EpochMachine* one = open_one();
  ENSURE(one != nullptr, "run {} has no open epoch to seal", owner_->run);
  one->seal(std::move(manifest), decision, phases);
}

const Manifest& Epochs::sealed() const {
  ENSURE(open() != Epoch(), "run {} has no open epoch", owner_->run);
  return all_.back().manifest();
}

void Epochs::publish(Decision& decision) {
  EpochMachine* one = open_one();
  ENSURE(one != nullptr, "run {} has no open epoch to publish", owner_->run);
  one->publish(decision);
  commit_published(decision);
}

void Epochs::abort(Decision& decision, const std::string& why) {
  EpochMachine* one = open_one();
  if (one == nullptr) return;
  one->abort(decision, why);
  all_.pop_back();
}

// ---- commits, one epoch after the other

/// The oldest one that is published and not committed.
EpochMachine* Epochs::committing() {
  const auto found = std::find_if(all_.begin(), all_.end(), [](const EpochMachine& one) {
    return one.state() == EpochState::published;
  });
  return found == all_.end() ? nullptr : &*found;
}

const EpochMachine* Epochs::committing() const { return const_cast<Epochs*>(this)->committing(); }

/// An epoch whose sinks have nothing to do is committed at once, and so may the next one be.
void Epochs::commit_published(Decision& decision) {
  EpochMachine* next = committing();
  if (next == nullptr || next->commit_begun()) return;
  next->commit(committed_, decision);
  note_committed(decision);
}

void Epochs::on_committed(const std::string& vertex, Instant now, Decision& decision) {
  EpochMachine* one = committing();
  if (one == nullptr) return;
  one->on_committed(vertex, now, decision);
  note_committed(decision);
}

/// The first one that was not committed has been: then it is the turn of the next one.
void Epochs::note_committed(Decision& decision) {
  const auto done = std::find_if(all_.rbegin(), all_.rend(),
                                 [](const EpochMachine& one) { return one.committed(); });
  if (done == all_.rend() || done->number() <= committed_) return;
  committed_ = done->number();
  rows_committed_ += rows_of(done->manifest().sinks);
  forget(decision);
  commit_published(decision);
}

void Epochs::on_commit_failed(const std::string& vertex, const Error& error, Instant now,
                              Decision& decision) {
  EpochMachine* one = committing();
  if (one != nullptr) one->on_commit_failed(vertex, error, now, decision);
}

void Epochs::on_tick(Instant now, Decision& decision) {
  EpochMachine* one = committing();
  if (one != nullptr) one->on_tick(now, decision);
}

std::optional<Instant> Epochs::next_deadline() const {
  const EpochMachine* one = committing();
  return one != nullptr ? one->next_deadline() : std::nullopt;
}

const std::optional<Error>& Epochs::refused() const {
  static const std::optional<Error> none;
  const EpochMachine* one = committing();
  return one != nullptr ? one->refused() : none;
}

const CommitWait* Epochs::waits() const {
  const EpochMachine* one = committing();
  return one != nullptr ? one->waits() : nullptr;
}

/// Of the committed ones the last `keep` stay; the rest of a manifest is nobody's any more.
void Epochs::forget(Decision& decision) {
  while (all_.size() > keep_ && all_.front().committed() && all_.front().number() < committed_) {
    const Manifest forgotten = all_.front().manifest();
    all_.pop_front();
    note_unnamed(forgotten);
  }
  const Epoch first = all_.front().number();
  if (first <= Epoch(1)) return;
  const std::uint64_t last = last_.value();
  const Epoch oldest(last > epochs_remembered_max ? last - epochs_remembered_max : 1);
  decision.persist(ForgetEpochsRecord{owner_->run, first, std::min(first, oldest)});
}

/// Lists of files only lose their oldest: what the next manifest does not name, no later one does.
void Epochs::note_unnamed(const Manifest& forgotten) {
  std::set<std::string> named;
  for (const EpochMachine& one : all_) {
    for (const TaskPart& part : one.manifest().tasks) {
      for (const StoredSnapshot& file : part.files) named.insert(file.file.name);
    }
  }
  for (const TaskPart& part : forgotten.tasks) {
    for (const StoredSnapshot& file : part.files) {
      if (!named.contains(file.file.name)) unnamed_.push_back(file);
    }
  }
}

// ---- what is where

const EpochMachine* Epochs::last_published() const {
  const auto found = std::find_if(all_.rbegin(), all_.rend(),
                                  [](const EpochMachine& one) { return one.published(); });
  return found == all_.rend() ? nullptr : &*found;
}

Epoch Epochs::published() const {
  const EpochMachine* one = last_published();
  return one != nullptr ? one->number() : Epoch();
}

const Manifest& Epochs::last_manifest() const {
  static const Manifest none;
  const EpochMachine* one = last_published();
  return one != nullptr ? one->manifest() : none;
}

std::size_t Epochs::uncommitted() const {
  return static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(),
                    [](const EpochMachine& one) { return one.state() == EpochState::published; }));
}

}  // namespace troupe
