#include "tests/sim/model_stream.hpp"

#include "runtime/base/json.hpp"
#include "runtime/graph/graph_builder.hpp"
#include "tests/sim/model_job.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

namespace troupe::sim {
namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t keys = 5;
constexpr std::int64_t values = 100;
/// Of the rows that are paired: those whose value has one of two remainders.
constexpr std::int64_t pairs_modulus = 16;

std::vector<StreamRow> random_rows(Random& random, std::int64_t disorder, std::size_t count) {
  std::vector<StreamRow> rows;
  std::int64_t now = 100 * second;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t gap = random.chance(1, 40) ? 20 * second : 2 * second;
    now += static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(gap)));
    const auto behind = static_cast<std::int64_t>(
        disorder == 0 ? 0 : random.below(static_cast<std::uint64_t>(disorder)));
    rows.push_back({static_cast<std::int64_t>(random.below(keys)),
                    static_cast<std::int64_t>(random.below(values)), now - behind});
  }
  return rows;
}

std::shared_ptr<arrow::Array> column(const std::shared_ptr<arrow::DataType>& type,
                                     std::vector<std::int64_t> numbers) {
  const auto length = static_cast<std::int64_t>(numbers.size());
  return arrow::MakeArray(arrow::ArrayData::Make(
      type, length, {nullptr, arrow::Buffer::FromVector(std::move(numbers))}, 0));
}

Batch columns_of(const std::vector<StreamRow>& rows) {
  std::vector<std::int64_t> n, k, v, at;
  for (const StreamRow& row : rows) {
    n.push_back(static_cast<std::int64_t>(n.size()));
    k.push_back(row.key);
    v.push_back(row.value);
    at.push_back(row.time);
  }
  const auto moment = arrow::timestamp(arrow::TimeUnit::MICRO);
  const auto schema =
      arrow::schema({arrow::field("n", arrow::int64()), arrow::field("k", arrow::int64()),
                     arrow::field("v", arrow::int64()), arrow::field("at", moment)});
  return Batch(arrow::RecordBatch::Make(
      schema, static_cast<std::int64_t>(rows.size()),
      {column(arrow::int64(), std::move(n)), column(arrow::int64(), std::move(k)),
       column(arrow::int64(), std::move(v)), column(moment, std::move(at))}));
}

/// Builds the job: one source, and behind it a branch for each view.
class StreamMaker {
 public:
  StreamMaker(std::uint64_t number, Random& random, const ModelPlace& place)
      : random_(random),
        place_(place),
        name_(fmt::format("stream-{}", number)),
        builder_(name_),
        source_(builder_.add("rows", "sim.stream",
                             {{"name", name_}, {"at_once", 1 + random.below(2)}})) {}

  ModelJob make() {
    job_.name = JobName(name_);
    job_.target = {static_cast<std::uint32_t>(1 + random_.below(3)), true};
    make_rows();
    place_.streams.emplace(name_, stream_);
    builder_.mode(JobMode::streaming);
    source_.event_time({"at", std::chrono::microseconds(stream_->disorder)});
    source_.parallelism(stream_->readers);
    add_branch(StreamView::rows);
    std::vector<StreamView> views = {StreamView::windows, StreamView::sums, StreamView::distinct,
                                     StreamView::pairs};
    for (std::uint64_t left = 1 + random_.below(2); left > 0; --left) {
      const auto chosen = views.begin() + static_cast<std::ptrdiff_t>(random_.below(views.size()));
      add_branch(*chosen);
      views.erase(chosen);
    }
    set_checkpoints();
    plan();
    job_.stream = stream_;
    return std::move(job_);
  }

 private:
  using Vertex = GraphBuilder::Vertex;

  void make_rows() {
    ModelStream& stream = *stream_;
    stream.disorder = random_.chance(1, 3) ? 0 : 5 * second;
    stream.readers = static_cast<std::uint32_t>(1 + random_.below(job_.target.parallelism));
    stream.rows = random_rows(random_, stream.disorder, stream.readers * place_.stream_rows);
    for (std::size_t at = 0; at < stream.rows.size(); at += 20 + random_.below(120)) {
      stream.splits.push_back(at);
    }
    stream.splits.push_back(stream.rows.size());
    stream.window_size = 10 * second;
    const std::int64_t slides[] = {10 * second, 5 * second, 4 * second};
    stream.window_slide = slides[random_.below(3)];
    stream.columns = columns_of(stream.rows);
  }

  Vertex add(const std::string& id, const char* op, const Json& with) {
    auto vertex = builder_.add(id, op, with);
    subtasks_ = static_cast<std::uint32_t>(1 + random_.below(job_.target.parallelism));
    vertex.parallelism(subtasks_);
    return vertex;
  }

  /// In the same tasks as the one before, mostly.
  Vertex add_behind(const std::string& id, const char* op, const Json& with, const Vertex& from) {
    auto vertex = builder_.add(id, op, with);
    if (random_.chance(1, 6)) {
      subtasks_ = static_cast<std::uint32_t>(1 + random_.below(job_.target.parallelism));
    }
    vertex.parallelism(subtasks_).from(from);
    return vertex;
  }

