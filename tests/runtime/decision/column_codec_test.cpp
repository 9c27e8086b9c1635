// Every column of a row comes back as it was written, whatever is in it.
#include "runtime/decision/column_codec.hpp"

#include "tests/runtime/protocol/filler.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

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
    Manifest manifest;
    std::vector<Committable> staged;
    filler.fill(splits);
    filler.fill(outputs);
    filler.fill(manifest.sinks);
    filler.fill(manifest.tasks);
    filler.fill(staged);
    CHECK(decode_splits(encode_splits(splits)).value() == splits);
    CHECK(decode_outputs(encode_outputs(outputs)).value() == outputs);
    CHECK(decode_manifest(encode_manifest(manifest)).value() == manifest);
    CHECK(decode_committables(encode_committables(staged)).value() == staged);
    refused += !decode_splits(damaged(encode_splits(splits)));
    refused += !decode_outputs(damaged(encode_outputs(outputs)));
    refused += !decode_manifest(damaged(encode_manifest(manifest)));
    refused += !decode_committables(damaged(encode_committables(staged)));
  }
  CHECK(refused > 200);
}
