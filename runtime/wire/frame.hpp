#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "schemas/control.capnp.h"

#include <capnp/any.h>
#include <capnp/message.h>
#include <capnp/serialize.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// The identity that a message acts under. Its receiver compares it before it acts (protocols: "who
/// may act"). A field that does not apply keeps its zero.
struct Tokens {
  ClusterName cluster;
  NodeId sender;
  Incarnation incarnation;  ///< of the sender
  Term term = {};
  RunId run = {};
  Attempt run_attempt = {};
  TaskId task = {};
  Attempt task_attempt = {};
  ClusterId cluster_id = {};  ///< of the metadata that the coordinator leads by
};

/// Matches an actor's request with the other's answer; a message with number 0 expects none.
struct Request {
  std::uint64_t correlation = 0;
  std::string_view from = {};  ///< address of the asking actor
};

/// Fields that the session sets when a frame leaves the node. The others never change.
struct Stamp {
  Incarnation sender_incarnation;
  Incarnation receiver_incarnation;
  std::uint32_t sender_session = 0;
  std::uint32_t receiver_session = 0;
  std::uint64_t seq = 0;
  std::uint64_t ack = 0;
};

using ByteSpan = std::span<const std::uint8_t>;

/// One control message: an immutable, ref-counted, flat `schema::Envelope`.
///
/// The same bytes are used on a node and between nodes, so what works locally works remotely.
/// Copying a frame copies a pointer. A frame that came from outside has been walked once by
/// `decode`: every pointer in it is inside its bytes. But `decode` cannot know whether the body has
/// the shape that its kind promises, so a getter may still throw `kj::Exception`: untrusted bodies
/// are read through `read`, or under the one catch of the actors' dispatch.
class Frame {
 public:
  Frame() = default;  ///< empty; only for containers

  /// A message of type T for the actor at `to`; `fill` gets the `T::Builder`.
  template <class T, class Fill>
  static Frame make(const Tokens& tokens, std::string_view to, Fill&& fill,
                    const Request& request = {}) {
    capnp::MallocMessageBuilder message;
    auto envelope = message.initRoot<schema::Envelope>();
    set_tokens(envelope, tokens, to, request);
    envelope.setKind(capnp::typeId<T>());
    std::forward<Fill>(fill)(envelope.getBody().template initAs<T>());
    return build(message);
  }

  /// From bytes that nobody has checked yet: wrong sizes, bad pointers, deep nesting, amplification
  /// and another protocol's bytes are `corrupt`. Copies into aligned memory.
  static Result<Frame> decode(ByteSpan bytes);

  /// The same message with the session's fields set; the frame itself is not changed.
  Frame stamped(const Stamp& stamp) const;

  template <class T>
  bool is() const {
    return envelope().getKind() == capnp::typeId<T>();
  }
  /// The body. Requires `is<T>()`; valid as long as a copy of this frame lives.
  template <class T>
  typename T::Reader as() const {
    ENSURE(is<T>(), "the frame holds another message: kind {:x}", envelope().getKind());
    return envelope().getBody().template getAs<T>();
  }
  /// Calls `use(T::Reader)`; a body that is not what its kind promises is `corrupt`.
  template <class T, class Use>
  Result<> read(Use&& use) const {
    if (!is<T>()) return make_error(ErrorCode::corrupt, "not the message that was expected");
    try {
      use(as<T>());
      return {};
    } catch (const kj::Exception& exception) {
      return broken_body(exception);
    }
  }

  const schema::Envelope::Reader& envelope() const;
  std::string_view to() const;
  Tokens tokens() const;
  Request request() const;  ///< its texts live as long as this frame
  std::uint64_t kind() const { return envelope().getKind(); }
  ByteSpan bytes() const;
  std::size_t size() const { return bytes().size(); }
  explicit operator bool() const { return content_ != nullptr; }

 private:
  struct Content;
  explicit Frame(std::shared_ptr<const Content> content) : content_(std::move(content)) {}

  static void set_tokens(schema::Envelope::Builder envelope, const Tokens& tokens,
                         std::string_view to, const Request& request);
  static Frame build(capnp::MessageBuilder& message);
  static Error broken_body(const kj::Exception& exception);

  std::shared_ptr<const Content> content_;
};

/// A control message is small; bulk travels as data frames.
inline constexpr std::size_t frame_bytes_max = std::size_t{1} << 20;
/// Words that reading one received frame may touch, so that pointers to the same bytes do not
/// multiply the work.
inline constexpr std::uint64_t frame_traversal_words_max = std::uint64_t{1} << 20;
inline constexpr int frame_nesting_max = 16;

}  // namespace troupe