  void add_branch(StreamView view) {
    subtasks_ = stream_->readers;
    switch (view) {
      case StreamView::rows:
        return add_sink("rows", view, source_, {"n", "k", "v"});
      case StreamView::windows:
        return add_windows();
      case StreamView::sums:
        return add_sums();
      case StreamView::distinct:
        return add_distinct();
      case StreamView::pairs:
        return add_pairs();
    }
  }

  void add_windows() {
    auto window = add("windows", "window",
                      {{"size", fmt::format("{}s", stream_->window_size / second)},
                       {"slide", fmt::format("{}s", stream_->window_slide / second)},
                       {"group_by", {"k"}},
                       {"select", {{"total", "sum(v)::bigint"}}},
                       {"late", "drop"}});
    window.from(source_);
    add_sink("windows", StreamView::windows, window,
             {"k", "extract(epoch FROM window_end)::bigint", "total"});
  }

  void add_sums() {
    auto sums =
        add("sums", "aggregate",
            {{"group_by", {"k"}}, {"select", {{"total", "sum(v)::bigint"}, {"rows", "count(*)"}}}});
    sums.from(source_);
    add_sink("sums", StreamView::sums, sums, {"k", "total", "rows"});
  }

  void add_distinct() {
    auto distinct = add("distinct", "distinct", {{"columns", {"v"}}});
    distinct.from(source_);
    add_sink("distinct", StreamView::distinct, distinct, {"v", "0::bigint", "0::bigint"});
  }

  void add_pairs() {
    auto left = add("left", "filter", {{"where", fmt::format("v % {} = 0", pairs_modulus)}});
    auto right = add("right", "filter", {{"where", fmt::format("v % {} = 1", pairs_modulus)}});
    left.from(source_);
    right.from(source_);
    auto pairs = add("pairs", "join", {{"using", {"k"}}, {"suffix", "_r"}});
    pairs.from({left, right});
    add_sink("pairs", StreamView::pairs, pairs, {"k", "n", "n_r"});
  }

  /// All lines have three numbers and a weight, whatever they show.
  void add_sink(const std::string& id, StreamView view, const Vertex& from,
                const std::array<const char*, 3>& columns) {
    const auto line =
        add_behind(id + "_line", "select",
                   {{"columns", {{"a", columns[0]}, {"b", columns[1]}, {"c", columns[2]}}}}, from);
    const auto weighed = add_behind(id + "_weighed", "changes", {{"as", "w"}}, line);
    StreamSink sink{view};
    const std::string vertex = id + "_out";
    const std::uint64_t where = random_.below(3);
    if (where < 2) {
      sink.database = static_cast<int>(where);
      add_behind(vertex, "sim.database", {{"number", where}}, weighed);
    } else {
      sink.path = fmt::format("/out/{}/{}", name_, id);
      add_behind(vertex, "write.csv", {{"path", sink.path}}, weighed);
    }
    stream_->sinks.emplace(vertex, std::move(sink));
  }

  void set_checkpoints() {
    CheckpointSettings settings;
    settings.every = Duration(1ms) * static_cast<std::int64_t>(1 + random_.below(20));
    // Some are given up while their barriers are on the way.
    const bool hurried = place_.may_fail && random_.chance(1, 3);
    settings.timeout =
        hurried ? Duration(10ms) * static_cast<std::int64_t>(4 + random_.below(40)) : 5s;
    settings.keep = static_cast<std::uint32_t>(1 + random_.below(3));
    job_.checkpoint = settings;
  }

  void plan() {
    auto graph = builder_.build();
    ENSURE(graph.ok(), "{}: {}", name_, graph.error().to_string());
    const auto mistakes = bind(*graph, place_.planner.registry());
    ENSURE(mistakes.empty(), "{}: {}", name_, mistakes.front().to_string());
    job_.plan = encode_plan(*graph);
  }

  Random& random_;
  const ModelPlace& place_;
  const std::string name_;
  GraphBuilder builder_;
  Vertex source_;
  std::shared_ptr<ModelStream> stream_ = std::make_shared<ModelStream>();
  std::uint32_t subtasks_ = 1;  ///< of the vertex before
  ModelJob job_;
};

StreamLines windows_of(const ModelStream& stream, const std::vector<std::size_t>& numbers,
                       std::int64_t watermark) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> sums;  // by key and end
  for (const std::size_t number : numbers) {
    const StreamRow& row = stream.rows[number];
    const std::int64_t slide = stream.window_slide;
    for (std::int64_t end = row.time / slide * slide + stream.window_size; end > row.time;
         end -= slide) {
      if (end <= watermark) sums[{row.key, end}] += row.value;
    }
  }
  StreamLines lines;
  for (const auto& [window, sum] : sums) lines[{window.first, window.second / second, sum}] = 1;
  return lines;
}

