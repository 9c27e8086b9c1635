#include "runtime/wire/batch_codec.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/wire/body.hpp"

#include <arrow/array.h>
#include <arrow/array/array_dict.h>
#include <arrow/buffer.h>
#include <arrow/compute/cast.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/message.h>
#include <arrow/ipc/options.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <map>

namespace troupe {
namespace {

using ArrowBatch = std::shared_ptr<arrow::RecordBatch>;

kj::ArrayPtr<const kj::byte> to_kj(const arrow::Buffer& buffer) {
  return {buffer.data(), static_cast<std::size_t>(buffer.size())};
}

/// A view of the bytes, not a copy; the frame outlives it.
std::shared_ptr<arrow::Buffer> to_buffer(capnp::Data::Reader data) {
  return std::make_shared<arrow::Buffer>(data.begin(), static_cast<std::int64_t>(data.size()));
}

arrow::ipc::IpcWriteOptions write_options() {
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  options.use_threads = false;
  return options;
}

arrow::ipc::IpcReadOptions read_options() {
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  options.max_recursion_depth = frame_nesting_max;
  // Parts arrive at any address, but kernels want each value at a multiple of its size.
  options.ensure_alignment = arrow::ipc::Alignment::kDataTypeSpecificAlignment;
  return options;
}

/// False if the dictionary is large and has more values than the batch has rows: most of them would
/// travel for nothing.
bool worth_sending(const arrow::Array& dictionary, std::int64_t rows) {
  if (dictionary.length() <= rows) return true;
  return arrow::util::ReferencedBufferSize(dictionary).ValueOr(dictionary_bytes_free + 1) <=
         dictionary_bytes_free;
}

std::shared_ptr<arrow::Schema> one_column(const std::shared_ptr<arrow::DataType>& type) {
  return arrow::schema({arrow::field("values", type)});
}

std::int64_t referenced_bytes(const arrow::RecordBatch& batch) {
  return arrow::util::ReferencedBufferSize(batch).ValueOr(0);
}

/// Arrow has several codes for bad input; for us all of it is `corrupt`.
Error corrupt(const arrow::Status& status) {
  return make_error(ErrorCode::corrupt, "columns that do not decode: {}", status.message());
}

}  // namespace

// --- Encoder ---------------------------------------------------------------------------------

struct ChannelEncoder::State {
  DataTokens tokens;
  std::uint64_t seq = 0;
  std::shared_ptr<arrow::Schema> schema;  ///< that the receiver has
  /// The dictionaries that the receiver has, by column; top-level columns only.
  std::map<int, std::shared_ptr<arrow::Array>> dictionaries;

  schema::DataHeader::Builder begin(capnp::MessageBuilder& message) {
    auto header = message.initRoot<schema::DataHeader>();
    header.setCluster(kj::StringPtr(tokens.cluster.value().c_str()));
    header.setSenderIncarnation(tokens.sender_incarnation.value());
    header.setReceiverIncarnation(tokens.receiver_incarnation.value());
    header.setRun(tokens.run.value());
    header.setChannel(tokens.channel.value());
    header.setSenderAttempt(tokens.sender_attempt.value());
    header.setReceiverAttempt(tokens.receiver_attempt.value());
    header.setSeq(++seq);
    return header;
  }

  template <class Fill>
  DataFrame mark(Fill&& fill) {
    capnp::MallocMessageBuilder message;
    fill(begin(message).getItem());
    return DataFrame::build(message, {});
  }

