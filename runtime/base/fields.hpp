#pragma once

#include <cstddef>
#include <string_view>
#include <tuple>
#include <utility>

namespace troupe {

/// What a struct says of its own members, once; encoding, decoding and printing are made of it.
///
///     struct TaskPeer {
///       TaskId task;
///       NodeId node;
///       static constexpr auto fields() {
///         return std::tuple{field("task", &TaskPeer::task), field("node", &TaskPeer::node)};
///       }
///     };
///
/// A member that the list forgets does not compile where the list is used (`is_complete`).
template <class Owner, class Value>
struct Field {
  std::string_view name;
  Value Owner::*member;
};

template <class Owner, class Value>
constexpr Field<Owner, Value> field(std::string_view name, Value Owner::*member) {
  return {name, member};
}

/// The list of a struct. Specialised for structs of rooms that need not know that they travel.
template <class T>
struct FieldsOf {
  static constexpr auto list() requires requires { T::fields(); }
  { return T::fields(); }
};

template <class T>
concept Described = requires {
  FieldsOf<T>::list();
};

template <Described T>
inline constexpr std::size_t field_count = std::tuple_size_v<decltype(FieldsOf<T>::list())>;

/// Calls `use(field)` for each field, in order.
template <Described T, class Use>
constexpr void for_each_field(Use&& use) {
  std::apply([&](const auto&... each) { (use(each), ...); }, FieldsOf<T>::list());
}

namespace fields_detail {

struct Anything {
  template <class T>
  operator T() const;
};

template <class T, std::size_t... i>
consteval bool takes(std::index_sequence<i...>) {
  return requires { T{(static_cast<void>(i), Anything())...}; };
}

}  // namespace fields_detail

/// How many members an aggregate has: it can be made from so many values, and not from one more.
template <class T, std::size_t n = 0>
consteval std::size_t member_count() {
  if constexpr (fields_detail::takes<T>(std::make_index_sequence<n + 1>())) {
    return member_count<T, n + 1>();
  } else {
    return n;
  }
}

/// True where every member is in the list, but for `others` that travel by other ways.
template <Described T, std::size_t others = 0>
inline constexpr bool is_complete = member_count<T>() == field_count<T> + others;

}  // namespace troupe
