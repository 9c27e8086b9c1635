// Who is asked to do an errand, and who is asked next: no errand is lost with its node, none is
// called done by anybody but whom it was asked of last, and all nodes get their share.
#include "runtime/coordinator/errands.hpp"

#include "runtime/base/node_fault.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

const Instant now{1h};
const Error away = make_error(ErrorCode::unavailable, "the storage is away");

NodeProcess process(const std::string& name, std::uint64_t incarnation = 1) {
  return {NodeId(name), Incarnation(incarnation)};
}

effect::HaveDone commit(std::uint64_t run, const std::string& vertex, std::size_t bytes = 10) {
  return {RunId(run),
          {ErrandKind::commit_sink,
           RunUid("uid"),
           std::make_shared<const std::string>("plan"),
           vertex,
           {{std::string(bytes, 'x'), 1}}}};
}

/// What was sent: to whom, and which command.
struct Sent {
  NodeProcess to;
  DoErrand command;
};

class Coordinator {
 public:
  explicit Coordinator(std::size_t part_bytes = errand_part_bytes) : errands(part_bytes) {}

  void node(const std::string& name, bool resting = false, std::uint64_t incarnation = 1) {
    ClusterNode node{NodeId(name), Incarnation(incarnation), "tcp://" + name, 2};
    node.placeable = node.listed = true;
    node.resting = resting;
    cluster.nodes[node.node] = node;
  }
  void lose(const std::string& name) {
    cluster.nodes.erase(NodeId(name));
    errands.on_away(NodeId(name));
  }
  std::vector<Sent> given_out() {
    std::vector<Sent> sent;
    events = 0;
    for (const Effect& effect : errands.give_out(cluster, time)) {
      if (const auto* send = std::get_if<effect::Send>(&effect)) {
        sent.push_back({{send->node, send->incarnation}, std::get<DoErrand>(send->command)});
      }
      events += std::holds_alternative<effect::Persist>(effect);
    }
    return sent;
  }
  Sent given_out_one() {
    const auto sent = given_out();
    REQUIRE(sent.size() == 1);
    return sent.front();
  }

  void pass(Duration length) {
    time += length;
    errands.on_tick(time);
  }

  ClusterView cluster;
  Errands errands;
  int events = 0;
  Instant time = now;
};

}  // namespace

TEST_CASE("an errand waits until an executor is there, and the log says so once") {
  Coordinator c;
  REQUIRE(c.errands.add(commit(7, "out"), now));
  CHECK(c.given_out().empty());
  CHECK(c.events == 1);
  CHECK(c.given_out().empty());
  CHECK(c.events == 0);
  REQUIRE(c.errands.commit_waits(RunId(7)));
  CHECK(c.errands.commit_waits(RunId(7))->vertex == "out");
  c.node("a");
  const Sent sent = c.given_out_one();
  CHECK(sent.to == process("a"));
  CHECK(sent.command.token.run == RunId(7));
  CHECK_FALSE(c.errands.commit_waits(RunId(7)));
  REQUIRE(c.errands.awaits(sent.command.number, process("a")));
  const auto outcome = c.errands.answered(sent.command.number, {}, c.cluster);
  REQUIRE(outcome);
  CHECK(outcome->what == ErrandKey{RunId(7), "out"});
  CHECK_FALSE(outcome->error);
  CHECK(c.errands.open() == 0);
}

TEST_CASE("an errand of a node that is lost or joins anew is asked of another, or of it again") {
  Coordinator c;
  c.node("a");
  REQUIRE(c.errands.add(commit(7, "out"), now));
  const Sent first = c.given_out_one();
  const bool another = GENERATE(true, false);
  if (another) c.node("b");
  c.lose("a");
  if (!another) c.node("a", false, 2);
  const Sent second = c.given_out_one();
  CHECK(second.to == (another ? process("b") : process("a", 2)));
  // What the first one says now is not what was asked last.
  CHECK_FALSE(c.errands.awaits(first.command.number, process("a")));
  CHECK_FALSE(c.errands.awaits(second.command.number, process("a")));
  CHECK(c.errands.awaits(second.command.number, second.to));
}

TEST_CASE("work is spread over the nodes, and what failed is tried somewhere else") {
  Coordinator c;
  c.node("a");
  c.node("b");
  c.node("tired", true);
  std::map<NodeId, int> asked;
  for (std::uint64_t run = 1; run <= 6; ++run) REQUIRE(c.errands.add(commit(run, "out"), now));
  const auto sent = c.given_out();
  for (const Sent& each : sent) ++asked[each.to.first];
  CHECK(asked == std::map<NodeId, int>{{NodeId("a"), 3}, {NodeId("b"), 3}});
  for (const Sent& each : sent) c.errands.answered(each.command.number, {}, c.cluster);

  std::set<NodeId> tried;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(c.errands.add(commit(9, "out"), now));
    const Sent one = c.given_out_one();
    tried.insert(one.to.first);
    const auto outcome = c.errands.answered(one.command.number, away, c.cluster);
    REQUIRE(outcome);
    CHECK(outcome->error == away);
  }
  CHECK(tried.size() == 2);
}

