// What a channel carries between two nodes arrives as it was, or breaks the channel. Shown by round
// trips of every kind of column, and by damaging frames at every byte.
#include "runtime/wire/batch_codec.hpp"

#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data_tokens.hpp"

#include <arrow/api.h>
#include <arrow/util/byte_size.h>

using namespace troupe;

namespace {

/// As the bytes would arrive: each part in memory of its own, at an odd address.
DataFrame travelled(const DataFrame& frame) {
  MessageParts parts;
  for (const auto& part : frame.parts()) {
    auto moved = arrow::Buffer::FromString(" " + part->ToString());
    parts.push_back(arrow::SliceBuffer(moved, 1));
  }
  return DataFrame::decode(std::move(parts)).value();
}

std::shared_ptr<arrow::Array> strings(const std::vector<std::string>& values) {
  arrow::StringBuilder builder;
  (void)builder.AppendValues(values);
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> integers(int count, int step = 1) {
  arrow::Int64Builder builder;
  for (int i = 0; i < count; ++i)
    (void)(i % 7 == 3 ? builder.AppendNull() : builder.Append(i * step));
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> coded(const std::shared_ptr<arrow::Array>& dictionary, int count) {
  arrow::Int32Builder indices;
  for (int i = 0; i < count; ++i) {
    (void)(i % 5 == 4 ? indices.AppendNull()
                      : indices.Append(static_cast<std::int32_t>(i % dictionary->length())));
  }
  return arrow::DictionaryArray::FromArrays(indices.Finish().ValueOrDie(), dictionary).ValueOrDie();
}

Batch batch_of(const std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [name, array] : columns) {
    fields.push_back(arrow::field(name, array->type()));
    arrays.push_back(array);
  }
  return Batch(arrow::RecordBatch::Make(arrow::schema(fields), arrays[0]->length(), arrays));
}

/// A channel between two nodes without the network.
struct Pipe {
  ChannelEncoder encoder{some_tokens()};
  ChannelDecoder decoder{some_tokens()};
  std::size_t last_bytes = 0;

  Batch carry(const Batch& batch) {
    const auto frames = encoder.encode(batch).value();
    arrow::RecordBatchVector pieces;
    last_bytes = 0;
    for (const auto& frame : frames) {
      last_bytes += frame.bytes();
      pieces.push_back(std::get<Batch>(decoder.decode(travelled(frame)).value()).columns());
    }
    if (pieces.size() == 1) return Batch(pieces[0]);
    return Batch(arrow::ConcatenateRecordBatches(pieces).ValueOrDie());
  }
};

bool same(const Batch& a, const Batch& b) { return a.columns()->Equals(*b.columns()); }

std::vector<std::string> words(int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) texts.push_back("word number " + std::to_string(i));
  return texts;
}

}  // namespace

TEST_CASE("every kind of column arrives as it was") {
  arrow::BooleanBuilder booleans;
  arrow::Decimal128Builder decimals(arrow::decimal128(20, 2));
  arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::MICRO),
                                arrow::default_memory_pool());
  for (int i = 0; i < 100; ++i) {
    (void)booleans.Append(i % 3 == 0);
    (void)decimals.Append(arrow::Decimal128(i * 101));
    (void)times.Append(i * 1'000'000);
  }
  const Batch batch = batch_of({{"i", integers(100)},
                                {"s", strings(words(100))},
                                {"b", booleans.Finish().ValueOrDie()},
                                {"d", decimals.Finish().ValueOrDie()},
                                {"t", times.Finish().ValueOrDie()},
                                {"c", coded(strings({"AA", "UA", "DL"}), 100)}});
  Pipe pipe;
  CHECK(same(pipe.carry(batch), batch));
}

TEST_CASE("slices and batches without rows arrive as they were") {
  const Batch whole = batch_of({{"i", integers(1000)}, {"s", strings(words(1000))}});
  Pipe pipe;
  for (const auto& [offset, length] : {std::pair{13, 700}, {0, 0}, {999, 1}, {8, 8}}) {
    const Batch slice(whole.columns()->Slice(offset, length));
    CHECK(same(pipe.carry(slice), slice));
  }
}

TEST_CASE("a small slice of a large batch costs little") {
  const Batch whole = batch_of({{"i", integers(60000)}, {"s", strings(words(60000))}});
  Pipe pipe;
  pipe.carry(Batch(whole.columns()->Slice(30000, 10)));
  CHECK(pipe.last_bytes < 4000);
}

