// Every message comes out of its frame as it went in, field by field: all that a message lists of
// itself is filled at random and compared, and its schema has no field that the list does not. (A
// member that the list forgets does not compile.) What is damaged on the way is refused or another
// message, never a crash.
#include "runtime/protocol/message_codec.hpp"

#include "runtime/protocol/message_text.hpp"
#include "runtime/protocol/struct_codec.hpp"
#include "schemas/job.capnp.h"
#include "tests/runtime/protocol/filler.hpp"
#include "tests/support/catch.hpp"

#include <set>

using namespace troupe;

namespace {

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
        filler.fill_message(message);
        use(Variant(message));
      },
      std::make_index_sequence<std::variant_size_v<Variant>>());
}

template <class Variant>
void check_round_trips(Filler& filler) {
  for_each_message<Variant>(filler, [](const Variant& message) {
    INFO(to_text(message));
    const Frame sent = frame_of(message, sender);
    const Frame received = Frame::decode(sent.bytes()).value();
    const auto read = back(received, message);
    REQUIRE(read.ok());
    CHECK(read->index() == message.index());
    CHECK(to_text(*read) == to_text(message));
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

/// The names that `struct_codec` looks up for a struct, those of a spread member among them.
template <Described T>
void listed(capnp::StructSchema schema, std::set<std::string>& names) {
  std::size_t i = 0;
  for_each_field<T>([&]<class V, bool spread>(const Field<T, V, spread>&) {
    const std::string& name = struct_codec::schema_names<T>()[i++];
    if constexpr (spread) {
      listed<V>(schema, names);
    } else {
      names.insert(name);
    }
  });
}

template <Described T>
std::vector<std::string> unlisted(capnp::StructSchema schema) {
  std::set<std::string> names{"fence"};
  listed<T>(schema, names);
  std::vector<std::string> missing;
  for (const auto field : schema.getFields()) {
    const std::string name = field.getProto().getName().cStr();
    if (!names.contains(name)) missing.push_back(name);
  }
  return missing;
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

TEST_CASE("a schema has no field that its message does not list") {
  Filler filler(6);
  const auto check = [](const auto& any) {
    std::visit(
        []<class M>(const M&) {
          const auto schema = capnp::Schema::from<typename M::Schema>();
          INFO(schema.getShortDisplayName().cStr());
          CHECK(unlisted<M>(schema) == std::vector<std::string>());
        },
        any);
  };
  for_each_message<Command>(filler, check);
  for_each_message<Report>(filler, check);
}
