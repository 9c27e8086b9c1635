#pragma once

#include "runtime/protocol/foreign_fields.hpp"

#include <capnp/dynamic.h>

#include <array>
#include <concepts>
#include <optional>
#include <string>
#include <vector>

namespace troupe::struct_codec {

/// Writes a struct that lists its fields into a Cap'n Proto struct with fields of the same names,
/// and reads it back. `rows_in` is `rowsIn` there; a duration `busy` is `busyNanos`.
/// Both throw `kj::Exception` if the schema or the bytes have another shape.

template <class Id>
concept Identity = requires(const Id& id) {
  id.value();
};

/// "rows_in" -> "rowsIn"
std::string schema_name(std::string_view name, std::string_view unit);
template <class V>
constexpr std::string_view unit_of = std::is_same_v<V, Duration> ? "Nanos" : "";

/// The schema's names of all fields of a struct, made once.
template <Described T>
const std::array<std::string, field_count<T>>& schema_names() {
  static const auto names = std::apply(
      [](const auto&... each) {
        [[maybe_unused]] const auto name =
            []<class V, bool spread>(const Field<T, V, spread>& one) {
              return schema_name(one.name, unit_of<V>);
            };
        return std::array<std::string, field_count<T>>{name(each)...};
      },
      FieldsOf<T>::list());
  return names;
}

/// The number of members that need not be in the list: a message's members that travel in the
/// envelope, and those that a struct leaves out on purpose.
template <Described T>
consteval std::size_t unlisted_members() {
  if constexpr (requires { typename T::Schema; }) {
    return std::size_t{CarriesToken<T>} + CarriesCluster<T> + CarriesTerm<T>;
  }
  return fields_left_out<T>();
}

/// The fields of a struct, found in one schema by their names; none for a spread field.
template <Described T>
struct Found {
  explicit Found(capnp::StructSchema in) : schema(in) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      KJ_IF_MAYBE (field, in.findFieldByName(schema_names<T>()[i])) fields[i] = *field;
    }
  }
  capnp::StructSchema::Field at(std::size_t i) const {
    if (fields[i]) return *fields[i];
    return schema.getFieldByName(schema_names<T>()[i]);  // which says what is missing
  }

  const capnp::StructSchema schema;
  std::array<std::optional<capnp::StructSchema::Field>, field_count<T>> fields;
};

/// Calls `use(Found)`. Fields are looked up once, for the first schema of a struct, which as a rule
/// is its only one: with a look-up each time, a deployment with 48 peers took 65 us to encode
/// instead of 27.
template <Described T, class Use>
void with_fields(capnp::StructSchema schema, Use&& use) {
  static const Found<T> first(schema);
  if (first.schema == schema) return use(first);
  use(Found<T>(schema));
}

/// Calls `use(field, place)` for each field of a struct and its place in the schema, and `spread`
/// for one whose own fields stand there.
template <Described T, class Use, class Spread>
void each_found(capnp::StructSchema schema, Use&& use, Spread&& spread) {
  with_fields<T>(schema, [&](const Found<T>& found) {
    std::size_t i = 0;
    for_each_field<T>([&](const auto& each) {
      const std::size_t at = i++;
      if constexpr (each.spread) {
        spread(each);
      } else {
        use(each, found.at(at));
      }
    });
  });
}

// ---- writing ---------------------------------------------------------------------------------

/// A plain value in the form that Cap'n Proto takes.
template <std::integral V>
V plain(V value, capnp::Type) {
  return value;
}
inline std::int64_t plain(Duration value, capnp::Type) { return value.count(); }
inline capnp::DynamicValue::Reader plain(const std::string& value, capnp::Type type) {
  if (type.isText()) return capnp::Text::Reader(value.c_str(), value.size());
  return capnp::Data::Reader(reinterpret_cast<const kj::byte*>(value.data()), value.size());
}
template <Identity Id>
auto plain(const Id& id, capnp::Type type) {
  return plain(id.value(), type);
}
template <class E>
requires std::is_enum_v<E> capnp::DynamicValue::Reader plain(E value, capnp::Type type) {
  const auto number = static_cast<std::uint16_t>(value);
  if (type.isEnum()) return capnp::DynamicEnum(type.asEnum(), number);
  return number;
}

