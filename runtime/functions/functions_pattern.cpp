// Functions of regular expressions. RE2 matches them, in linear time; what a point and a dollar
// mean is PostgreSQL's: any character, line breaks included, and the end of the text.
#include "runtime/functions/arrow_call.hpp"
#include "runtime/functions/function.hpp"
#include "runtime/functions/pattern.hpp"

#include <arrow/array.h>
#include <arrow/compute/api.h>

namespace troupe {

namespace {

constexpr SqlKind text = SqlKind::text, int4 = SqlKind::int4, boolean = SqlKind::boolean;

struct Flags {
  bool any_case = false;
  bool all = false;
};

Result<Flags> flags_of(const Signature& signature, std::size_t place, std::string_view known) {
  if (signature.arguments.size() <= place) return Flags{};
  const std::string flags = TRY(constant_text(signature.arguments[place], "the flags"));
  if (flags.find_first_not_of(known) != std::string::npos) {
    return make_error(ErrorCode::unsupported, "known flags are \"{}\", not \"{}\"", known, flags);
  }
  return Flags{flags.find('i') != std::string::npos, flags.find('g') != std::string::npos};
}

Result<std::string> pattern_of(const Signature& signature, Flags flags = {}) {
  return regex_of(TRY(constant_text(signature.arguments[1], "a regular expression")),
                  flags.any_case);
}

/// The kernel, once tried: a wrong pattern is a mistake in the text.
Result<Kernel> tried(const Signature& signature, Kernel kernel) {
  const auto* sample = as_constant(signature.arguments[1]);
  if (Result<Vector> found = kernel({Vector{sample->value(), true}}, 1); !found) {
    return make_error(ErrorCode::invalid_argument, "invalid regular expression: {}",
                      found.error().message);
  }
  return kernel;
}

Result<Kernel> replace_kernel(const Signature& signature) {
  const Flags flags = TRY(flags_of(signature, 3, "gi"));
  const auto options = std::make_shared<const arrow::compute::ReplaceSubstringOptions>(
      TRY(pattern_of(signature, flags)),
      TRY(constant_text(signature.arguments[2], "the replacement")), flags.all ? -1 : 1);
  return tried(signature, [options](const std::vector<Vector>& arguments, std::int64_t) {
    return call_arrow("replace_substring_regex", {arguments[0]}, options.get());
  });
}

template <const char* const& function>
Result<Kernel> match_kernel(const Signature& signature) {
  const Flags flags = TRY(flags_of(signature, 2, "i"));
  const auto options = std::make_shared<const arrow::compute::MatchSubstringOptions>(
      TRY(pattern_of(signature, flags)));
  return tried(signature, [options](const std::vector<Vector>& arguments, std::int64_t) {
    return call_arrow(function, {arguments[0]}, options.get());
  });
}

constexpr const char* like = "match_substring_regex";
constexpr const char* count = "count_substring_regex";

/// The pattern with one group named, and the others not captured, as Arrow wants to see it: the
/// first group where there is one and it is asked for, else the whole match.
std::string with_named_group(std::string_view pattern, bool first_group) {
  std::string made;
  bool in_class = false, found = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    made += pattern[i];
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      made += pattern[++i];
    } else if (in_class) {
      // A bracket right behind the opening one stands for itself.
      if (pattern[i] == ']' && pattern[i - 1] != '[' &&
          !(pattern[i - 1] == '^' && pattern[i - 2] == '[')) {
        in_class = false;
      }
    } else if (pattern[i] == '[') {
      in_class = true;
    } else if (pattern[i] == '(' && !pattern.substr(i + 1).starts_with('?')) {
      made += first_group && !found ? "?P<found>" : "?:";
      found = true;
    }
  }
  return first_group && found ? made : fmt::format("(?P<found>{})", made);
}

template <bool first_group>
Result<Kernel> extract_kernel(const Signature& signature) {
  const Flags flags = TRY(flags_of(signature, 2, "i"));
  const std::string pattern = TRY(constant_text(signature.arguments[1], "a regular expression"));
  const auto options = std::make_shared<const arrow::compute::ExtractRegexOptions>(
      regex_of(with_named_group(pattern, first_group), flags.any_case));
  return tried(
      signature, [options](const std::vector<Vector>& arguments, std::int64_t) -> Result<Vector> {
        const Vector found = TRY(call_arrow("extract_regex", {arguments[0]}, options.get()));
        const arrow::compute::StructFieldOptions part({0});
        return call_arrow("struct_field", {found}, &part);
      });
}

}  // namespace

std::vector<FunctionEntry> pattern_functions() {
  return {
      {"regexp_replace",
       {text, text, text},
       text,
       "the first match replaced; \\1 is a group",
       replace_kernel},
      {"regexp_replace",
       {text, text, text, text},
       text,
       "with flags: g all matches, i any case",
       replace_kernel},
      {"regexp_like", {text, text}, boolean, "whether it matches, as x ~ y", match_kernel<like>},
      {"regexp_like", {text, text, text}, boolean, "with flags: i any case", match_kernel<like>},
      {"regexp_count", {text, text}, int4, "how many matches there are", match_kernel<count>},
      {"regexp_substr", {text, text}, text, "the first match, or NULL", extract_kernel<false>},
      {"substring",
       {text, text},
       text,
       "the first match, or its first group; substring(x FROM pattern)",
       extract_kernel<true>},
  };
}

}  // namespace troupe
