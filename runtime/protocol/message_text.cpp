#include "runtime/protocol/message_text.hpp"

#include "runtime/protocol/foreign_fields.hpp"
#include "schemas/job.capnp.h"

#include <capnp/schema.h>

#include <concepts>
#include <type_traits>

namespace troupe {

template <>
struct FieldsOf<Token> {
  static constexpr auto list() {
    return std::tuple{field("cluster", &Token::cluster),
                      field("term", &Token::term),
                      field("run", &Token::run),
                      field("run_attempt", &Token::run_attempt),
                      field("task", &Token::task),
                      field("attempt", &Token::attempt),
                      field("incarnation", &Token::incarnation),
                      field("seq", &Token::seq)};
  }
};

namespace {

template <class M>
const char* schema_name() {
  return capnp::Schema::from<typename M::Schema>().getShortDisplayName().cStr();
}

class Text {
 public:
  std::string take() { return std::move(text_); }

  template <class M>
  void message(const M& message) {
    text_.append(schema_name<M>()).append("{");
    if constexpr (CarriesToken<M>) member("token", message.token);
    if constexpr (CarriesCluster<M>) member("cluster", message.cluster);
    if constexpr (CarriesTerm<M>) member("term", message.term);
    members(message);
    text_ += '}';
  }

 private:
  template <class V>
  void member(std::string_view name, const V& value) {
    if (text_.back() != '{') text_ += ", ";
    text_.append(name).append(": ");
    add(value);
  }
  template <Described T>
  void members(const T& value) {
    for_each_field<T>([&](const auto& each) { member(each.name, value.*each.member); });
  }

  void add(const std::string& value) { text_.append("\"").append(value).append("\""); }
  void add(bool value) { text_ += value ? "true" : "false"; }
  void add(std::integral auto value) { text_ += std::to_string(value); }
  void add(Duration value) { text_ += fmt::format("{}ns", value.count()); }
  template <class E>
  requires std::is_enum_v<E>
  void add(E value) { text_ += to_string(value); }
  void add(const std::shared_ptr<const std::string>& value) { add(value ? *value : ""); }
  void add(TaskId task) { text_ += fmt::format("{}", task); }
  template <class Tag, class Rep>
  void add(const StrongId<Tag, Rep>& id) {
    text_ += fmt::format("{}", id.value());
  }
  template <class T>
  void add(const std::vector<T>& values) {
    text_ += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) text_ += ", ";
      add(values[i]);
    }
    text_ += ']';
  }
  template <Described T>
  void add(const T& value) {
    text_ += '{';
    members(value);
    text_ += '}';
  }

  std::string text_;
};

template <class Variant>
std::string text_of(const Variant& any) {
  Text text;
  std::visit([&](const auto& message) { text.message(message); }, any);
  return text.take();
}

}  // namespace

std::string to_text(const Command& command) { return text_of(command); }
std::string to_text(const Report& report) { return text_of(report); }

const char* name_of(const Command& command) {
  return std::visit([]<class M>(const M&) { return schema_name<M>(); }, command);
}
const char* name_of(const Report& report) {
  return std::visit([]<class M>(const M&) { return schema_name<M>(); }, report);
}

}  // namespace troupe