TEST_CASE("large buffers are sent where they are") {
  const Batch batch = batch_of({{"i", integers(60000)}});
  ChannelEncoder encoder(some_tokens());
  const auto frames = encoder.encode(batch).value();
  const auto& values = batch.columns()->column_data(0)->buffers[1];
  const auto& parts = frames.at(0).parts();
  CHECK(std::ranges::any_of(parts, [&](const auto& part) {
    return part->data() == values->data() && part->size() > zero_copy_bytes_min;
  }));
}

TEST_CASE("the schema travels with the first batch and when it changes") {
  Pipe pipe;
  const Batch numbers = batch_of({{"i", integers(10)}});
  const Batch texts = batch_of({{"s", strings({"x"})}});
  pipe.carry(numbers);
  const auto first = pipe.last_bytes;
  pipe.carry(numbers);
  CHECK(pipe.last_bytes < first);
  CHECK(same(pipe.carry(texts), texts));
  CHECK(same(pipe.carry(numbers), numbers));
}

TEST_CASE("a dictionary travels once, and stays one dictionary at the receiver") {
  Pipe pipe;
  const auto dictionary = strings(words(500));
  const Batch first = batch_of({{"c", coded(dictionary, 2000)}});
  const Batch second = batch_of({{"c", coded(dictionary, 1000)}});
  const Batch a = pipe.carry(first);
  const auto with_dictionary = pipe.last_bytes;
  const Batch b = pipe.carry(second);
  CHECK(same(a, first));
  CHECK(same(b, second));
  CHECK(pipe.last_bytes + 5000 < with_dictionary);
  const auto& x = static_cast<const arrow::DictionaryArray&>(*a.columns()->column(0)).dictionary();
  const auto& y = static_cast<const arrow::DictionaryArray&>(*b.columns()->column(0)).dictionary();
  CHECK(x->data()->buffers[2] == y->data()->buffers[2]);
}

TEST_CASE("a changed dictionary replaces the one before") {
  Pipe pipe;
  for (int round = 0; round < 4; ++round) {
    const auto dictionary = strings({"a" + std::to_string(round), "b", "c"});
    const Batch batch = batch_of({{"c", coded(dictionary, 20)}});
    CHECK(same(pipe.carry(batch), batch));
  }
}

TEST_CASE("a few rows of a huge dictionary travel as plain text") {
  Pipe pipe;
  const auto dictionary = strings(words(50000));
  const Batch thin(batch_of({{"c", coded(dictionary, 50000)}}).columns()->Slice(100, 10));
  const Batch arrived = pipe.carry(thin);
  CHECK(pipe.last_bytes < 4000);
  CHECK(arrived.columns()->column(0)->type_id() == arrow::Type::STRING);
  const auto& texts = static_cast<const arrow::StringArray&>(*arrived.columns()->column(0));
  CHECK(texts.GetString(0) == "word number 100");
  CHECK(texts.IsNull(4));
  // And a thick batch after it brings the dictionary after all.
  const Batch thick = batch_of({{"c", coded(dictionary, 60000)}});
  CHECK(same(pipe.carry(thick), thick));
}

TEST_CASE("a batch beyond the limit is cut and arrives whole") {
  std::vector<std::string> long_texts;
  for (int i = 0; i < 40; ++i)
    long_texts.push_back(std::string(1 << 20, static_cast<char>('a' + i % 26)));
  const Batch batch = batch_of({{"s", strings(long_texts)}});
  ChannelEncoder encoder(some_tokens());
  CHECK(encoder.encode(batch).value().size() > 2);
  Pipe pipe;
  CHECK(same(pipe.carry(batch), batch));
}

TEST_CASE("marks pass between rows") {
  ChannelEncoder encoder(some_tokens());
  ChannelDecoder decoder(some_tokens());
  const auto carry = [&](const StreamItem& item) {
    return decoder.decode(travelled(encoder.encode(item).value().at(0))).value();
  };
  const EventTime time(1234567us);
  CHECK(std::get<Watermark>(carry(Watermark{time})) == Watermark{time});
  CHECK(std::get<Watermark>(carry(Watermark{time, true})) == Watermark{time, true});
  const Barrier barrier{Epoch(9), Epoch(7)};
  CHECK(std::get<Barrier>(carry(barrier)) == barrier);
  CHECK(std::holds_alternative<EndOfStream>(carry(EndOfStream{})));
}

TEST_CASE("a gap, a repetition and a word after the end break the channel for good") {
  const Batch batch = batch_of({{"i", integers(10)}});
  ChannelEncoder encoder(some_tokens());
  const auto first = encoder.encode(batch).value().at(0);
  const auto second = encoder.encode(batch).value().at(0);
  const auto end = encoder.encode(EndOfStream{}).value().at(0);
  const auto after = encoder.encode(Watermark{}).value().at(0);
  {
    ChannelDecoder decoder(some_tokens());
    CHECK(decoder.decode(second).error().code == ErrorCode::corrupt);
    CHECK_FALSE(decoder.decode(first));  // broken stays broken
  }
  {
    ChannelDecoder decoder(some_tokens());
    REQUIRE(decoder.decode(first));
    CHECK(decoder.decode(first).error().code == ErrorCode::corrupt);
  }
  {
    ChannelDecoder decoder(some_tokens());
    REQUIRE(decoder.decode(first));
    REQUIRE(decoder.decode(second));
    REQUIRE(decoder.decode(end));
    CHECK(decoder.decode(after).error().code == ErrorCode::corrupt);
  }
}

