// Every message comes out of its frame as it went in, field by field. `parts` takes each struct
// apart by a structured binding, so a new field does not compile until it is named here, and is
// then filled at random and compared: a codec that forgets it fails. What is damaged on the way is
// refused or another message, never a crash.
#include "runtime/job/message_codec.hpp"

#include "runtime/decision/column_codec.hpp"
#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"

#include <concepts>

using namespace troupe;

namespace {

template <class A, class B>
concept same = std::same_as<std::remove_const_t<A>, B>;

// ---- what messages are made of
// -------------------------------------------------------------------

void parts(same<TaskId> auto& m, auto f) {
  auto& [stage, subtask] = m;
  f(stage, subtask);
}
void parts(same<Token> auto& m, auto f) {
  auto& [cluster, term, run, run_attempt, task, attempt, incarnation, seq] = m;
  f(cluster, term, run, run_attempt, task, attempt, incarnation, seq);
}
void parts(same<TaskPeer> auto& m, auto f) {
  auto& [task, attempt, node] = m;
  f(task, attempt, node);
}
void parts(same<PeerNode> auto& m, auto f) {
  auto& [node, incarnation, address] = m;
  f(node, incarnation, address);
}
void parts(same<EdgePeers> auto& m, auto f) {
  auto& [edge, peers] = m;
  f(edge, peers);
}
void parts(same<PartitionSummary> auto& m, auto f) {
  auto& [rows, hash] = m;
  f(rows, hash);
}
void parts(same<OutputSummary> auto& m, auto f) {
  auto& [edge, partitions] = m;
  f(edge, partitions);
}
void parts(same<VertexCounters> auto& m, auto f) {
  auto& [vertex, rows_in, rows_out, bytes_in, bytes_out, notes] = m;
  f(vertex, rows_in, rows_out, bytes_in, bytes_out, notes);
}
void parts(same<TaskCounters> auto& m, auto f) {
  auto& [vertices, busy, blocked, idle, queue] = m;
  f(vertices, busy, blocked, idle, queue);
}
void parts(same<Split> auto& m, auto f) {
  auto& [detail, bytes, rows] = m;
  f(detail, bytes, rows);
}
void parts(same<Committable> auto& m, auto f) {
  auto& [detail, rows] = m;
  f(detail, rows);
}
void parts(same<SinkPart> auto& m, auto f) {
  auto& [vertex, committables] = m;
  f(vertex, committables);
}
void parts(same<PlanTarget> auto& m, auto f) {
  auto& [parallelism, keep] = m;
  f(parallelism, keep);
}
/// A place in a descriptor means nothing on another node.
void parts(same<Error> auto& m, auto f) {
  auto& [code, message, hint, path, span_stays_at_home] = m;
  static_cast<void>(span_stays_at_home);
  f(code, message, hint, path);
}
/// Cluster, incarnation and number of what is held are those of the list that it is in.
void parts(same<HeldTask> auto& m, auto f) {
  auto& [token, state] = m;
  f(token.term, token.run, token.run_attempt, token.task, token.attempt, state);
}

// ---- the messages
// --------------------------------------------------------------------------------

void parts(same<Joined> auto& m, auto f) {
  auto& [cluster, term, incarnation] = m;
  f(cluster, term, incarnation);
}
void parts(same<JoinRefused> auto& m, auto f) {
  auto& [term, incarnation, highest, reason] = m;
  f(term, incarnation, highest, reason);
}
template <class M>
concept only_a_token = same<M, Adopt> || same<M, StartTask> || same<M, AckReport> ||
    same<M, ReleaseRun> || same<M, TaskReady> || same<M, TaskStopped>;
void parts(only_a_token auto& m, auto f) {
  auto& [token] = m;
  f(token);
}
void parts(same<DeployTask> auto& m, auto f) {
  auto& [token, uid, job, plan, target, splits, inputs, outputs, nodes, memory] = m;
  f(token, uid, job, plan, target, splits, inputs, outputs, nodes, memory);
}
void parts(same<CancelTask> auto& m, auto f) {
  auto& [token, reason] = m;
  f(token, reason);
}
void parts(same<JoinCluster> auto& m, auto f) {
  auto& [cluster, node, incarnation, term_seen, address, slots] = m;
  f(cluster, node, incarnation, term_seen, address, slots);
}
void parts(same<TaskFinished> auto& m, auto f) {
  auto& [token, outputs, sink, committables, counters] = m;
  f(token, outputs, sink, committables, counters);
}
void parts(same<TaskFailed> auto& m, auto f) {
  auto& [token, failure, error, lost_inputs] = m;
  f(token, failure, error, lost_inputs);
}
void parts(same<TaskProgress> auto& m, auto f) {
  auto& [token, counters] = m;
  f(token, counters);
}
void parts(same<Inventory> auto& m, auto f) {
  auto& [incarnation, term_seen, adopt_seq, held] = m;
  f(incarnation, term_seen, adopt_seq, held);
}

// ---- random values, and their text
// ---------------------------------------------------------------

class Filler {
 public:
  explicit Filler(std::uint64_t seed) : random_(seed) {}

