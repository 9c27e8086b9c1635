#include "runtime/protocol/message_codec.hpp"

#include "runtime/protocol/struct_codec.hpp"
#include "schemas/job.capnp.h"

#include <optional>
#include <utility>

namespace troupe {
namespace {

// ---- the envelope: who a message acts for ------------------------------------------------------

template <class M>
Tokens tokens_of(const M& message, const Sender& sender) {
  Tokens tokens{sender.cluster, sender.node, sender.incarnation};
  if constexpr (CarriesToken<M>) {
    const Token& token = message.token;
    tokens = {sender.cluster,    sender.node, sender.incarnation, token.term,   token.run,
              token.run_attempt, token.task,  token.attempt,      token.cluster};
  }
  if constexpr (CarriesCluster<M>) tokens.cluster_id = message.cluster;
  if constexpr (CarriesTerm<M>) tokens.term = message.term;
  return tokens;
}

/// The half of a fence that no envelope has.
template <class Body>
void write_fence(Body body, const Token& token) {
  auto fence = body.initFence();
  fence.setIncarnation(token.incarnation.value());
  fence.setSeq(token.seq);
}

Token read_token(const Tokens& tokens, schema::Fence::Reader fence) {
  return {tokens.cluster_id,
          tokens.term,
          tokens.run,
          tokens.run_attempt,
          tokens.task,
          tokens.task_attempt,
          Incarnation(fence.getIncarnation()),
          fence.getSeq()};
}

// ---- a message, and back -----------------------------------------------------------------------

template <class M>
Frame encode(const M& message, std::string_view to, const Sender& sender) {
  using Body = typename M::Schema::Builder;
  return Frame::make<typename M::Schema>(tokens_of(message, sender), to, [&](Body body) {
    if constexpr (CarriesToken<M>) write_fence(body, message.token);
    struct_codec::write(body, message);
  });
}

template <class M>
Result<M> decode(const Frame& frame) {
  M message;
  TRY(frame.read<typename M::Schema>([&](typename M::Schema::Reader body) {
    const Tokens tokens = frame.tokens();
    if constexpr (CarriesToken<M>) message.token = read_token(tokens, body.getFence());
    if constexpr (CarriesCluster<M>) message.cluster = tokens.cluster_id;
    if constexpr (CarriesTerm<M>) message.term = tokens.term;
    struct_codec::read(body, message);
  }));
  return message;
}

/// All kinds of a variant: whether the frame holds one of them, and which.
template <class Variant>
struct Kinds;
template <class... M>
struct Kinds<std::variant<M...>> {
  using Message = std::variant<M...>;

  static bool any(const Frame& frame) { return (frame.is<typename M::Schema>() || ...); }

  static std::optional<Result<Message>> decoded(const Frame& frame) {
    std::optional<Result<Message>> found;
    (take<M>(frame, found) || ...);
    return found;
  }

 private:
  template <class One>
  static bool take(const Frame& frame, std::optional<Result<Message>>& found) {
    if (!frame.is<typename One::Schema>()) return false;
    auto message = decode<One>(frame);
    if (message) {
      found.emplace(Message(*std::move(message)));
    } else {
      found.emplace(message.error());
    }
    return true;
  }
};

}  // namespace

Frame frame_of(const Command& command, const Sender& sender) {
  return std::visit([&](const auto& message) { return encode(message, executor_address, sender); },
                    command);
}

Frame frame_of(const Report& report, const Sender& sender) {
  return std::visit(
      [&](const auto& message) { return encode(message, coordinator_address, sender); }, report);
}

bool is_command(const Frame& frame) { return Kinds<Command>::any(frame); }
bool is_report(const Frame& frame) { return Kinds<Report>::any(frame); }

Result<Command> command_of(const Frame& frame) {
  if (auto command = Kinds<Command>::decoded(frame)) return *std::move(command);
  return make_error(ErrorCode::unsupported, "not a command to an executor: kind {:x}",
                    frame.kind());
}

Result<Report> report_of(const Frame& frame) {
  if (auto report = Kinds<Report>::decoded(frame)) return *std::move(report);
  return make_error(ErrorCode::unsupported, "not a report of an executor: kind {:x}", frame.kind());
}

}  // namespace troupe
