#pragma once

#include <string>

namespace troupe {

/// The same text, with "\xE9" for each byte that no terminal and no JSON can show: bytes that are
/// not UTF-8, and control characters except tabs and line breaks. Needed because messages quote
/// files, and files hold anything. `Error::within` and `Error::at`, by which errors are passed on,
/// call it; so must code that makes an error from a library's message.
std::string readable(std::string text);

}  // namespace troupe