template <Described T>
void write(capnp::DynamicStruct::Builder out, const T& value);

template <class V>
void write_items(capnp::DynamicList::Builder out, const std::vector<V>& values) {
  const capnp::Type type = out.getSchema().getElementType();
  for (unsigned i = 0; i < out.size(); ++i) {
    if constexpr (Described<V>) {
      write(out[i].template as<capnp::DynamicStruct>(), values[i]);
    } else {
      out.set(i, plain(values[i], type));
    }
  }
}

template <class V>
void write_field(capnp::DynamicStruct::Builder out, capnp::StructSchema::Field to, const V& value) {
  if constexpr (Described<V>) {
    write(out.init(to).template as<capnp::DynamicStruct>(), value);
  } else {
    out.set(to, plain(value, to.getType()));
  }
}
template <class V>
void write_field(capnp::DynamicStruct::Builder out, capnp::StructSchema::Field to,
                 const std::vector<V>& values) {
  const auto size = static_cast<unsigned>(values.size());
  write_items(out.init(to, size).template as<capnp::DynamicList>(), values);
}
inline void write_field(capnp::DynamicStruct::Builder out, capnp::StructSchema::Field to,
                        const std::shared_ptr<const std::string>& value) {
  if (value) write_field(out, to, *value);
}

template <Described T>
void write(capnp::DynamicStruct::Builder out, const T& value) {
  static_assert(is_complete<T, unlisted_members<T>()>, "the list of fields forgets a member");
  each_found<T>(
      out.getSchema(),
      [&](const auto& each, capnp::StructSchema::Field to) {
        write_field(out, to, value.*each.member);
      },
      [&](const auto& each) { write(out, value.*each.member); });
}

// ---- reading ---------------------------------------------------------------------------------

template <class V>
void read_value(const capnp::DynamicValue::Reader& in, capnp::Type type, V& value);
inline void read_value(const capnp::DynamicValue::Reader& in, capnp::Type type, std::string& value);

template <Described T>
void read(capnp::DynamicStruct::Reader in, T& value);

template <class V>
void read_value(const capnp::DynamicValue::Reader& in, capnp::Type type, std::vector<V>& values) {
  const auto list = in.as<capnp::DynamicList>();
  const capnp::Type element = type.asList().getElementType();
  values.clear();
  values.reserve(list.size());
  for (const auto item : list) read_value(item, element, values.emplace_back());
}

inline void read_value(const capnp::DynamicValue::Reader& in, capnp::Type type,
                       std::string& value) {
  if (type.isText()) {
    const auto text = in.as<capnp::Text>();
    value.assign(text.begin(), text.size());
  } else {
    const auto data = in.as<capnp::Data>();
    value.assign(reinterpret_cast<const char*>(data.begin()), data.size());
  }
}

template <class V>
void read_value(const capnp::DynamicValue::Reader& in, capnp::Type type, V& value) {
  if constexpr (Described<V>) {
    read(in.as<capnp::DynamicStruct>(), value);
  } else if constexpr (Identity<V>) {
    std::remove_cvref_t<decltype(value.value())> plain_value;
    read_value(in, type, plain_value);
    value = V(std::move(plain_value));
  } else if constexpr (std::is_same_v<V, Duration>) {
    value = Duration(in.as<std::int64_t>());
  } else if constexpr (std::is_same_v<V, std::shared_ptr<const std::string>>) {
    std::string bytes;
    read_value(in, type, bytes);
    value = std::make_shared<const std::string>(std::move(bytes));
  } else if constexpr (std::is_enum_v<V>) {
    const auto number =
        type.isEnum() ? in.as<capnp::DynamicEnum>().getRaw() : in.as<std::uint16_t>();
    const bool known = number <= static_cast<std::uint16_t>(EnumOf<V>::last);
    value = known ? static_cast<V>(number) : EnumOf<V>::unknown;
  } else {
    value = in.as<V>();
  }
}

template <Described T>
void read(capnp::DynamicStruct::Reader in, T& value) {
  each_found<T>(
      in.getSchema(),
      [&](const auto& each, capnp::StructSchema::Field from) {
        read_value(in.get(from), from.getType(), value.*each.member);
      },
      [&](const auto& each) { read(in, value.*each.member); });
}

}  // namespace troupe::struct_codec
