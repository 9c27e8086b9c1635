#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// One input; must return whatever the bytes are. The signature is libFuzzer's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace troupe {

/// What a target returns of an input that it has refused, as libFuzzer has it; 0 of any other.
inline constexpr int fuzz_refused = -1;

/// Sound inputs of this target, to be mutated.
std::vector<std::string> fuzz_corpus();

}  // namespace troupe
