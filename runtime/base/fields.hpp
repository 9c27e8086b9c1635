#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace troupe {

/// Whether a field must be there when a struct is read from JSON.
enum class Presence {
  required,
  added,     ///< always written, but not by nodes of an earlier version
  optional,  ///< an argument with a default; answers leave it out if it is empty
};

/// A struct's description of one of its members. Encoding, decoding, printing, JSON and the API's
/// contract are made from the list of these. Names are a contract: fields are only added.
///
///     struct TaskPeer {
///       TaskId task;
///       NodeId node;
///       static constexpr auto fields() {
///         return std::tuple{field("task", &TaskPeer::task), field("node", &TaskPeer::node)};
///       }
///     };
///
/// If the list forgets a member, its users do not compile (`is_complete`). Members that are left
/// out on purpose are counted: `static constexpr std::size_t fields_left_out = 1;`.
template <class Owner, class Value, bool is_spread = false>
struct Field {
  const char* name;
  Value Owner::*member;
  Presence presence = Presence::required;
  const char* meaning = "";  ///< explains an argument of a request to clients
  /// If true, the member's own fields stand among those of its owner; `name` is for people only.
  static constexpr bool spread = is_spread;
};

template <class Owner, class Value>
constexpr Field<Owner, Value> field(const char* name, Value Owner::*member,
                                    Presence presence = Presence::required,
                                    const char* meaning = "") {
  return {name, member, presence, meaning};
}
template <class Owner, class Value>
constexpr Field<Owner, Value, true> spread_field(const char* name, Value Owner::*member) {
  return {name, member};
}

/// The list of a struct. Specialised for structs whose own room need not know that they travel.
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

/// The number of members of an aggregate: it can be made from so many values, not from one more.
template <class T, std::size_t n = 0>
consteval std::size_t member_count() {
  if constexpr (fields_detail::takes<T>(std::make_index_sequence<n + 1>())) {
    return member_count<T, n + 1>();
  } else {
    return n;
  }
}

template <class T>
consteval std::size_t fields_left_out() {
  if constexpr (requires { T::fields_left_out; }) return T::fields_left_out;
  return 0;
}

/// True if the list has every member but `others`, the number of members that are left out.
template <Described T, std::size_t others = fields_left_out<T>()>
inline constexpr bool is_complete = member_count<T>() == field_count<T> + others;

/// Calls `use(name, value, presence, meaning)` for each field of a value, also for those of its
/// spread members. `View` is a described struct, const to read it or not const to fill it.
template <class View, class Use>
requires Described<std::remove_const_t<View>>
void each_value(View& view, Use&& use) {
  using T = std::remove_const_t<View>;
  static_assert(is_complete<T>, "the list of fields forgets a member");
  for_each_field<T>([&](const auto& each) {
    if constexpr (each.spread) {
      each_value(view.*each.member, use);
    } else {
      use(each.name, view.*each.member, each.presence, each.meaning);
    }
  });
}

}  // namespace troupe