TEST_CASE("a frame of another attempt, run or incarnation is refused") {
  const Batch batch = batch_of({{"i", integers(10)}});
  const auto refused = [&](auto change) {
    DataTokens tokens = some_tokens();
    change(tokens);
    ChannelEncoder encoder(tokens);
    ChannelDecoder decoder(some_tokens());
    return !decoder.decode(encoder.encode(batch).value().at(0)).ok();
  };
  CHECK(refused([](DataTokens& t) { t.sender_attempt = Attempt(4); }));
  CHECK(refused([](DataTokens& t) { t.receiver_attempt = Attempt(7); }));
  CHECK(refused([](DataTokens& t) { t.run = RunId(1); }));
  CHECK(refused([](DataTokens& t) { t.channel = ChannelId(1); }));
  CHECK(refused([](DataTokens& t) { t.sender_incarnation = Incarnation(9); }));
  CHECK(refused([](DataTokens& t) { t.receiver_incarnation = Incarnation(9); }));
  CHECK_FALSE(refused([](DataTokens&) {}));
}

TEST_CASE("missing, surplus and resized parts are refused") {
  const Batch batch = batch_of({{"i", integers(20000)}, {"s", strings(words(20000))}});
  ChannelEncoder encoder(some_tokens());
  const auto parts = encoder.encode(batch).value().at(0).parts();
  REQUIRE(parts.size() > 2);
  MessageParts missing(parts.begin(), parts.end() - 1);
  CHECK_FALSE(DataFrame::decode(missing));
  MessageParts surplus = parts;
  surplus.push_back(parts.back());
  CHECK_FALSE(DataFrame::decode(surplus));
  MessageParts resized = parts;
  resized.back() = arrow::SliceBuffer(resized.back(), 0, resized.back()->size() - 8);
  CHECK_FALSE(DataFrame::decode(resized));
  CHECK_FALSE(DataFrame::decode({}));
}

TEST_CASE("other bytes where the schema belongs are refused") {
  // Arrow would read a record batch's metadata as a schema and run out of it.
  const Batch batch = batch_of({{"i", integers(10)}});
  ChannelEncoder encoder(some_tokens());
  const auto frame = encoder.encode(batch).value().at(0);
  capnp::MallocMessageBuilder message;
  message.setRoot(frame.header());
  auto body = message.getRoot<schema::DataHeader>().getItem().getBatch();
  body.setSchema(body.getColumns().getMetadata());
  ChannelDecoder decoder(some_tokens());
  const auto item =
      decoder.decode(DataFrame::build(message, {frame.parts().begin() + 1, frame.parts().end()}));
  REQUIRE_FALSE(item);
  CHECK(item.error().code == ErrorCode::corrupt);
}

TEST_CASE("no flipped bit of a data frame can do harm") {
  const Batch batch = batch_of({{"i", integers(40)},
                                {"s", strings(words(40))},
                                {"c", coded(strings({"AA", "UA", "DL"}), 40)}});
  ChannelEncoder encoder(some_tokens());
  const auto good = encoder.encode(batch).value().at(0).parts();
  int refused = 0;
  int different = 0;
  for (std::size_t part = 0; part < good.size(); ++part) {
    for (std::int64_t byte = 0; byte < good[part]->size(); ++byte) {
      std::string bytes = good[part]->ToString();
      bytes[static_cast<std::size_t>(byte)] ^= static_cast<char>(1 << (byte % 8));
      MessageParts bad = good;
      bad[part] = arrow::Buffer::FromString(std::move(bytes));
      const auto frame = DataFrame::decode(std::move(bad));
      ChannelDecoder decoder(some_tokens());
      const auto item = frame ? decoder.decode(*frame) : Result<StreamItem>(frame.error());
      if (!item) {
        ++refused;
        continue;
      }
      if (const auto* rows = std::get_if<Batch>(&*item)) {
        REQUIRE(rows->columns()->ValidateFull().ok());
        different += !same(*rows, batch);
        (void)rows->columns()->ToString();  // reads every value
      }
    }
  }
  CHECK(refused > 300);
  CHECK(different > 100);  // values have no checksum: that is the transport's part
}
