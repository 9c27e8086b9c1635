#include "tests/sim/stream_check.hpp"

#include "runtime/connectors/file_log.hpp"
#include "tests/sim/world.hpp"

#include <algorithm>
#include <utility>

namespace troupe::sim {
namespace {

/// The first difference, for people.
std::string difference(const StreamLines& found, const StreamLines& wanted) {
  const auto text = [](const StreamLine& line) {
    return fmt::format("{},{},{}", line[0], line[1], line[2]);
  };
  for (const auto& [line, weight] : wanted) {
    const auto there = found.find(line);
    if (there == found.end()) return text(line) + " is not there";
    if (there->second != weight)
      return fmt::format("{} is there {} times", text(line), there->second);
  }
  for (const auto& [line, weight] : found) {
    if (!wanted.contains(line)) return fmt::format("{} is there, {} times", text(line), weight);
  }
  return "";
}

}  // namespace

StreamCheck::StreamCheck(World& world, RunId run, RunUid uid,
                         std::shared_ptr<const ModelStream> stream)
    : world_(world), run_(run), uid_(std::move(uid)), stream_(std::move(stream)) {
  for (const auto& [vertex, sink] : stream_->sinks) seen_[vertex];
}

void StreamCheck::violation(const std::string& vertex, const std::string& what) const {
  world_.violation(fmt::format("run {}, sink '{}', after epoch {}: {}", run_, vertex, last_, what));
}

void StreamCheck::note(const std::string& vertex, Seen& seen, Epoch epoch, Epoch previous) {
  const Epoch before = seen.epochs.empty() ? Epoch() : seen.epochs.back();
  if (previous != before || epoch <= before) {
    violation(vertex, fmt::format("epoch {} says that it comes after {}, and it comes after {}",
                                  epoch, previous, before));
  }
  seen.epochs.push_back(epoch);
}

void StreamCheck::look(const std::string& vertex, const StreamSink& sink, Seen& seen) {
  return sink.database ? look_at_table(vertex, sink, seen) : look_at_log(vertex, sink, seen);
}

/// As `read.csv` would read it, but for what was read before.
void StreamCheck::look_at_log(const std::string& vertex, const StreamSink& sink, Seen& seen) {
  Disk& disk = world_.users_disk();
  const auto entries = FileLog(disk, sink.path).entries();
  if (!entries) violation(vertex, entries.error().to_string());
  if (entries->size() < seen.epochs.size()) violation(vertex, "a commit is gone");
  for (std::size_t i = seen.epochs.size(); i < entries->size(); ++i) {
    const FileLogEntry& entry = (*entries)[i];
    if (entry.commit.marker != sink_marker(uid_, vertex)) violation(vertex, "it is of another run");
    note(vertex, seen, entry.commit.epoch, entry.commit.previous);
    for (const StagedFile& file : entry.files) {
      const auto text = disk.read(sink.path + "/" + file.name);
      if (!text) violation(vertex, text.error().to_string());
      if (static_cast<std::int64_t>(text->size()) != file.bytes) violation(vertex, "half a file");
      if (!seen.files.insert(file.name).second) violation(vertex, file.name + " is there twice");
      add_lines(*text, seen.lines);
    }
  }
}

void StreamCheck::look_at_table(const std::string& vertex, const StreamSink& sink, Seen& seen) {
  const auto& commits = world_.database(*sink.database).commits(sink_marker(uid_, vertex));
  for (std::size_t i = seen.epochs.size(); i < commits.size(); ++i) {
    note(vertex, seen, commits[i].epoch, commits[i].previous);
    add_lines(commits[i].text, seen.lines);
  }
}

/// An epoch of which a sink has nothing is none of its log: where a later one is there, it is.
void StreamCheck::moved() {
  Epoch most;
  for (const auto& [vertex, sink] : stream_->sinks) {
    Seen& seen = seen_.at(vertex);
    look(vertex, sink, seen);
    if (!seen.epochs.empty()) most = std::max(most, seen.epochs.back());
  }
  for (const auto& [vertex, seen] : seen_) {
    std::size_t ahead = 0;
    for (const Epoch epoch : seen.epochs) ahead += epoch > last_;
    if (ahead > 1) violation(vertex, "it is two epochs ahead of what all have committed");
  }
}

void StreamCheck::committed(Epoch epoch) {
  moved();
  last_ = epoch;
  ++epochs_;
  for (const auto& [vertex, seen] : seen_) {
    const Epoch there = seen.epochs.empty() ? Epoch() : seen.epochs.back();
    if (there != epoch) violation(vertex, fmt::format("epoch {} is there", there));
  }
  check_answers(false);
}

void StreamCheck::check_answers(bool all) {
  const StreamLines& rows = seen_.at("rows_out").lines;
  const auto prefix = stream_->prefix_of(rows);
  if (!prefix) violation("rows_out", "its rows are no prefix of what the sources read");
  if (all && *prefix != stream_->all()) {
    violation("rows_out",
              fmt::format("rows are lost: {} of {}", rows.size(), stream_->rows.size()));
  }
  for (const auto& [vertex, sink] : stream_->sinks) {
    const std::string wrong = what_is_wrong(sink.view, seen_.at(vertex).lines, *prefix, all);
    if (!wrong.empty()) violation(vertex, fmt::format("of {} rows, {}", rows.size(), wrong));
  }
}

/// Who has read all its rows may have said so at the barrier, or not yet.
std::string StreamCheck::what_is_wrong(StreamView view, const StreamLines& found,
                                       const StreamPrefix& prefix, bool all) const {
  const ReadersSet everybody = (1u << stream_->readers) - 1;
  const std::string wrong = difference(found, stream_->answer(view, prefix, everybody));
  if (wrong.empty() || all || view != StreamView::windows) return wrong;
  for (ReadersSet exhausted = 0; exhausted < everybody; ++exhausted) {
    if (found == stream_->answer(view, prefix, exhausted)) return "";
  }
  return wrong;
}

void StreamCheck::ended(bool succeeded) {
  moved();
  for (const auto& [vertex, seen] : seen_) {
    if (!seen.epochs.empty() && seen.epochs.back() > last_) {
      violation(vertex, "it has an epoch that others have not");
    }
  }
  check_answers(succeeded);
}

}  // namespace troupe::sim
