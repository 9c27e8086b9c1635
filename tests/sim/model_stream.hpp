#pragma once

#include "runtime/data/batch.hpp"
#include "runtime/graph/planner.hpp"
#include "runtime/os/random.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::sim {

/// A row of a model stream; its number is its place.
struct StreamRow {
  std::int64_t key = 0;
  std::int64_t value = 0;
  std::int64_t time = 0;  ///< microseconds
};

/// What a sink of a model stream shows of the rows that were read so far.
enum class StreamView {
  rows,      ///< each of them
  windows,   ///< the sum of each window and key, once the window is over
  sums,      ///< the sum of each key, taken back and put anew
  distinct,  ///< each value once
  pairs,     ///< of two kinds of rows all pairs of one key
};

/// A line that a sink has written, without its weight.
using StreamLine = std::array<std::int64_t, 3>;
/// What lines come to: weights added up, none of them zero.
using StreamLines = std::map<StreamLine, std::int64_t>;

/// One output of a model stream: a directory with a log, or a table of a database.
struct StreamSink {
  StreamView view = StreamView::rows;
  std::string path = {};             ///< of a directory
  std::optional<int> database = {};  ///< or which database
};

/// How many rows each subtask of the source has read: its splits come one after the other, so a
/// prefix of what is its own.
using StreamPrefix = std::vector<std::size_t>;
/// A bit for each subtask of the source.
using ReadersSet = std::uint32_t;

/// The stream of a real job, small enough that what each of its sinks must show after any prefix of
/// its rows is known without running it.
struct ModelStream {
  std::vector<StreamRow> rows;      ///< each up to `disorder` behind the latest one before it
  std::vector<std::size_t> splits;  ///< where each one begins, and the end
  std::uint32_t readers = 1;        ///< subtasks of the source
  std::int64_t disorder = 0;        ///< microseconds
  std::int64_t window_size = 0, window_slide = 0;
  std::map<std::string, StreamSink> sinks;  ///< by vertex
  Batch columns;                            ///< the same rows, as the source gives them

  /// Rows by number, in the order of that subtask.
  std::vector<std::size_t> rows_of(std::uint32_t reader) const;
  StreamPrefix all() const;
  /// The prefix that has exactly these numbers; none: it is no prefix.
  std::optional<StreamPrefix> prefix_of(const StreamLines& rows) const;
  /// What the sinks of such a view show of a prefix. Of the `exhausted` ones, those that have read
  /// all their rows know that no more come.
  StreamLines answer(StreamView view, const StreamPrefix& prefix, ReadersSet exhausted) const;

 private:
  std::vector<std::size_t> numbers_of(const StreamPrefix& prefix) const;
  std::int64_t watermark(const StreamPrefix& prefix, ReadersSet exhausted) const;
};

struct ModelJob;
struct ModelPlace;

/// Plans a stream with its sinks; `place.streams` is where its source finds it.
ModelJob make_model_stream(std::uint64_t number, Random& random, const ModelPlace& place);

/// Adds up lines of text: three numbers and a weight each.
void add_lines(const std::string& text, StreamLines& to);

}  // namespace troupe::sim
