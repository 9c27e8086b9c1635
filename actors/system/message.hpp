#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace troupe {

/// One immutable value on its way to an actor of this process; copying it copies a pointer.
class Message {
 public:
  Message() = default;

  template <class T>
  static Message of(T value) {
    if constexpr (std::is_empty_v<T>) {
      static const auto only = std::make_shared<const T>();
      return Message(&tag<T>, only);
    } else {
      return Message(&tag<T>, std::make_shared<const T>(std::move(value)));
    }
  }

  /// The value if it is a T, else null.
  template <class T>
  const T* get() const {
    return type_ == &tag<T> ? static_cast<const T*>(value_.get()) : nullptr;
  }

 private:
  template <class T>
  static constexpr char tag = 0;

  Message(const void* type, std::shared_ptr<const void> value)
      : type_(type), value_(std::move(value)) {}

  const void* type_ = nullptr;
  std::shared_ptr<const void> value_;
};

/// High messages overtake normal ones: cancelling, credits, deaths.
enum class Priority { normal, high };

}  // namespace troupe
