#include "runtime/base/near.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace troupe {

namespace {

/// Longer words are not compared: the cost is quadratic, and nobody mistypes a paragraph.
constexpr std::size_t word_bytes_max = 128;

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

std::string lowered(std::string_view word) {
  std::string result(word);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

/// Damerau's distance with adjacent swaps, by three rows of the usual table.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > word_bytes_max) return "";
  const std::string wanted = lowered(word);
  std::size_t limit = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::string best;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > word_bytes_max) continue;
    const std::size_t far = distance(wanted, lowered(candidate));
    if (far >= limit || far >= candidate.size()) continue;
    limit = far;
    best = candidate;
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? "" : fmt::format("did you mean '{}'?", near);
}

Error unknown_column(std::string message, std::string_view name,
                     const std::vector<std::string>& columns) {
  Error error{ErrorCode::invalid_argument, std::move(message), did_you_mean(name, columns)};
  error.reason = ErrorReason::unknown_column;
  return error;
}

}  // namespace troupe
