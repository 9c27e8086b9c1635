#pragma once

#include <concepts>
#include <string>
#include <type_traits>

namespace troupe {

// How a struct of this room tells what it consists of: a function of its fields, once, beside the
// struct. Reading and writing JSON, the checks of arguments and the contract are made of it.
//
//     void each_field(auto& field, Is<EventView> auto& event) {
//       field("sequence", event.sequence);
//       field("run", event.run, Presence::optional);
//     }
//
// `field` is called with the name in JSON, the place, whether it must be there, and for arguments
// of requests what they mean. Names are a contract; fields are only added.

/// `View` is T or const T: one list of fields serves who reads and who writes.
template <class View, class T>
concept Is = std::same_as<std::remove_const_t<View>, T>;

enum class Presence {
  required,
  added,     ///< always written; nodes of an earlier version do not
  optional,  ///< an argument with a default; in answers left out where it is empty
};

/// Bytes that are no text: in JSON as base64.
template <class Bytes>
struct Base64 {
  Bytes& bytes;
};
template <class Bytes>
Base64(Bytes&) -> Base64<Bytes>;

/// An enum that is a word in JSON, the one that its `to_string` has. A specialisation derives from
/// `WordsTo`, with the last value (the first is 0), and says what the enum is (`noun`).
template <class E>
struct Words;
template <auto last_value>
struct WordsTo {
  static constexpr auto last = last_value;
  static const char* text(decltype(last_value) value) { return to_string(value); }
};

template <class T>
concept Worded = std::is_enum_v<T> && requires(T value) {
  { Words<T>::text(value) } -> std::convertible_to<const char*>;
};

/// Calls `each` with every value of an enum, in order.
template <Worded E, class Each>
void each_word(Each each) {
  const auto last = static_cast<int>(Words<E>::last);
  for (int value = 0; value <= last; ++value) each(static_cast<E>(value));
}

}  // namespace troupe