  void fill(bool& value) { value = random_.chance(1, 2); }
  void fill(std::string& value) {
    value.clear();
    for (std::uint64_t n = 1 + random_.below(12); n > 0; --n) {
      value += static_cast<char>('a' + random_.below(26));
    }
  }
  void fill(FailureClass& value) { value = static_cast<FailureClass>(random_.below(5)); }
  void fill(HeldState& value) { value = static_cast<HeldState>(random_.below(5)); }
  void fill(ErrorCode& value) {
    value = static_cast<ErrorCode>(random_.below(static_cast<unsigned>(ErrorCode::internal) + 1));
  }
  void fill(Duration& value) { value = Duration(static_cast<std::int64_t>(random_.next())); }
  void fill(std::shared_ptr<const std::string>& value) {
    std::string bytes;
    fill(bytes);
    value = std::make_shared<const std::string>(bytes + '\0' + bytes);
  }
  void fill(std::integral auto& value) {
    value = static_cast<std::remove_reference_t<decltype(value)>>(random_.next());
  }
  template <class Tag, class Rep>
  void fill(StrongId<Tag, Rep>& id) {
    Rep value;
    fill(value);
    id = StrongId<Tag, Rep>(value);
  }
  template <class Tag>
  void fill(Counter<Tag>& id) {
    id = Counter<Tag>(random_.next());
  }
  template <class T>
  void fill(std::vector<T>& values) {
    values.resize(1 + random_.below(3));
    for (T& value : values) fill(value);
  }
  template <class M>
  requires requires(M& m) {
    parts(m, [](auto&...) {});
  }
  void fill(M& message) {
    parts(message, [&](auto&... part) { (fill(part), ...); });
  }

 private:
  Random random_;
};

class Text {
 public:
  std::string text;

  void add(const std::string& value) { text += value + ' '; }
  void add(bool value) { add(std::string(value ? "yes" : "no")); }
  void add(std::integral auto value) { add(std::to_string(value)); }
  void add(Duration value) { add(value.count()); }
  template <class E>
  requires std::is_enum_v<E>
  void add(E value) { add(static_cast<int>(value)); }
  void add(const std::shared_ptr<const std::string>& value) { add(*value); }
  template <class Tag, class Rep>
  void add(const StrongId<Tag, Rep>& id) {
    add(id.value());
  }
  template <class T>
  void add(const std::vector<T>& values) {
    add(values.size());
    for (const T& value : values) add(value);
  }
  template <class M>
  requires requires(const M& m) {
    parts(m, [](auto&...) {});
  }
  void add(const M& message) {
    parts(message, [&](auto&... part) { (add(part), ...); });
  }
};

template <class T>
std::string text_of(const T& value) {
  Text all;
  all.add(value);
  return all.text;
}
std::string text_of(const Command& command) {
  return std::visit([](const auto& m) { return text_of(m); }, command);
}
std::string text_of(const Report& report) {
  return std::visit([](const auto& m) { return text_of(m); }, report);
}

const Sender sender{ClusterName("c"), NodeId("n"), Incarnation(7)};

Result<Command> back(const Frame& frame, const Command&) { return command_of(frame); }
Result<Report> back(const Frame& frame, const Report&) { return report_of(frame); }

template <class Variant, std::size_t... I>
void for_each_kind(auto use, std::index_sequence<I...>) {
  (use(std::variant_alternative_t<I, Variant>()), ...);
}
/// A random message of every kind of the variant.
template <class Variant>
void for_each_message(Filler& filler, auto use) {
  for_each_kind<Variant>(
      [&](auto message) {
        filler.fill(message);
        use(Variant(message));
      },
      std::make_index_sequence<std::variant_size_v<Variant>>());
}

template <class Variant>
void check_round_trips(Filler& filler) {
  for_each_message<Variant>(filler, [](const Variant& message) {
    INFO(name_of(message));
    const Frame sent = frame_of(message, sender);
    const Frame received = Frame::decode(sent.bytes()).value();
    const auto read = back(received, message);
    REQUIRE(read.ok());
    CHECK(read->index() == message.index());
    CHECK(text_of(*read) == text_of(message));
    CHECK(received.tokens().sender == sender.node);
    CHECK(received.tokens().incarnation == sender.incarnation);
    CHECK(is_command(received) == std::is_same_v<Variant, Command>);
    CHECK(is_report(received) == std::is_same_v<Variant, Report>);
  });
}

template <class Variant>
std::size_t damage(Filler& filler, Random& random) {
  std::size_t refused = 0;
  for_each_message<Variant>(filler, [&](const Variant& message) {
    const Frame sent = frame_of(message, sender);
    std::vector<std::uint8_t> bytes(sent.bytes().begin(), sent.bytes().end());
    for (std::uint64_t flips = 1 + random.below(3); flips > 0; --flips) {
      bytes[random.below(bytes.size())] ^= static_cast<std::uint8_t>(1 << random.below(8));
    }
    if (random.chance(1, 4)) bytes.resize(random.below(bytes.size()));
    const auto received = Frame::decode(bytes);
    refused += !received || (!command_of(*received) && !report_of(*received));
  });
  return refused;
}

}  // namespace

