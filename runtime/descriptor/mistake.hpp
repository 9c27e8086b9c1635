#pragma once

#include <string_view>
#include <vector>

namespace troupe {

/// The kinds of mistakes that a descriptor can have. Codes never change, for people search for
/// them: a kind that is dropped leaves a gap.
enum class Mistake {
  // 1: text and YAML
  bad_yaml,
  tab,
  duplicate_key,
  too_large,
  not_text,
  // 2: shape
  unknown_key,
  missing_key,
  wrong_type,
  bad_value,
  not_supported,
  bad_name,
  bad_parameter,
  missing_parameter,
  unknown_parameter,
  bad_template,
  unknown_in_template,
  bad_connection,
  // 3: references and graph
  unknown_operator,
  unknown_vertex,
  cycle,
  wrong_inputs,
  unused,
  unknown_port,
  bad_test,
  unknown_connection,
  // 4: types
  unknown_column,
  bad_expression,
  bad_option,
  bad_inputs,
  // 5: environment
  unreadable,
  unwritable,
};

/// A row of the one table of codes. `troupe errors CODE` shows it.
struct MistakeKind {
  Mistake mistake;
  const char* code;
  const char* title;
  const char* explanation;
};

const std::vector<MistakeKind>& mistake_kinds();
const MistakeKind& kind_of(Mistake mistake);
/// Finds "TR1007", in any letter case; null if there is no such code.
const MistakeKind* find_mistake(std::string_view code);

}  // namespace troupe
