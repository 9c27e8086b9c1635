#include "tests/sim/model_job.hpp"

#include "runtime/base/json.hpp"
#include "runtime/graph/graph_builder.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace troupe::sim {
namespace {

constexpr std::int64_t keys = 23;
constexpr std::int64_t values = 1000;
/// Rows of a join, at most: they stay few.
constexpr std::size_t joined_max = 400;

/// A vertex, and the rows that it gives.
struct Relation {
  GraphBuilder::Vertex vertex;
  Rows rows;
  bool read = false;  ///< by somebody
};

Rows sorted(Rows rows) {
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::string text_of(const Rows& rows, bool csv) {
  std::string text = csv ? "k,v\n" : "";
  for (const auto& [key, value] : rows) {
    text += csv ? fmt::format("{},{}\n", key, value)
                : fmt::format("{{\"k\":{},\"v\":{}}}\n", key, value);
  }
  return text;
}

/// Every number in a line; of our files, the key and the value.
Rows parsed(const std::string& text) {
  Rows rows;
  std::vector<std::int64_t> numbers;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end; ++at) {
    if (*at == '\n') {
      if (numbers.size() == 2) rows.push_back({numbers[0], numbers[1]});
      numbers.clear();
      continue;
    }
    std::int64_t number = 0;
    const auto [after, error] = std::from_chars(at, end, number);
    if (error != std::errc()) continue;
    numbers.push_back(number);
    at = after - 1;
  }
  return rows;
}

/// Builds a job vertex by vertex, and computes what each gives.
class JobMaker {
 public:
  JobMaker(std::uint64_t number, Random& random, const ModelPlace& place)
      : number_(number),
        random_(random),
        place_(place),
        name_(fmt::format("model-{}", number)),
        builder_(name_) {}

  ModelJob make() {
    job_.name = JobName(name_);
    job_.target = {static_cast<std::uint32_t>(1 + random_.below(4)), true};
    for (std::uint64_t n = 1 + random_.below(2); n > 0; --n) add_source();
    for (std::uint64_t n = 1 + random_.below(3); n > 0; --n) add_step();
    add_sinks();
    plan();
    // Less than anything needs: what may be set aside is.
    if (random_.chance(1, 3) && may_have_no_memory()) job_.memory_bytes = 1;
    return std::move(job_);
  }

 private:
  std::string next_id() { return fmt::format("v{}", ++last_id_); }
  bool often() { return random_.chance(1, 2); }

  GraphBuilder::Vertex add(const char* op, const Json& with) {
    auto vertex = builder_.add(next_id(), op, with);
    if (random_.chance(2, 3)) {
      vertex.parallelism(static_cast<std::uint32_t>(1 + random_.below(4)));
    }
    return vertex;
  }

  Relation& any() { return relations_[random_.below(relations_.size())]; }

  void put(GraphBuilder::Vertex vertex, Rows rows) {
    relations_.push_back({vertex, std::move(rows)});
  }

  void add_source() {
    const bool csv = often();
    const std::string directory = fmt::format("/in/{}/{}", name_, ++last_id_);
    check(place_.files.make_directories(directory));
    Rows all;
    for (std::uint64_t file = 1 + random_.below(4); file > 0; --file) {
      Rows rows(4 + random_.below(24));
      for (ModelRow& row : rows) {
        row = {static_cast<std::int64_t>(random_.below(keys)),
               static_cast<std::int64_t>(random_.below(values))};
      }
      write(fmt::format("{}/{}.{}", directory, file, csv ? "csv" : "jsonl"), text_of(rows, csv));
      all.insert(all.end(), rows.begin(), rows.end());
    }
    for (std::string at = directory; !at.empty(); at.resize(at.rfind('/'))) {
      check(place_.files.sync_directory(at));
    }
    check(place_.files.sync_directory("/"));
    Json with = {{"path", fmt::format("{}/*.{}", directory, csv ? "csv" : "jsonl")}};
    if (random_.chance(1, 10)) with["types"] = {{"k", "bigint"}, {"v", "bigint"}};
    put(add(csv ? "read.csv" : "read.jsonl", with), std::move(all));
  }

