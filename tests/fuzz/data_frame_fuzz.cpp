// Any message parts are refused as a data frame, break their channel, or give rows that are sound.
// An input is the parts one after the other, each behind its length in 4 bytes.
#include "runtime/base/ensure.hpp"
#include "runtime/wire/batch_codec.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/support/data_tokens.hpp"

#include <arrow/api.h>

#include <cstring>

using namespace troupe;

namespace {

std::string joined(const DataFrame& frame) {
  std::string bytes;
  for (const auto& part : frame.parts()) {
    const auto size = static_cast<std::uint32_t>(part->size());
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
    bytes += part->ToString();
  }
  return bytes;
}

MessageParts split(const std::uint8_t* bytes, std::size_t size) {
  MessageParts parts;
  while (size >= sizeof(std::uint32_t)) {
    std::uint32_t length = 0;
    std::memcpy(&length, bytes, sizeof length);
    bytes += sizeof length;
    size -= sizeof length;
    const std::size_t taken = std::min<std::size_t>(length, size);
    parts.push_back(arrow::Buffer::FromString({reinterpret_cast<const char*>(bytes), taken}));
    bytes += taken;
    size -= taken;
  }
  return parts;
}

Batch some_rows() {
  arrow::Int64Builder numbers;
  arrow::StringBuilder texts;
  arrow::Int32Builder indices;
  arrow::StringBuilder words;
  (void)words.AppendValues({"AA", "UA", "DL"});
  for (int i = 0; i < 20; ++i) {
    (void)numbers.Append(i);
    (void)(i % 4 == 1 ? texts.AppendNull() : texts.Append("text " + std::to_string(i)));
    (void)indices.Append(i % 3);
  }
  const auto coded =
      arrow::DictionaryArray::FromArrays(indices.Finish().ValueOrDie(), words.Finish().ValueOrDie())
          .ValueOrDie();
  return Batch(arrow::RecordBatch::Make(
      arrow::schema({arrow::field("i", arrow::int64()), arrow::field("s", arrow::utf8()),
                     arrow::field("c", coded->type())}),
      20, {numbers.Finish().ValueOrDie(), texts.Finish().ValueOrDie(), coded}));
}

}  // namespace

std::vector<std::string> troupe::fuzz_corpus() {
  std::vector<std::string> inputs;
  for (const StreamItem& item : {StreamItem(some_rows()), StreamItem(Watermark{EventTime(5us)}),
                                 StreamItem(EndOfStream{})}) {
    ChannelEncoder encoder(some_tokens());
    inputs.push_back(joined(encoder.encode(item).value().at(0)));
  }
  return inputs;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto frame = DataFrame::decode(split(bytes, size));
  if (!frame) return 0;
  ChannelDecoder decoder(some_tokens());
  const auto item = decoder.decode(*frame);
  if (!item) {
    ENSURE(!decoder.decode(*frame), "a broken channel goes on");
    return 0;
  }
  if (const auto* rows = std::get_if<Batch>(&*item)) {
    ENSURE(rows->columns()->ValidateFull().ok(), "rows that are not sound were accepted");
    (void)rows->columns()->ToString();  // reads every value
  }
  return 0;
}