TEST_CASE("a node whose own fault it was is passed over while there is a better one") {
  Coordinator c;
  c.node("a");
  c.node("b");
  REQUIRE(c.errands.add(commit(7, "out"), now));
  const Sent first = c.given_out_one();
  CHECK_FALSE(c.errands.answered(first.command.number, node_fault(away), c.cluster));
  const Sent second = c.given_out_one();
  CHECK(second.to != first.to);
  // There is no third one: its run decides when it is tried again, and then of any.
  CHECK(c.errands.answered(second.command.number, node_fault(away), c.cluster));
  CHECK(c.given_out().empty());
  REQUIRE(c.errands.add(commit(7, "out"), now));
  CHECK(c.given_out().size() == 1);
}

TEST_CASE("where all nodes rest, one of them is asked") {
  Coordinator c;
  c.node("a", true);
  REQUIRE(c.errands.add(commit(7, "out"), now));
  CHECK(c.given_out_one().to == process("a"));
}

TEST_CASE("a node is asked for so many at a time") {
  Coordinator c;
  c.node("a");
  for (std::uint64_t run = 1; run <= errands_per_node_max + 1; ++run) {
    REQUIRE(c.errands.add(commit(run, "out"), now));
  }
  const auto sent = c.given_out();
  CHECK(sent.size() == errands_per_node_max);
  CHECK(c.events == 0);
  c.errands.answered(sent[3].command.number, {}, c.cluster);
  CHECK(c.given_out_one().command.token.run == RunId(errands_per_node_max + 1));
}

TEST_CASE("what is larger than a frame goes in parts, and what is too large is refused") {
  Coordinator c(1000);
  c.node("a");
  REQUIRE(c.errands.add(commit(7, "out", 3500), now));
  std::string content;
  const auto sent = c.given_out();
  REQUIRE(sent.size() == 4);
  for (std::uint32_t part = 0; part < sent.size(); ++part) {
    CHECK(sent[part].command.part == part);
    CHECK(sent[part].command.parts == sent.size());
    CHECK(sent[part].command.number == sent[0].command.number);
    content += sent[part].command.content;
  }
  const auto errand = decode_errand(content);
  REQUIRE(errand);
  CHECK(errand->vertex == "out");
  CHECK(errand->committables.front().detail.size() == 3500);
  const Result<> refused = c.errands.add(commit(8, "out", errand_bytes_max), now);
  CHECK(refused.error().code == ErrorCode::unsupported);
}

TEST_CASE("commits of a run that has ended are dropped, its clean-up is not") {
  Coordinator c;
  REQUIRE(c.errands.add(commit(7, "out"), now));
  REQUIRE(c.errands.add(
      {RunId(7),
       {ErrandKind::clean_up_sinks, RunUid("uid"), std::make_shared<const std::string>("plan")}},
      now));
  c.errands.drop_commits(RunId(7));
  c.node("a");
  const Sent sent = c.given_out_one();
  CHECK(decode_errand(sent.command.content)->kind == ErrandKind::clean_up_sinks);
}

TEST_CASE("who does not answer for too long is not waited for: another executor is asked") {
  Coordinator c;
  c.node("a");
  c.node("b");
  REQUIRE(c.errands.add(commit(7, "out"), now));
  CHECK_FALSE(c.errands.next_deadline());
  const Sent first = c.given_out_one();
  CHECK(c.errands.next_deadline() == now + errand_patience_min);
  c.pass(errand_patience_min - 1ms);
  CHECK(c.given_out().empty());
  CHECK_FALSE(c.errands.commit_waits(RunId(7)));
  c.pass(1ms);
  const Sent second = c.given_out_one();
  CHECK(c.events == 1);
  CHECK(second.to != first.to);
  // Whoever looks is told who is silent; and that one's answer is not waited for.
  REQUIRE(c.errands.commit_waits(RunId(7)));
  CHECK(c.errands.commit_waits(RunId(7))->silent == first.to.first);
  CHECK_FALSE(c.errands.awaits(first.command.number, first.to));
  // A large commit takes what it takes: the next one has more time.
  CHECK(c.errands.next_deadline() == c.time + 2 * errand_patience_min);
  REQUIRE(c.errands.answered(second.command.number, {}, c.cluster));
  CHECK_FALSE(c.errands.next_deadline());
}