  void write(const std::string& path, const std::string& text) {
    auto file = place_.files.create(path);
    check(file);
    check((*file)->append(text));
    check((*file)->sync());
    check((*file)->close());
  }

  void add_step() {
    maybe_trip();
    switch (random_.below(9)) {
      case 0:
        return add_filter();
      case 1:
        return add_select();
      case 2:
        return add_aggregate();
      case 3:
        return add_join();
      case 4:
        return add_union();
      case 5:
        return add_top();
      case 6:
        return add_distinct();
      default:
        return add_exchange();
    }
  }

  void add_filter() {
    Relation& from = any();
    const auto modulus = static_cast<std::int64_t>(2 + random_.below(4));
    Rows rows;
    for (const ModelRow& row : from.rows) {
      if (row.value % modulus != 0) rows.push_back(row);
    }
    one_to_one("filter", {{"where", fmt::format("v % {} <> 0", modulus)}}, from, std::move(rows));
  }

  void add_select() {
    Relation& from = any();
    const auto factor = static_cast<std::int64_t>(2 + random_.below(4));
    Rows rows = from.rows;
    for (ModelRow& row : rows) row.value = row.value * factor + row.key;
    one_to_one("select", {{"columns", {{"k", "k"}, {"v", fmt::format("v * {} + k", factor)}}}},
               from, std::move(rows));
  }

  void add_aggregate() {
    Relation& from = any();
    std::map<std::int64_t, std::int64_t> sums;
    for (const ModelRow& row : from.rows) sums[row.key] += row.value;
    Rows rows;
    for (const auto& [key, sum] : sums) rows.push_back({key, sum});
    one_to_one("aggregate", {{"group_by", {"k"}}, {"select", {{"v", "sum(v)::bigint"}}}}, from,
               std::move(rows));
  }

  void add_distinct() {
    Relation& from = any();
    const std::set<ModelRow> once(from.rows.begin(), from.rows.end());
    one_to_one("distinct", Json::object(), from, Rows(once.begin(), once.end()));
  }

  void add_top() {
    Relation& from = any();
    Rows rows = from.rows;
    std::sort(rows.begin(), rows.end(), [](const ModelRow& a, const ModelRow& b) {
      return std::pair(b.value, a.key) < std::pair(a.value, b.key);
    });
    Json with = {{"by", {"v desc", "k"}}};
    if (often()) {
      const std::size_t limit = 1 + random_.below(20);
      with["limit"] = limit;
      rows.resize(std::min(rows.size(), limit));
    }
    one_to_one("sort", with, from, std::move(rows));
  }

  void add_exchange() {
    Relation& from = any();
    const char* kinds[] = {"hash", "rebalance", "rebalance", "gather"};
    one_to_one("sim.exchange",
               {{"kind", kinds[random_.below(4)]},
                {"kept", random_.chance(3, 5)},
                {"scatters", random_.chance(1, 3)}},
               from, from.rows);
  }

  void one_to_one(const char* op, const Json& with, Relation& from, Rows rows) {
    from.read = true;
    auto vertex = add(op, with);
    vertex.from(from.vertex);
    put(vertex, std::move(rows));
  }

  void add_union() {
    Relation& a = any();
    Relation& b = any();
    a.read = b.read = true;
    Rows rows = a.rows;
    rows.insert(rows.end(), b.rows.begin(), b.rows.end());
    auto vertex = add("union", Json::object());
    vertex.from({a.vertex, b.vertex});
    put(vertex, std::move(rows));
  }

  void add_join() {
    Relation& a = any();
    Relation& b = any();
    Rows rows;
    for (const ModelRow& left : a.rows) {
      for (const ModelRow& right : b.rows) {
        if (left.key == right.key) rows.push_back({left.key, left.value + right.value});
      }
    }
    if (rows.size() > joined_max) return add_union();
    a.read = b.read = true;
    auto joined = add("join", {{"using", {"k"}}, {"suffix", "_r"}});
    joined.from({a.vertex, b.vertex});
    auto vertex = add("select", {{"columns", {{"k", "k"}, {"v", "v + v_r"}}}});
    vertex.from(joined);
    put(vertex, std::move(rows));
  }

