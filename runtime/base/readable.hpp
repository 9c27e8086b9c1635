#pragma once

#include <string>

namespace troupe {

/// The same text, with "\xE9" for each byte that no terminal and no JSON can show: what is no
/// UTF-8, and control characters beside tabs and line breaks. Messages quote what stands in files,
/// and files hold anything. Whoever passes an error on does so by `Error::within` or `Error::at`,
/// which make it readable; so do those who make errors out of what a library says.
std::string readable(std::string text);

}  // namespace troupe