StreamLines sums_of(const ModelStream& stream, const std::vector<std::size_t>& numbers) {
  std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> sums;
  for (const std::size_t number : numbers) {
    sums[stream.rows[number].key].first += stream.rows[number].value;
    ++sums[stream.rows[number].key].second;
  }
  StreamLines lines;
  for (const auto& [key, sum] : sums) lines[{key, sum.first, sum.second}] = 1;
  return lines;
}

StreamLines pairs_of(const ModelStream& stream, const std::vector<std::size_t>& numbers) {
  StreamLines lines;
  for (const std::size_t left : numbers) {
    if (stream.rows[left].value % pairs_modulus != 0) continue;
    for (const std::size_t right : numbers) {
      const StreamRow& row = stream.rows[right];
      if (row.value % pairs_modulus != 1 || row.key != stream.rows[left].key) continue;
      lines[{row.key, static_cast<std::int64_t>(left), static_cast<std::int64_t>(right)}] = 1;
    }
  }
  return lines;
}

}  // namespace

std::vector<std::size_t> ModelStream::rows_of(std::uint32_t reader) const {
  std::vector<std::size_t> numbers;
  for (std::size_t split = reader; split + 1 < splits.size(); split += readers) {
    for (std::size_t at = splits[split]; at < splits[split + 1]; ++at) numbers.push_back(at);
  }
  return numbers;
}

StreamPrefix ModelStream::all() const {
  StreamPrefix prefix;
  for (std::uint32_t reader = 0; reader < readers; ++reader) {
    prefix.push_back(rows_of(reader).size());
  }
  return prefix;
}

std::vector<std::size_t> ModelStream::numbers_of(const StreamPrefix& prefix) const {
  std::vector<std::size_t> numbers;
  for (std::uint32_t reader = 0; reader < readers; ++reader) {
    const auto own = rows_of(reader);
    numbers.insert(numbers.end(), own.begin(),
                   own.begin() + static_cast<std::ptrdiff_t>(prefix[reader]));
  }
  return numbers;
}

std::optional<StreamPrefix> ModelStream::prefix_of(const StreamLines& lines) const {
  std::set<std::size_t> read;
  for (const auto& [line, weight] : lines) {
    const auto number = static_cast<std::size_t>(line[0]);
    if (weight != 1 || number >= rows.size()) return std::nullopt;
    if (line[1] != rows[number].key || line[2] != rows[number].value) return std::nullopt;
    read.insert(number);
  }
  StreamPrefix prefix;
  std::size_t found = 0;
  for (std::uint32_t reader = 0; reader < readers; ++reader) {
    const auto own = rows_of(reader);
    const auto end =
        std::find_if(own.begin(), own.end(), [&](std::size_t row) { return !read.contains(row); });
    prefix.push_back(static_cast<std::size_t>(end - own.begin()));
    found += prefix.back();
  }
  if (found != read.size()) return std::nullopt;
  return prefix;
}

/// Of who is furthest behind: the latest row that it has read, less what rows may be late.
std::int64_t ModelStream::watermark(const StreamPrefix& prefix, ReadersSet exhausted) const {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (std::uint32_t reader = 0; reader < readers; ++reader) {
    const auto own = rows_of(reader);
    if ((exhausted >> reader & 1) != 0 && prefix[reader] == own.size()) continue;
    std::int64_t latest = std::numeric_limits<std::int64_t>::min();
    for (std::size_t i = 0; i < prefix[reader]; ++i) {
      latest = std::max(latest, rows[own[i]].time - disorder);
    }
    least = std::min(least, latest);
  }
  return least;
}

StreamLines ModelStream::answer(StreamView view, const StreamPrefix& prefix,
                                ReadersSet exhausted) const {
  const auto numbers = numbers_of(prefix);
  StreamLines lines;
  switch (view) {
    case StreamView::rows:
      for (const std::size_t number : numbers) {
        lines[{static_cast<std::int64_t>(number), rows[number].key, rows[number].value}] = 1;
      }
      return lines;
    case StreamView::windows:
      return windows_of(*this, numbers, watermark(prefix, exhausted));
    case StreamView::sums:
      return sums_of(*this, numbers);
    case StreamView::distinct:
      for (const std::size_t number : numbers) lines[{rows[number].value, 0, 0}] = 1;
      return lines;
    case StreamView::pairs:
      return pairs_of(*this, numbers);
  }
  return lines;
}

ModelJob make_model_stream(std::uint64_t number, Random& random, const ModelPlace& place) {
  return StreamMaker(number, random, place).make();
}

void add_lines(const std::string& text, StreamLines& to) {
  std::vector<std::int64_t> numbers;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end; ++at) {
    if (*at == '\n') {
      if (numbers.size() == 4) {
        const auto line = to.try_emplace({numbers[0], numbers[1], numbers[2]}).first;
        line->second += numbers[3];
        if (line->second == 0) to.erase(line);
      }
      numbers.clear();
      continue;
    }
    std::int64_t number = 0;
    const auto [after, error] = std::from_chars(at, end, number);
    if (error != std::errc()) continue;
    numbers.push_back(number);
    at = after - 1;
  }
}

}  // namespace troupe::sim