  Result<> encode(const ArrowBatch& batch, std::vector<DataFrame>& frames);
  Result<ArrowBatch> thin_dictionaries(const ArrowBatch& batch) const;
  bool is_known(int column, const std::shared_ptr<arrow::Array>& dictionary) const;
  Result<DataFrame> encode_one(const ArrowBatch& batch);
};

ChannelEncoder::ChannelEncoder(DataTokens tokens) : state_(std::make_unique<State>()) {
  state_->tokens = std::move(tokens);
}
ChannelEncoder::~ChannelEncoder() = default;
ChannelEncoder::ChannelEncoder(ChannelEncoder&&) noexcept = default;
ChannelEncoder& ChannelEncoder::operator=(ChannelEncoder&&) noexcept = default;

Result<std::vector<DataFrame>> ChannelEncoder::encode(const StreamItem& item) {
  std::vector<DataFrame> frames;
  if (const auto* batch = std::get_if<Batch>(&item)) {
    TRY(state_->encode(batch->columns(), frames));
  } else if (const auto* watermark = std::get_if<Watermark>(&item)) {
    const std::int64_t time = watermark->time.time_since_epoch().count();
    frames.push_back(state_->mark(
        [&](auto mark) { watermark->idle ? mark.setIdle(time) : mark.setWatermark(time); }));
  } else if (const auto* barrier = std::get_if<Barrier>(&item)) {
    frames.push_back(state_->mark([&](auto mark) {
      auto to = mark.initBarrier();
      to.setEpoch(barrier->epoch.value());
      to.setPublished(barrier->published.value());
    }));
  } else {
    frames.push_back(state_->mark([](auto mark) { mark.setEndOfStream(); }));
  }
  return frames;
}

Result<> ChannelEncoder::State::encode(const ArrowBatch& batch, std::vector<DataFrame>& frames) {
  ENSURE(batch != nullptr, "an empty Batch has no rows to send");
  if (batch->num_rows() > 1 && referenced_bytes(*batch) > encoded_batch_bytes_max) {
    // Halves again and again until it fits; slices copy nothing. A single row is never cut.
    const std::int64_t half = batch->num_rows() / 2;
    TRY(encode(batch->Slice(0, half), frames));
    return encode(batch->Slice(half), frames);
  }
  frames.push_back(TRY(encode_one(TRY(thin_dictionaries(batch)))));
  return {};
}

bool ChannelEncoder::State::is_known(int column,
                                     const std::shared_ptr<arrow::Array>& dictionary) const {
  const auto known = dictionaries.find(column);
  if (known == dictionaries.end()) return false;
  if (known->second->data() == dictionary->data()) return true;
  return known->second->length() == dictionary->length() && known->second->Equals(*dictionary);
}

Result<ArrowBatch> ChannelEncoder::State::thin_dictionaries(const ArrowBatch& batch) const {
  ArrowBatch thin = batch;
  for (int i = 0; i < batch->num_columns(); ++i) {
    const auto column = batch->column(i);
    if (column->type_id() != arrow::Type::DICTIONARY) continue;
    const auto& dictionary = static_cast<const arrow::DictionaryArray&>(*column).dictionary();
    // A known dictionary costs nothing, however large it is. With another type the schema would be
    // sent anew, and with it the receiver forgets its dictionaries.
    const bool same_type = schema != nullptr && schema->num_fields() > i &&
                           schema->field(i)->type()->Equals(*column->type());
    if (same_type && is_known(i, dictionary)) continue;
    if (worth_sending(*dictionary, batch->num_rows())) continue;
    const auto plain = TRY(arrow_try(arrow::compute::Cast(*column, logical_type(column->type()))));
    const auto field = batch->schema()->field(i)->WithType(plain->type());
    thin = TRY(arrow_try(thin->SetColumn(i, field, plain)));
  }
  return thin;
}

Result<DataFrame> ChannelEncoder::State::encode_one(const ArrowBatch& batch) {
  const auto options = write_options();
  capnp::MallocMessageBuilder message;
  auto body = begin(message).getItem().initBatch();
  body.setRows(static_cast<std::uint64_t>(batch->num_rows()));
  BodyWriter writer;
  const auto add = [&](schema::Section::Builder section, const arrow::ipc::IpcPayload& payload) {
    section.setMetadata(to_kj(*payload.metadata));
    section.setOffset(writer.size());
    for (const auto& buffer : payload.body_buffers) writer.add(buffer);
    section.setLength(writer.size() - section.getOffset());
  };

  const arrow::ipc::DictionaryFieldMapper mapper(*batch->schema());
  if (schema == nullptr || !schema->Equals(*batch->schema(), /*check_metadata=*/false)) {
    arrow::ipc::IpcPayload payload;
    TRY(arrow_try(arrow::ipc::GetSchemaPayload(*batch->schema(), options, mapper, &payload)));
    body.setSchema(to_kj(*payload.metadata));
    schema = batch->schema();
    dictionaries.clear();
  }

  // Dictionaries stand before the columns: the receiver needs them to read those.
  std::vector<std::pair<std::int64_t, std::shared_ptr<arrow::Array>>> news;
  for (int i = 0; i < batch->num_columns(); ++i) {
    const auto column = batch->column(i);
    if (column->type_id() != arrow::Type::DICTIONARY) continue;
    const auto& dictionary = static_cast<const arrow::DictionaryArray&>(*column).dictionary();
    if (is_known(i, dictionary)) continue;
    news.emplace_back(TRY(arrow_try(mapper.GetFieldId({i}))), dictionary);
    dictionaries[i] = dictionary;
  }
  auto sections = body.initDictionaries(static_cast<unsigned>(news.size()));
  for (unsigned i = 0; i < news.size(); ++i) {
    const auto& [id, values] = news[i];
    const auto rows =
        arrow::RecordBatch::Make(one_column(values->type()), values->length(), {values});
    arrow::ipc::IpcPayload payload;
    TRY(arrow_try(arrow::ipc::GetRecordBatchPayload(*rows, options, &payload)));
    sections[i].setDictionary(id);
    add(sections[i], payload);
  }

  arrow::ipc::IpcPayload payload;
  TRY(arrow_try(arrow::ipc::GetRecordBatchPayload(*batch, options, &payload)));
  add(body.initColumns(), payload);
  MessageParts parts = writer.finish();
  if (writer.size() > data_frame_bytes_max / 2) {
    return make_error(ErrorCode::unsupported,
                      "a row of {} bytes is too large to be sent to another node: at most {}",
                      writer.size(), data_frame_bytes_max / 2);
  }
  auto lengths = body.initParts(static_cast<unsigned>(parts.size()));
  for (unsigned i = 0; i < parts.size(); ++i) {
    lengths.set(i, static_cast<std::uint64_t>(parts[i]->size()));
  }
  return DataFrame::build(message, std::move(parts));
}

// --- Decoder ---------------------------------------------------------------------------------

struct ChannelDecoder::State {
  DataTokens expected;
  std::uint64_t seq = 0;
  bool broken = false;
  bool ended = false;
  std::shared_ptr<arrow::Schema> schema;
  std::unique_ptr<arrow::ipc::DictionaryMemo> memo;