TEST_CASE("every message comes out of its frame as it went in") {
  Filler filler(1);
  for (int round = 0; round < 50; ++round) {
    check_round_trips<Command>(filler);
    check_round_trips<Report>(filler);
  }
}

TEST_CASE("a damaged message is refused or another one, never a crash") {
  Filler filler(2);
  Random random(3);
  std::size_t refused = 0;
  for (int round = 0; round < 400; ++round) {
    refused += damage<Command>(filler, random) + damage<Report>(filler, random);
  }
  CHECK(refused > 1000);
}

TEST_CASE("every column comes back as it was written; a damaged one is corrupt, never a crash") {
  Filler filler(4);
  Random random(5);
  std::size_t refused = 0;
  const auto damaged = [&](std::string bytes) {
    bytes[random.below(bytes.size())] ^= static_cast<char>(1 << random.below(8));
    if (random.chance(1, 4)) bytes.resize(random.below(bytes.size()));
    return bytes;
  };
  for (int round = 0; round < 200; ++round) {
    Splits splits;
    std::vector<OutputSummary> outputs;
    std::vector<SinkPart> sinks;
    std::vector<Committable> staged;
    filler.fill(splits);
    filler.fill(outputs);
    filler.fill(sinks);
    filler.fill(staged);
    CHECK(decode_splits(encode_splits(splits)).value() == splits);
    CHECK(decode_outputs(encode_outputs(outputs)).value() == outputs);
    CHECK(text_of(decode_manifest(encode_manifest(sinks)).value()) == text_of(sinks));
    CHECK(decode_committables(encode_committables(staged)).value() == staged);
    refused += !decode_splits(damaged(encode_splits(splits)));
    refused += !decode_outputs(damaged(encode_outputs(outputs)));
    refused += !decode_manifest(damaged(encode_manifest(sinks)));
    refused += !decode_committables(damaged(encode_committables(staged)));
  }
  CHECK(refused > 200);
}

TEST_CASE("a value that only a newer node knows is the least trusting one") {
  TaskFailed failed;
  failed.failure = static_cast<FailureClass>(77);
  failed.error.code = static_cast<ErrorCode>(77);
  const Report read = report_of(frame_of(Report(failed), sender)).value();
  CHECK(std::get<TaskFailed>(read).failure == FailureClass::internal);
  CHECK(std::get<TaskFailed>(read).error.code == ErrorCode::internal);
}

TEST_CASE("a message of the other direction is unsupported") {
  CHECK(command_of(frame_of(Report(TaskReady()), sender)).error().code == ErrorCode::unsupported);
  CHECK(report_of(frame_of(Command(StartTask()), sender)).error().code == ErrorCode::unsupported);
}