  void maybe_trip() {
    if (!place_.may_fail || !random_.chance(1, 6)) return;
    Relation& from = any();
    const char* how = random_.chance(1, 6) ? "always" : often() ? "resource" : "internal";
    job_.always_fails = job_.always_fails || how == std::string("always");
    one_to_one("sim.trip", {{"name", fmt::format("{}/{}", name_, last_id_)}, {"how", how}}, from,
               from.rows);
  }

  /// What nobody reads is written, and now and then what somebody does.
  void add_sinks() {
    for (std::size_t i = 0; i < relations_.size(); ++i) {
      if (relations_[i].read && !random_.chance(1, 8)) continue;
      const bool csv = often();
      ModelSink sink;
      sink.directory = random_.chance(3, 4);
      sink.path = fmt::format("/out/{}/{}{}", name_, i,
                              sink.directory ? ""
                              : csv          ? ".csv"
                                             : ".jsonl");
      sink.rows = sorted(relations_[i].rows);
      const std::string id = fmt::format("out{}", i);
      auto vertex = builder_.add(id, csv ? "write.csv" : "write.jsonl", {{"path", sink.path}});
      vertex.from(relations_[i].vertex);
      job_.sinks.emplace(id, std::move(sink));
    }
  }

  void plan() {
    JobGraph graph = checked(builder_.build());
    for (const Error& mistake : bind(graph, place_.planner.registry())) check(Result<>(mistake));
    job_.plan = encode_plan(graph);
  }

  /// Rows that are read in the order of their producers must fit where they wait.
  bool may_have_no_memory() const {
    const auto derived = checked(place_.planner.derive(job_.plan, job_.target));
    const auto& edges = derived->tasks.edges;
    return std::none_of(edges.begin(), edges.end(), [](const TaskEdge& edge) {
      return edge.exchange == ExchangeKind::gather && !edge.blocking;
    });
  }

  template <class T>
  T checked(Result<T> result) const {
    ENSURE(result.ok(), "{}: {}", name_, result.error().to_string());
    return *std::move(result);
  }
  template <class R>
  void check(const R& result) const {
    ENSURE(result.ok(), "{}: {}", name_, result.error().to_string());
  }

  const std::uint64_t number_;
  Random& random_;
  const ModelPlace& place_;
  const std::string name_;
  GraphBuilder builder_;
  std::deque<Relation> relations_;
  int last_id_ = 0;
  ModelJob job_;
};

/// Its restarts are never used up, and where nodes are lost again and again they wait.
void set_up_stream(const CheckpointSettings& checkpoint, JobSettings& settings) {
  settings.mode = JobMode::streaming;
  settings.checkpoint = checkpoint;
  settings.restart.attempts = 30;
  settings.restart.window = 2s;
}

}  // namespace

ModelJob make_model_job(std::uint64_t number, Random& random, const ModelPlace& place) {
  return JobMaker(number, random, place).make();
}

Submission submission_of(const ModelJob& job, const std::string& key) {
  Submission submission;
  submission.job = job.name;
  submission.plan = std::make_shared<const std::string>(job.plan);
  submission.hash = job.name.value();
  submission.by = "sim";
  submission.key = key;
  submission.nonce = std::hash<std::string>()(key);
  submission.target = job.target;
  submission.settings.memory_bytes = job.memory_bytes;
  submission.settings.restart.attempts = 10'000;
  submission.settings.restart.initial_delay = 50ms;
  submission.settings.restart.max_delay = 500ms;
  if (job.checkpoint) set_up_stream(*job.checkpoint, submission.settings);
  return submission;
}

std::optional<Rows> rows_in(FileSystem& files, const ModelSink& sink) {
  if (!files.exists(sink.path)) return {};
  if (!sink.directory) return sorted(parsed(files.read(sink.path).value()));
  Rows all;
  const std::vector<std::string> names = files.list(sink.path).value();
  for (const std::string& name : names) {
    if (name[0] == '_' || name[0] == '.') continue;
    const Rows rows = parsed(files.read(sink.path + "/" + name).value());
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return sorted(std::move(all));
}

std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

}  // namespace troupe::sim
