#include "runtime/descriptor/mistake.hpp"

#include "runtime/base/ensure.hpp"

#include <algorithm>
#include <cctype>

namespace troupe {

const std::vector<MistakeKind>& mistake_kinds() {
  static const std::vector<MistakeKind> kinds = {
      {Mistake::bad_yaml, "TR1001", "the file is not valid YAML",
       "The YAML parser stopped here. Most often a ':' follows in an unquoted text, a quote or "
       "bracket is not closed, or a line is indented differently from its neighbours. Texts with "
       "': ', ' #', or that begin with one of @ ` % & * ! | > { [ need quotes; so does ${{ ... }} "
       "inside { } or [ ]."},
      {Mistake::tab, "TR1002", "a tab indents a line",
       "YAML indents with spaces only: the width of a tab is nobody's business. Set your editor "
       "to spaces."},
      {Mistake::duplicate_key, "TR1003", "a key is there twice",
       "A map has each key once. Many YAML parsers silently keep one of the two values; here it is "
       "an error, because one of them would be ignored."},
      {Mistake::too_large, "TR1004", "a limit of descriptors is passed",
       "A descriptor is at most 1 MiB, nested at most 32 deep, and has at most 50,000 values after "
       "its aliases (*name) are replaced by what they stand for."},
      {Mistake::not_text, "TR1006", "the file is not UTF-8 text",
       "A descriptor is UTF-8 without control characters. Save the file as UTF-8."},
      {Mistake::unknown_key, "TR1007", "unknown key",
       "A key that Troupe does not know here would be ignored, and what it was meant to do would "
       "not happen: so it is an error. The message lists what is allowed here; 'troupe op show OP' "
       "lists the parameters of an operator."},
      {Mistake::missing_key, "TR1008", "a key is missing",
       "This key must be given. 'troupe op show OP' lists the parameters of an operator and which "
       "of them are required."},
      {Mistake::wrong_type, "TR1009", "a value of the wrong kind",
       "A map, a list, a text, a number or a boolean was expected here, and something else was "
       "found. A text that looks like a number needs quotes."},
      {Mistake::bad_value, "TR1010", "a value that is not allowed",
       "The value is of the right kind, but not one that may stand here: a word that is not among "
       "the choices, or a number out of bounds."},
      {Mistake::not_supported, "TR1011", "not supported by this version",
       "This part of the descriptor language belongs to a later version of Troupe. Leave it out, "
       "or use a newer version."},
      {Mistake::bad_name, "TR1012", "not a name",
       "Names of jobs, namespaces, parameters and operators begin with a lower-case letter; lower-"
       "case letters, digits, '_' and '-' follow; at most 63 characters. The id of an operator is "
       "the name of its metrics, logs and state."},
      {Mistake::bad_parameter, "TR1013", "the value of a parameter does not fit its declaration",
       "A parameter has a type, and may have bounds (min, max) or a list of values. Its default, "
       "and what is given with -p name=value, must fit."},
      {Mistake::missing_parameter, "TR1014", "a parameter has no value",
       "The parameter has no default, and the caller gave no value. Give one with -p name=value, "
       "or add a default."},
      {Mistake::unknown_parameter, "TR1015", "no such parameter",
       "A value was given for a parameter that the descriptor does not declare under 'params:'."},
      {Mistake::bad_template, "TR1016", "a ${{ ... }} expression is wrong",
       "Inside ${{ }} stand paths (params.name, job.name), literals, comparisons "
       "(== != < <= > >=), and, or, not, +, if(condition, a, b), and the functions lower, upper, "
       "trim, replace, length, string. It has no loops and reads nothing but parameters."},
      {Mistake::unknown_in_template, "TR1017", "a ${{ ... }} expression names what is not there",
       "Known are the parameters under 'params:' (as params.name), job.name and job.namespace."},
      {Mistake::bad_connection, "TR1018", "a connection or a secret is not written as it must be",
       "'secrets:' says where each secret is found, {env: NAME} or {file: PATH}, on the nodes that "
       "need it. 'connections:' describes systems outside; its texts may have ${{ secrets.name }} "
       "in them, each by itself. What a secret is never stands in a descriptor, and no other part "
       "of a job may use one."},
      {Mistake::unknown_operator, "TR1101", "no such operator",
       "'troupe op list' shows all operators and connectors that this version has."},
      {Mistake::unknown_vertex, "TR1102", "'from' names what is not there",
       "'from' takes ids of operators of the same dataflow, the keys directly under 'dataflow:'."},
      {Mistake::cycle, "TR1103", "operators read each other in a circle",
       "Rows may only flow forward: following 'from' must end at a source."},
      {Mistake::wrong_inputs, "TR1104", "the wrong number of inputs",
       "A source has no 'from', most operators have one, a join has two, a union any number: "
       "'from: [a, b]'. 'troupe op show OP' tells."},
      {Mistake::unused, "TR1105", "rows that nobody reads",
       "Every operator must lead to a sink, such as write.parquet or print: otherwise its work "
       "would be for nothing. Most often this is a misspelled 'from' elsewhere."},
      {Mistake::unknown_port, "TR1106", "no such output",
       "'from: id.port' names a further output of an operator; this one does not have it."},
      {Mistake::bad_test, "TR1107", "a test that cannot be run",
       "A test gives rows for operators ('given') and says what comes out of others ('expect'): "
       "in_any_order, in_order, contains or count. Every path from an expected operator back must "
       "end at a given one or at a source."},
      {Mistake::unknown_connection, "TR1108", "no such connection",
       "The operator names a connection that the descriptor does not have under 'connections:'."},
      {Mistake::unknown_column, "TR1201", "no such column",
       "The rows that arrive here have no column of this name. 'troupe explain FILE --level plan' "
       "shows the columns that each operator gives."},
      {Mistake::bad_expression, "TR1202", "a SQL expression is wrong",
       "Expressions are PostgreSQL's: its grammar, operators, functions, types and nulls. The "
       "message says what was found at this place of the text."},
      {Mistake::bad_option, "TR1203", "the parameters of an operator do not fit its input",
       "Each parameter is fine by itself, but not for the rows that arrive here."},
      {Mistake::bad_inputs, "TR1204", "the inputs of an operator do not fit",
       "The columns that arrive here are not what this operator can work with: inputs of a union "
       "must have the same columns, keys of a join the same types."},
      {Mistake::unreadable, "TR1301", "a source cannot be read",
       "The file, directory or pattern is not there, cannot be opened, or is not of this format. "
       "Relative paths start where the command is run. --offline leaves this check out."},
      {Mistake::unwritable, "TR1302", "an output cannot be written",
       "The directory cannot be made, or files in it cannot be created, by the user who runs this; "
       "or "
       "a table lacks what the job needs. "
       "--offline leaves this check out."},
  };
  return kinds;
}

const MistakeKind& kind_of(Mistake mistake) {
  for (const MistakeKind& kind : mistake_kinds()) {
    if (kind.mistake == mistake) return kind;
  }
  ENSURE(false, "a mistake without a row in the table");
  return mistake_kinds().front();
}

const MistakeKind* find_mistake(std::string_view code) {
  const auto same = [&](const MistakeKind& kind) {
    const std::string_view known = kind.code;
    return std::equal(known.begin(), known.end(), code.begin(), code.end(), [](char a, char b) {
      return a == std::toupper(static_cast<unsigned char>(b));
    });
  };
  const auto found = std::find_if(mistake_kinds().begin(), mistake_kinds().end(), same);
  return found == mistake_kinds().end() ? nullptr : &*found;
}

}  // namespace troupe
