#pragma once

#include "runtime/functions/node.hpp"

#include <functional>
#include <string>
#include <vector>

namespace troupe {

/// The types that a call was resolved to, and its converted arguments, because some kernels need
/// constants: the field of extract(), the digits of round().
struct Signature {
  std::vector<NodePtr> arguments;
  SqlType result;

  const SqlType& type(std::size_t i) const { return arguments[i]->type(); }
};

/// A parameter that takes any type and gets it as text.
inline constexpr SqlKind any_as_text = SqlKind::unknown;

/// One overload of one function, declared once: this is what binds it, computes it and lists it.
struct FunctionEntry {
  const char* name;
  std::vector<SqlKind> parameters;
  SqlKind result;
  const char* summary;  ///< one line for the reference page
  Result<Kernel> (*make)(const Signature& signature);
  bool can_fail = false;
  bool variadic = false;  ///< the last parameter any number of times, at least once
  /// The result's type, if the kind alone does not tell it (digits of a numeric).
  Result<SqlType> (*typing)(const std::vector<NodePtr>& arguments) = nullptr;
};

/// Of `hash64` where none is given; Spark's `xxhash64` has it, too.
inline constexpr std::int64_t hash_seed = 42;

/// All functions; overloads of one name stand together.
const std::vector<FunctionEntry>& function_table();
std::vector<FunctionEntry> text_functions();
std::vector<FunctionEntry> pattern_functions();
std::vector<FunctionEntry> number_functions();
std::vector<FunctionEntry> time_functions();

bool is_function(const std::string& name);
/// "function median does not exist", with what was most likely meant.
Error no_such_function(const std::string& name, TextSpan span);

/// `name(arguments...)`, resolved as PostgreSQL resolves overloads: most exact matches, then most
/// arguments of the preferred types, then the first in the table.
Result<NodePtr> bind_function(const std::string& name, const std::vector<NodePtr>& arguments,
                              TextSpan span);

/// The text of a constant argument; an error if it is no constant, so that a mistake in it is found
/// when the expression is bound.
Result<std::string> constant_text(const NodePtr& argument, const char* what);

}  // namespace troupe
