#pragma once

#include <optional>
#include <string_view>

namespace troupe {

/// An enum's description of itself, for code that reads it from bytes, JSON or a database. The
/// first enumerator is 0, and no number is left out.
///
///     template <>
///     struct EnumOf<EpochState> {
///       static constexpr auto last = EpochState::aborted;
///       static constexpr const char* noun = "state of an epoch";
///     };
///
/// `noun` is its name for people; it is set if the enum is read from the words of its `to_string`.
/// `unknown` stands for a number that a newer node may have sent: the least trusting enumerator.
template <class E>
struct EnumOf;

template <class E>
concept Enumerated = requires {
  EnumOf<E>::last;
};
/// Has words, which people and other programs read.
template <class E>
concept Worded = Enumerated<E> && requires {
  EnumOf<E>::noun;
};

/// Calls `each` with every enumerator, in order.
template <Enumerated E, class Each>
void each_enumerator(Each each) {
  const auto last = static_cast<int>(EnumOf<E>::last);
  for (int value = 0; value <= last; ++value) each(static_cast<E>(value));
}

/// The enumerator whose `to_string` is `word`, if there is one.
template <Worded E>
std::optional<E> enumerator_of(std::string_view word) {
  std::optional<E> found;
  each_enumerator<E>([&](E one) {
    if (word == to_string(one)) found = one;
  });
  return found;
}

}  // namespace troupe