TEST_CASE(
    "who does not answer for a sink is not asked for its next commit while others are there") {
  Coordinator c;
  c.node("a");
  c.node("b");
  REQUIRE(c.errands.add(commit(7, "out"), now));
  const Sent silent = c.given_out_one();
  c.pass(errand_patience_min);
  REQUIRE(c.errands.answered(c.given_out_one().command.number, {}, c.cluster));
  const auto asked = [&](const std::string& vertex) {
    REQUIRE(c.errands.add(commit(7, vertex), c.time));
    const Sent sent = c.given_out_one();
    REQUIRE(c.errands.answered(sent.command.number, {}, c.cluster));
    return sent.to;
  };
  for (int i = 0; i < 5; ++i) CHECK(asked("out") != silent.to);
  // Other sinks are other storages.
  CHECK((asked("else") == silent.to || asked("else") == silent.to));
  SECTION("it answers at last") { c.errands.heard(silent.command.number, silent.to); }
  SECTION("it begins again") { c.errands.on_away(silent.to.first); }
  CHECK((asked("out") == silent.to || asked("out") == silent.to));
}

TEST_CASE("a silent one is asked where nobody else is there") {
  Coordinator c;
  c.node("a");
  c.node("b");
  REQUIRE(c.errands.add(commit(7, "out"), now));
  const Sent silent = c.given_out_one();
  c.pass(errand_patience_min);
  const Sent other = c.given_out_one();
  REQUIRE(c.errands.answered(other.command.number, {}, c.cluster));
  c.lose(other.to.first.value());
  REQUIRE(c.errands.add(commit(7, "out"), c.time));
  CHECK(c.given_out_one().to == silent.to);
}

TEST_CASE("the only executor is asked again, less and less often") {
  Coordinator c;
  c.node("a");
  REQUIRE(c.errands.add(commit(7, "out"), now));
  Duration patience = errand_patience_min;
  std::uint64_t number = c.given_out_one().command.number;
  for (int i = 0; i < 20; ++i) {
    CHECK(c.errands.next_deadline() == c.time + patience);
    c.pass(patience);
    const Sent again = c.given_out_one();
    CHECK(again.to == process("a"));
    CHECK(again.command.number > number);
    number = again.command.number;
    patience = std::min(2 * patience, errand_patience_max);
  }
  CHECK(patience == errand_patience_max);
  // It is lost: who looks is told that nobody is there.
  c.lose("a");
  CHECK(c.given_out().empty());
  REQUIRE(c.errands.commit_waits(RunId(7)));
  CHECK_FALSE(c.errands.commit_waits(RunId(7))->silent);
  CHECK_FALSE(c.errands.next_deadline());
}

namespace {

effect::HaveDone copy(std::uint64_t run, std::uint64_t number, std::set<NodeId> useless) {
  Errand errand;
  errand.kind = ErrandKind::copy_snapshots;
  errand.copy = number;
  return {RunId(run), std::move(errand), std::move(useless)};
}

}  // namespace

TEST_CASE("who is no use for an errand is never asked, whatever becomes of the others") {
  Coordinator c;
  c.node("a");
  c.node("tired", true);
  // Also where all others rest: a copy on a node that has the files is none.
  REQUIRE(c.errands.add(copy(7, 1, {NodeId("a")}), now));
  const Sent first = c.given_out_one();
  CHECK(first.to == process("tired"));
  SECTION("the fault was its own") {
    const auto outcome = c.errands.answered(first.command.number, node_fault(away), c.cluster);
    REQUIRE(outcome);
    CHECK(outcome->what == ErrandKey{RunId(7), "", 1});
  }
  SECTION("it is lost") {
    c.lose("tired");
    CHECK(c.given_out().empty());
  }
  SECTION("it is silent") {
    c.pass(errand_patience_min);
    CHECK(c.given_out_one().to == process("tired"));
  }
  SECTION("another one comes") {
    c.lose("tired");
    CHECK(c.given_out().empty());
    c.node("b");
    CHECK(c.given_out_one().to == process("b"));
  }
}

TEST_CASE("an errand that nobody there can do holds up no other") {
  Coordinator c;
  c.node("a");
  REQUIRE(c.errands.add(copy(7, 1, {NodeId("a")}), now));
  REQUIRE(c.errands.add(copy(7, 2, {NodeId("b")}), now));
  REQUIRE(c.errands.add(commit(8, "out"), now));
  const auto sent = c.given_out();
  REQUIRE(sent.size() == 2);
  CHECK(decode_errand(sent[0].command.content)->copy == 2);
  CHECK(sent[1].command.token.run == RunId(8));
  // It goes with its run.
  c.errands.drop_commits(RunId(7));
  c.node("b");
  CHECK(c.given_out().empty());
}
