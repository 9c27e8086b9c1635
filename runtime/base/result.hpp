#pragma once

#include "runtime/base/ensure.hpp"
#include "runtime/base/enums.hpp"
#include "runtime/base/fields.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>

namespace troupe {

/// The closed vocabulary of expected failures. Retry looks at the code and at nothing else.
enum class ErrorCode {
  invalid_argument,  ///< the request can never work as written: the user must change it
  not_found,
  already_exists,
  conflict,     ///< somebody else changed it meanwhile, or a token is stale
  unavailable,  ///< try again later: a peer, a disk or a limit is in the way now
  timeout,
  cancelled,
  corrupt,  ///< bytes are not what was written; never retried, never passed over
  unsupported,
  not_allowed,  ///< the caller has not proved that it may
  internal,     ///< a defect of ours that was turned into an error at a boundary
};

const char* to_string(ErrorCode code);
template <>
struct EnumOf<ErrorCode> {
  static constexpr auto last = ErrorCode::internal, unknown = ErrorCode::internal;
  static constexpr const char* noun = "code of an error";
};

/// True if the same request may succeed later, unchanged.
bool retryable(ErrorCode code);

/// The reason of an error, for code that must act on more than its code tells. It is set where the
/// error is made, so that nobody searches messages for it.
enum class ErrorReason {
  none,
  unknown_column,  ///< a name that is none of the columns (`near.hpp`)
  node_fault,      ///< a node's own failure; another node may not have it (`node_fault.hpp`)
  wrong_use,       ///< the command line was used wrongly
  poison_record,   ///< a record that cannot be worked on, and would not be the next time
};
const char* to_string(ErrorReason reason);
template <>
struct EnumOf<ErrorReason> {
  static constexpr auto last = ErrorReason::poison_record, unknown = ErrorReason::none;
  static constexpr const char* noun = "reason of an error";
};

/// The place of a mistake in the text of a value, in bytes.
struct TextSpan {
  std::size_t offset = 0;
  std::size_t length = 0;

  friend bool operator==(const TextSpan&, const TextSpan&) = default;
};

/// One expected failure: what was tried, with what, and what to do.
///
/// `path` names the value that is wrong, relative to the callee (an operator says "with.where", the
/// descriptor knows the line); `span` is the place inside that value's text.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string hint = {};  ///< what to do: "did you mean 'carrier'?"
  std::string path = {};
  std::optional<TextSpan> span = {};
  ErrorReason reason = ErrorReason::none;

  /// `span` is left out: a place in a descriptor means nothing on another node.
  static constexpr std::size_t fields_left_out = 1;
  static constexpr auto fields() {
    return std::tuple{field("code", &Error::code, Presence::added),
                      field("message", &Error::message),
                      field("hint", &Error::hint, Presence::optional),
                      field("path", &Error::path, Presence::optional),
                      field("reason", &Error::reason, Presence::optional)};
  }

  /// The same failure, told by a caller who knows more: "reading a.csv: " in front of the message.
  Error within(std::string_view context) const;
  /// The same failure, at `path` of the caller's own input; an existing path is appended.
  Error at(std::string_view path) const;
  /// "not_found: no such file: a.csv (did you mean 'b.csv'?)"
  std::string to_string() const;

  friend bool operator==(const Error&, const Error&) = default;
};

/// Makes an error: `return make_error(ErrorCode::not_found, "no such file: {}", path);`
template <class... Args>
Error make_error(ErrorCode code, fmt::format_string<Args...> text, Args&&... args) {
  return Error{code, fmt::format(text, std::forward<Args>(args)...)};
}

/// A value, or the error that says why there is none. Must not be ignored.
template <class T = void>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  template <class U>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, Error> &&
           !std::is_same_v<std::remove_cvref_t<U>, T>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    ENSURE(ok(), "value() of a failed result: {}", error().to_string());
    return std::get<0>(state_);
  }
  const T& value() const& {
    ENSURE(ok(), "value() of a failed result: {}", error().to_string());
    return std::get<0>(state_);
  }
  T&& value() && {
    ENSURE(ok(), "value() of a failed result: {}", error().to_string());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  void value() const { ENSURE(ok(), "value() of a failed result: {}", error_->to_string()); }
  void operator*() const { value(); }

  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace troupe

/// The value of a result, or return its error from here: `auto schema = TRY(read_schema(path));`
#define TRY(expression)                                    \
  __extension__({                                          \
    auto troupe_try = (expression);                        \
    if (!troupe_try) return std::move(troupe_try).error(); \
    *std::move(troupe_try);                                \
  })
