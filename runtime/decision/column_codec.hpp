#pragma once

#include "runtime/decision/records.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What is kept inside one column of a row of the metadata, as bytes and back. The bytes are our
/// own, but a disk may have changed them: what does not decode is `corrupt`, never a crash.

std::string encode_splits(const Splits& splits);
Result<Splits> decode_splits(std::string_view bytes);
std::string encode_outputs(const std::vector<OutputSummary>& outputs);
Result<std::vector<OutputSummary>> decode_outputs(std::string_view bytes);
std::string encode_manifest(const Manifest& manifest);
Result<Manifest> decode_manifest(std::string_view bytes);
std::string encode_committables(const std::vector<Committable>& committables);
Result<std::vector<Committable>> decode_committables(std::string_view bytes);

}  // namespace troupe
