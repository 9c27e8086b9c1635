#include "runtime/wire/frame.hpp"

#include <kj/exception.h>

#include <cstring>

namespace troupe {
namespace {

/// Opens the segments of a message that we built ourselves, to set fields in place.
class InPlace : public capnp::MessageBuilder {
 public:
  explicit InPlace(kj::ArrayPtr<SegmentInit> segments) : MessageBuilder(segments) {}
  kj::ArrayPtr<capnp::word> allocateSegment(unsigned) override {
    ENSURE(false, "a stamp must not allocate");
    return nullptr;
  }
};

using Words = kj::Array<capnp::word>;

Words copy_words(ByteSpan bytes) {
  Words words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes.data(), bytes.size());
  return words;
}

/// For bytes that `decode` has walked, or that we built: any number of actors may read them any
/// number of times, and a limit would run out.
capnp::ReaderOptions walked() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = std::uint64_t{1} << 62;
  options.nestingLimit = frame_nesting_max;
  return options;
}

capnp::ReaderOptions suspicious() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = frame_traversal_words_max;
  options.nestingLimit = frame_nesting_max;
  return options;
}

kj::StringPtr to_kj(const std::string& text) { return {text.c_str(), text.size()}; }

void set_text(capnp::Text::Builder target, std::string_view text) {
  std::memcpy(target.begin(), text.data(), text.size());
}

std::string_view to_view(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

}  // namespace

struct Frame::Content {
  explicit Content(Words bytes)
      : words(kj::mv(bytes)),
        message(words, walked()),
        envelope(message.getRoot<schema::Envelope>()) {}

  Words words;
  mutable capnp::FlatArrayMessageReader message;
  schema::Envelope::Reader envelope;
};

void Frame::set_tokens(schema::Envelope::Builder envelope, const Tokens& tokens,
                       std::string_view to, const Request& request) {
  envelope.setProto(schema::PROTOCOL_VERSION);
  envelope.setCluster(to_kj(tokens.cluster.value()));
  envelope.setSender(to_kj(tokens.sender.value()));
  envelope.setSenderIncarnation(tokens.incarnation.value());
  envelope.setTerm(tokens.term.value());
  envelope.setRun(tokens.run.value());
  envelope.setRunAttempt(tokens.run_attempt.value());
  envelope.setTaskStage(tokens.task.stage.value());
  envelope.setTaskSubtask(tokens.task.subtask);
  envelope.setTaskAttempt(tokens.task_attempt.value());
  envelope.setClusterId(to_kj(tokens.cluster_id.value()));
  set_text(envelope.initTo(static_cast<unsigned>(to.size())), to);
  if (!request.from.empty()) {
    set_text(envelope.initFrom(static_cast<unsigned>(request.from.size())), request.from);
  }
  envelope.setCorrelation(request.correlation);
}

Frame Frame::build(capnp::MessageBuilder& message) {
  return Frame(std::make_shared<const Content>(capnp::messageToFlatArray(message)));
}

Result<Frame> Frame::decode(ByteSpan bytes) {
  if (bytes.empty() || bytes.size() % sizeof(capnp::word) != 0) {
    return make_error(ErrorCode::corrupt, "a control frame of {} bytes: not whole words",
                      bytes.size());
  }
  if (bytes.size() > frame_bytes_max) {
    return make_error(ErrorCode::corrupt, "a control frame of {} bytes: at most {} are accepted",
                      bytes.size(), frame_bytes_max);
  }
  try {
    Words words = copy_words(bytes);
    {
      capnp::FlatArrayMessageReader message(words, suspicious());
      // Walks every pointer once, within the limits: after that a frame is read without limits.
      message.getRoot<schema::Envelope>().totalSize();
      if (message.getEnd() != words.end()) {
        return make_error(ErrorCode::corrupt, "a control frame with {} words behind its end",
                          words.end() - message.getEnd());
      }
    }
    auto content = std::make_shared<const Content>(kj::mv(words));
    const auto& envelope = content->envelope;
    // Texts of another shape throw here. Receivers read these freely: only the body is left to
    // doubt.
    envelope.getCluster(), envelope.getSender(), envelope.getTo(), envelope.getFrom(),
        envelope.getClusterId();
    return Frame(std::move(content));
  } catch (const kj::Exception& exception) {
    return make_error(ErrorCode::corrupt, "a control frame that does not decode: {}",
                      exception.getDescription().cStr());
  }
}

/// The stamp's fields have fixed places in the envelope, so setting them in a copy of the words is
/// enough: no pointer moves, and the body is not encoded again.
Frame Frame::stamped(const Stamp& stamp) const {
  Words words = copy_words(bytes());
  {
    capnp::FlatArrayMessageReader layout(words, walked());
    kj::Vector<capnp::MessageBuilder::SegmentInit> segments;
    for (unsigned id = 0;; ++id) {
      auto segment = layout.getSegment(id);
      if (segment == nullptr) break;
      auto* begin = const_cast<capnp::word*>(segment.begin());
      segments.add(
          capnp::MessageBuilder::SegmentInit{kj::arrayPtr(begin, segment.size()), segment.size()});
    }
    InPlace message(segments.asPtr());
    auto envelope = message.getRoot<schema::Envelope>();
    envelope.setSenderIncarnation(stamp.sender_incarnation.value());
    envelope.setReceiverIncarnation(stamp.receiver_incarnation.value());
    envelope.setSenderSession(stamp.sender_session);
    envelope.setReceiverSession(stamp.receiver_session);
    envelope.setSeq(stamp.seq);
    envelope.setAck(stamp.ack);
  }
  return Frame(std::make_shared<const Content>(kj::mv(words)));
}

const schema::Envelope::Reader& Frame::envelope() const {
  ENSURE(content_ != nullptr, "an empty frame has no envelope");
  return content_->envelope;
}

std::string_view Frame::to() const { return to_view(envelope().getTo()); }

Tokens Frame::tokens() const {
  const auto& from = envelope();
  return {.cluster = ClusterName(std::string(to_view(from.getCluster()))),
          .sender = NodeId(std::string(to_view(from.getSender()))),
          .incarnation = Incarnation(from.getSenderIncarnation()),
          .term = Term(from.getTerm()),
          .run = RunId(from.getRun()),
          .run_attempt = Attempt(from.getRunAttempt()),
          .task = {StageId(from.getTaskStage()), from.getTaskSubtask()},
          .task_attempt = Attempt(from.getTaskAttempt()),
          .cluster_id = ClusterId(std::string(to_view(from.getClusterId())))};
}

Request Frame::request() const {
  return {envelope().getCorrelation(), to_view(envelope().getFrom())};
}

ByteSpan Frame::bytes() const {
  ENSURE(content_ != nullptr, "an empty frame has no bytes");
  const auto bytes = content_->words.asBytes();
  return {bytes.begin(), bytes.size()};
}

Error Frame::broken_body(const kj::Exception& exception) {
  return make_error(ErrorCode::corrupt, "a message that is not what its kind promises: {}",
                    exception.getDescription().cStr());
}

}  // namespace troupe