  Result<StreamItem> decode(const DataFrame& frame);
  Result<> check(const DataFrame& frame) const;
  Result<Batch> decode_batch(const DataFrame& frame, schema::BatchBody::Reader body);
  Result<> learn_schema(capnp::Data::Reader bytes);
  Result<> learn_dictionary(schema::Section::Reader section, const MessageParts& parts);
  Result<ArrowBatch> read(schema::Section::Reader section, const MessageParts& parts,
                          const std::shared_ptr<arrow::Schema>& of,
                          const arrow::ipc::DictionaryMemo* dictionaries) const;
};

ChannelDecoder::ChannelDecoder(DataTokens expected) : state_(std::make_unique<State>()) {
  state_->expected = std::move(expected);
}
ChannelDecoder::~ChannelDecoder() = default;
ChannelDecoder::ChannelDecoder(ChannelDecoder&&) noexcept = default;
ChannelDecoder& ChannelDecoder::operator=(ChannelDecoder&&) noexcept = default;

Result<StreamItem> ChannelDecoder::decode(const DataFrame& frame) {
  if (state_->broken) {
    return make_error(ErrorCode::corrupt, "channel {} is broken: nothing more is accepted from it",
                      state_->expected.channel);
  }
  auto item = state_->decode(frame);
  if (item) return item;
  state_->broken = true;
  return item.error().within(fmt::format("channel {}: ", state_->expected.channel));
}

Result<> ChannelDecoder::State::check(const DataFrame& frame) const {
  if (frame.tokens() != expected) {
    return make_error(ErrorCode::corrupt, "a frame of another sender, receiver or attempt");
  }
  if (frame.seq() != seq + 1) {
    return make_error(ErrorCode::corrupt,
                      "frame {} came after frame {}: something was lost or repeated", frame.seq(),
                      seq);
  }
  if (ended) return make_error(ErrorCode::corrupt, "a frame after the end of the stream");
  return {};
}

Result<StreamItem> ChannelDecoder::State::decode(const DataFrame& frame) {
  TRY(check(frame));
  ++seq;
  try {
    const auto item = frame.header().getItem();
    switch (item.which()) {
      case schema::DataHeader::Item::BATCH:
        return StreamItem(TRY(decode_batch(frame, item.getBatch())));
      case schema::DataHeader::Item::WATERMARK:
        return StreamItem(Watermark{EventTime(EventTime::duration(item.getWatermark()))});
      case schema::DataHeader::Item::IDLE:
        return StreamItem(Watermark{EventTime(EventTime::duration(item.getIdle())), true});
      case schema::DataHeader::Item::BARRIER:
        return StreamItem(
            Barrier{Epoch(item.getBarrier().getEpoch()), Epoch(item.getBarrier().getPublished())});
      case schema::DataHeader::Item::END_OF_STREAM:
        ended = true;
        return StreamItem(EndOfStream{});
    }
    return make_error(ErrorCode::corrupt, "an item of an unknown kind");
  } catch (const kj::Exception& exception) {
    return make_error(ErrorCode::corrupt, "a header that does not decode: {}",
                      exception.getDescription().cStr());
  }
}

Result<Batch> ChannelDecoder::State::decode_batch(const DataFrame& frame,
                                                  schema::BatchBody::Reader body) {
  const MessageParts parts(frame.parts().begin() + 1, frame.parts().end());
  if (body.getSchema().size() > 0) TRY(learn_schema(body.getSchema()));
  if (schema == nullptr) return make_error(ErrorCode::corrupt, "rows before their schema");
  for (const auto section : body.getDictionaries()) TRY(learn_dictionary(section, parts));
  auto batch = TRY(read(body.getColumns(), parts, schema, memo.get()));
  if (static_cast<std::uint64_t>(batch->num_rows()) != body.getRows()) {
    return make_error(ErrorCode::corrupt, "{} rows instead of {}", batch->num_rows(),
                      body.getRows());
  }
  if (batch->num_rows() > batch_rows_max) {
    return make_error(ErrorCode::corrupt, "{} rows in one batch: at most {}", batch->num_rows(),
                      batch_rows_max);
  }
  // Reading checks sizes only. Offsets and indices in the columns come from the peer, and kernels
  // would follow them anywhere.
  const auto valid = batch->ValidateFull();
  if (!valid.ok()) return corrupt(valid);
  return Batch(std::move(batch));
}

Result<> ChannelDecoder::State::learn_schema(capnp::Data::Reader bytes) {
  auto message = arrow::ipc::Message::Open(to_buffer(bytes), nullptr);
  if (!message.ok()) return corrupt(message.status());
  // `ReadSchema` takes a message of any kind for a schema.
  if ((*message)->type() != arrow::ipc::MessageType::SCHEMA) {
    return make_error(ErrorCode::corrupt, "a schema that is none");
  }
  auto fresh = std::make_unique<arrow::ipc::DictionaryMemo>();
  auto read = arrow::ipc::ReadSchema(**message, fresh.get());
  if (!read.ok()) return corrupt(read.status());
  if (!(*read)->is_native_endian()) {
    return make_error(ErrorCode::unsupported, "columns of the other byte order");
  }
  schema = *std::move(read);
  memo = std::move(fresh);
  return {};
}

Result<> ChannelDecoder::State::learn_dictionary(schema::Section::Reader section,
                                                 const MessageParts& parts) {
  auto type = memo->GetDictionaryType(section.getDictionary());
  if (!type.ok()) return corrupt(type.status());
  const auto values = TRY(read(section, parts, one_column(*type), nullptr));
  const auto valid = values->ValidateFull();
  if (!valid.ok()) return corrupt(valid);
  auto added = memo->AddOrReplaceDictionary(section.getDictionary(), values->column(0)->data());
  if (!added.ok()) return corrupt(added.status());
  return {};
}

Result<ArrowBatch> ChannelDecoder::State::read(
    schema::Section::Reader section, const MessageParts& parts,
    const std::shared_ptr<arrow::Schema>& of,
    const arrow::ipc::DictionaryMemo* dictionaries) const {
  const auto metadata = to_buffer(section.getMetadata());
  // `Open` verifies the offsets within the metadata; `ReadRecordBatch` below trusts them.
  auto message = arrow::ipc::Message::Open(metadata, nullptr);
  if (!message.ok()) return corrupt(message.status());
  if ((*message)->type() != arrow::ipc::MessageType::RECORD_BATCH) {
    return make_error(ErrorCode::corrupt, "a section that holds no rows");
  }
  const auto file = TRY(BodyReader::open(parts, section.getOffset(), section.getLength()));
  arrow::ipc::DictionaryMemo none;
  auto batch = arrow::ipc::ReadRecordBatch(
      *metadata, of, dictionaries == nullptr ? &none : dictionaries, read_options(), file.get());
  if (!batch.ok()) return corrupt(batch.status());
  return *std::move(batch);
}

}  // namespace troupe
