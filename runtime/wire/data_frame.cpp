#include "runtime/wire/data_frame.hpp"

#include <arrow/buffer.h>

#include <cstring>

namespace troupe {
namespace {

using Words = kj::Array<capnp::word>;

ByteSpan span_of(const arrow::Buffer& buffer) {
  return {buffer.data(), static_cast<std::size_t>(buffer.size())};
}

capnp::ReaderOptions limits(std::uint64_t traversal_words) {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = traversal_words;
  options.nestingLimit = frame_nesting_max;
  return options;
}

/// The magic and the header's words as one part.
std::shared_ptr<arrow::Buffer> to_part(kj::ArrayPtr<const capnp::word> words) {
  const auto bytes = words.asBytes();
  std::string part;
  part.reserve(data_magic.size() + bytes.size());
  part.append(data_magic);
  part.append(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  return arrow::Buffer::FromString(std::move(part));
}

Words words_of(ByteSpan bytes) {
  Words words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes.data(), bytes.size());
  return words;
}

}  // namespace

struct DataFrame::Content {
  Content(Words header_words, MessageParts message_parts)
      : words(kj::mv(header_words)),
        // No limit: `decode` has walked these words, or we have built them.
        message(words, limits(std::uint64_t{1} << 62)),
        header(message.getRoot<schema::DataHeader>()),
        parts(std::move(message_parts)) {
    for (const auto& part : parts) bytes += static_cast<std::size_t>(part->size());
  }

  Words words;
  mutable capnp::FlatArrayMessageReader message;
  schema::DataHeader::Reader header;
  MessageParts parts;
  std::size_t bytes = 0;
};

bool DataFrame::begins(ByteSpan first_part) {
  return first_part.size() >= data_magic.size() &&
         std::memcmp(first_part.data(), data_magic.data(), data_magic.size()) == 0;
}

Result<DataFrame> DataFrame::decode(MessageParts parts) {
  if (parts.empty() || !begins(span_of(*parts.front()))) {
    return make_error(ErrorCode::corrupt, "not a data frame");
  }
  const ByteSpan header_bytes = span_of(*parts.front()).subspan(data_magic.size());
  if (header_bytes.size() % sizeof(capnp::word) != 0 || header_bytes.empty() ||
      header_bytes.size() > data_header_bytes_max || parts.size() > data_frame_parts_max) {
    return make_error(ErrorCode::corrupt, "a data frame of {} parts whose header has {} bytes",
                      parts.size(), header_bytes.size());
  }
  try {
    Words words = words_of(header_bytes);
    {
      capnp::FlatArrayMessageReader message(words, limits(words.size() * 2));
      // Walks every pointer. The limit stops pointers that lead to the same bytes again and again.
      message.getRoot<schema::DataHeader>().totalSize();
      if (message.getEnd() != words.end()) {
        return make_error(ErrorCode::corrupt, "a data frame with bytes behind its header");
      }
    }
    auto content = std::make_shared<const Content>(kj::mv(words), std::move(parts));
    if (content->bytes > data_frame_bytes_max) {
      return make_error(ErrorCode::corrupt, "a data frame of {} bytes: at most {} are accepted",
                        content->bytes, data_frame_bytes_max);
    }
    // A text of another shape throws here; else it would when the tokens are compared.
    content->header.getCluster();
    const auto item = content->header.getItem();
    const std::size_t body_parts = content->parts.size() - 1;
    if (!item.isBatch()) {
      if (body_parts != 0)
        return make_error(ErrorCode::corrupt, "a data frame with rows it denies");
      return DataFrame(std::move(content));
    }
    const auto lengths = item.getBatch().getParts();
    if (lengths.size() != body_parts) {
      return make_error(ErrorCode::corrupt, "a data frame of {} parts instead of {}", body_parts,
                        lengths.size());
    }
    // The decoder finds columns by their offset in all parts together, so each length must be
    // right.
    for (unsigned i = 0; i < lengths.size(); ++i) {
      if (static_cast<std::uint64_t>(content->parts[i + 1]->size()) != lengths[i]) {
        return make_error(ErrorCode::corrupt, "part {} of a data frame has {} bytes instead of {}",
                          i + 1, content->parts[i + 1]->size(), lengths[i]);
      }
    }
    return DataFrame(std::move(content));
  } catch (const kj::Exception& exception) {
    return make_error(ErrorCode::corrupt, "a data frame that does not decode: {}",
                      exception.getDescription().cStr());
  }
}

DataFrame DataFrame::build(capnp::MessageBuilder& header, MessageParts body) {
  Words words = capnp::messageToFlatArray(header);
  MessageParts parts;
  parts.reserve(body.size() + 1);
  parts.push_back(to_part(words));
  std::move(body.begin(), body.end(), std::back_inserter(parts));
  return DataFrame(std::make_shared<const Content>(kj::mv(words), std::move(parts)));
}

const schema::DataHeader::Reader& DataFrame::header() const {
  ENSURE(content_ != nullptr, "an empty data frame has no header");
  return content_->header;
}

DataTokens DataFrame::tokens() const {
  const auto& from = header();
  const auto cluster = from.getCluster();
  return {.cluster = ClusterName(std::string(cluster.begin(), cluster.size())),
          .sender_incarnation = Incarnation(from.getSenderIncarnation()),
          .receiver_incarnation = Incarnation(from.getReceiverIncarnation()),
          .run = RunId(from.getRun()),
          .channel = ChannelId(from.getChannel()),
          .sender_attempt = Attempt(from.getSenderAttempt()),
          .receiver_attempt = Attempt(from.getReceiverAttempt())};
}

std::uint64_t DataFrame::seq() const { return header().getSeq(); }

std::size_t DataFrame::bytes() const {
  ENSURE(content_ != nullptr, "an empty data frame has no size");
  return content_->bytes;
}

bool DataFrame::is_batch() const { return header().getItem().isBatch(); }

const MessageParts& DataFrame::parts() const {
  ENSURE(content_ != nullptr, "an empty data frame has no parts");
  return content_->parts;
}

}  // namespace troupe
