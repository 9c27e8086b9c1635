#include "runtime/base/near.hpp"
#include "runtime/descriptor/template.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace troupe {
namespace {

bool letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool numeric(const Value& value) {
  return value.type == ValueType::integer || value.type == ValueType::number;
}
double as_number(const Value& value) {
  return value.type == ValueType::integer ? static_cast<double>(value.integer) : value.number;
}
bool textual(const Value& value) { return !numeric(value) && value.type != ValueType::boolean; }

/// Reads and computes in one go. Computes both branches of an `if`, so that mistakes in the other
/// branch are found, too. That is safe, for the language has no loops and no side effects.
class Evaluator {
 public:
  Evaluator(std::string_view text, const Names& names) : text_(text), names_(names) {}

  Result<Value> run() {
    Value value = TRY(either());
    skip();
    if (at_ < text_.size()) {
      return wrong(at_, text_.size() - at_, "'{}' does not belong here", text_.substr(at_));
    }
    return value;
  }

 private:
  template <class... Args>
  Error wrong(std::size_t at, std::size_t length, fmt::format_string<Args...> format,
              Args&&... args) const {
    Error error = make_error(ErrorCode::invalid_argument, format, std::forward<Args>(args)...);
    const std::size_t last = text_.empty() ? 0 : text_.size() - 1;
    error.span = TextSpan{std::min(at, last), std::max<std::size_t>(length, 1)};
    return error;
  }

  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }

  bool take(std::string_view symbol) {
    skip();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    if (letter(symbol[0])) {
      const std::size_t after = at_ + symbol.size();
      if (after < text_.size() && (letter(text_[after]) || digit(text_[after]))) return false;
    }
    at_ += symbol.size();
    return true;
  }

  Result<Value> either() {
    Value left = TRY(both());
    for (std::size_t at = at_; take("or"); at = at_) {
      const Value right = TRY(both());
      left = TRY(logic(left, right, at, left.boolean || right.boolean));
    }
    return left;
  }

  Result<Value> both() {
    Value left = TRY(negation());
    for (std::size_t at = at_; take("and"); at = at_) {
      const Value right = TRY(negation());
      left = TRY(logic(left, right, at, left.boolean && right.boolean));
    }
    return left;
  }

  Result<Value> logic(const Value& left, const Value& right, std::size_t at, bool result) const {
    if (left.type == ValueType::boolean && right.type == ValueType::boolean) {
      return boolean_value(result);
    }
    return wrong(at, at_ - at, "'and' and 'or' join conditions, not {} and {}",
                 to_string(left.type), to_string(right.type));
  }

  Result<Value> negation() {
    skip();
    const std::size_t at = at_;
    if (!take("not")) return comparison();
    const auto deeper = TRY(enter());
    const Value value = TRY(negation());
    if (value.type != ValueType::boolean) {
      return wrong(at, at_ - at, "'not' wants a condition, not {}", to_string(value.type));
    }
    return boolean_value(!value.boolean);
  }

  Result<Value> comparison() {
    const Value left = TRY(sum());
    for (const std::string_view symbol : {"==", "!=", "<=", ">=", "<", ">"}) {
      skip();
      const std::size_t at = at_;
      if (!take(symbol)) continue;
      const Value right = TRY(sum());
      const int order = TRY(compare(left, right, at));
      const bool equal = order == 0;
      const bool less = order < 0;
      return boolean_value(symbol == "=="   ? equal
                           : symbol == "!=" ? !equal
                           : symbol == "<"  ? less
                           : symbol == "<=" ? less || equal
                           : symbol == ">"  ? !less && !equal
                                            : !less);
    }
    return left;
  }

  Result<int> compare(const Value& left, const Value& right, std::size_t at) const {
    const auto order = [](const auto& a, const auto& b) { return a < b ? -1 : b < a ? 1 : 0; };
    if (left.type == ValueType::duration && right.type == ValueType::duration) {
      return order(left.integer, right.integer);
    }
    if (left.type == ValueType::integer && right.type == ValueType::integer) {
      return order(left.integer, right.integer);
    }
    if (numeric(left) && numeric(right)) return order(as_number(left), as_number(right));
    if (left.type == ValueType::boolean && right.type == ValueType::boolean) {
      return order(left.boolean, right.boolean);
    }
    if (textual(left) && textual(right)) return order(left.text, right.text);
    return wrong(at, at_ - at, "{} and {} cannot be compared", to_string(left.type),
                 to_string(right.type));
  }

  Result<Value> sum() {
    Value left = TRY(primary());
    while (true) {
      skip();
      const std::size_t at = at_;
      if (!take("+")) return left;
      const Value right = TRY(primary());
      left = TRY(add(left, right, at));
    }
  }

  Result<Value> add(const Value& left, const Value& right, std::size_t at) const {
    if (left.type == ValueType::integer && right.type == ValueType::integer) {
      std::int64_t result = 0;
      if (__builtin_add_overflow(left.integer, right.integer, &result)) {
        return wrong(at, at_ - at, "the sum is too large");
      }
      return integer_value(result);
    }
    if (numeric(left) && numeric(right)) return number_value(as_number(left) + as_number(right));
    if (textual(left) || textual(right)) return limited(to_text(left) + to_text(right), at);
    return wrong(at, at_ - at, "{} and {} cannot be added", to_string(left.type),
                 to_string(right.type));
  }

  Result<Value> limited(std::string text, std::size_t at) const {
    if (text.size() <= template_bytes_max) return text_value(std::move(text));
    return wrong(at, at_ - at, "a text of more than {} bytes", template_bytes_max);
  }

  /// Counts one level of nesting while it lives. The evaluator recurses: the depth is bounded, so
  /// that a text cannot overflow the stack.
  class Depth {
   public:
    explicit Depth(int& depth) : depth_(&depth) { ++*depth_; }
    Depth(Depth&& other) noexcept : depth_(std::exchange(other.depth_, nullptr)) {}
    Depth& operator=(Depth&&) = delete;
    ~Depth() {
      if (depth_) --*depth_;
    }

   private:
    int* depth_;
  };

  Result<Depth> enter() {
    if (depth_ >= template_depth_max) {
      return wrong(at_, 1, "nested more than {} deep", template_depth_max);
    }
    return Depth(depth_);
  }

  Result<Value> primary() {
    skip();
    if (at_ >= text_.size()) {
      return wrong(text_.empty() ? 0 : text_.size() - 1, 1, "a value is missing here");
    }
    const char c = text_[at_];
    if (c == '\'' || c == '"') return text_literal(c);
    if (digit(c) || ((c == '-' || c == '.') && at_ + 1 < text_.size() &&
                     (digit(text_[at_ + 1]) || text_[at_ + 1] == '.'))) {
      return number_literal();
    }
    const auto deeper = TRY(enter());
    if (take("(")) {
      const Value value = TRY(either());
      if (!take(")")) return wrong(at_, 1, "a ')' is missing here");
      return value;
    }
    if (letter(c)) return word();
    return wrong(at_, 1, "'{}' does not belong here", c);
  }

  Result<Value> text_literal(char quote) {
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return wrong(at_, 1, "this quote is not closed");
    Value value = text_value(std::string(text_.substr(at_ + 1, end - at_ - 1)));
    at_ = end + 1;
    return value;
  }

  Result<Value> number_literal() {
    const std::size_t start = at_++;
    while (at_ < text_.size() && (digit(text_[at_]) || text_[at_] == '.')) ++at_;
    const std::string_view digits = text_.substr(start, at_ - start);
    const bool whole = digits.find('.') == std::string_view::npos;
    Result<Value> value = parse_value(whole ? ValueType::integer : ValueType::number, digits);
    if (!value) return wrong(start, digits.size(), "'{}' is no number", digits);
    return value;
  }

  Result<Value> word() {
    const std::size_t start = at_;
    while (at_ < text_.size() &&
           (letter(text_[at_]) || digit(text_[at_]) || text_[at_] == '.' ||
            (text_[at_] == '-' && at_ + 1 < text_.size() && letter(text_[at_ + 1])))) {
      ++at_;
    }
    const std::string name(text_.substr(start, at_ - start));
    if (name == "true" || name == "false") return boolean_value(name == "true");
    skip();
    if (at_ < text_.size() && text_[at_] == '(') return call(name, start);
    const auto found = names_.find(name);
    if (found != names_.end()) return found->second;
    std::vector<std::string> known;
    for (const auto& [path, value] : names_) known.push_back(path);
    Error error = wrong(start, name.size(), "there is no '{}'", name);
    error.code = ErrorCode::not_found;
    if (name.starts_with("secrets.")) {
      error.hint = "secrets are for the texts of 'connections:', and are declared under 'secrets:'";
      return error;
    }
    error.hint = names_.count("params." + name) ? fmt::format("did you mean 'params.{}'?", name)
                                                : did_you_mean(name, known);
    return error;
  }

  Result<Value> call(const std::string& name, std::size_t start) {
    std::vector<Value> arguments;
    take("(");
    if (!take(")")) {
      do {
        arguments.push_back(TRY(either()));
      } while (take(","));
      if (!take(")")) return wrong(at_, 1, "a ')' is missing here");
    }
    return apply(name, arguments, start);
  }

  Result<Value> apply(const std::string& name, const std::vector<Value>& arguments,
                      std::size_t start) const {
    struct Function {
      const char* name;
      std::size_t arguments;
    };
    static const std::vector<Function> functions = {{"if", 3},     {"lower", 1},  {"upper", 1},
                                                    {"trim", 1},   {"length", 1}, {"string", 1},
                                                    {"replace", 3}};
    const auto known = std::find_if(functions.begin(), functions.end(),
                                    [&](const Function& one) { return name == one.name; });
    if (known == functions.end()) {
      std::vector<std::string> names;
      for (const Function& one : functions) names.push_back(one.name);
      Error error = wrong(start, name.size(), "there is no function '{}'", name);
      error.hint = did_you_mean(name, names);
      return error;
    }
    if (arguments.size() != known->arguments) {
      return wrong(start, at_ - start, "'{}' takes {} argument{}, not {}", name, known->arguments,
                   known->arguments == 1 ? "" : "s", arguments.size());
    }
    if (name != "if") return text_function(name, arguments, start);
    if (arguments[0].type != ValueType::boolean) {
      return wrong(start, at_ - start, "the first argument of 'if' is a condition, not {}",
                   to_string(arguments[0].type));
    }
    return arguments[arguments[0].boolean ? 1 : 2];
  }

  Result<Value> text_function(const std::string& name, const std::vector<Value>& arguments,
                              std::size_t start) const {
    std::string text = to_text(arguments[0]);
    if (name == "length") {
      return integer_value(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      }));
    }
    if (name == "replace") {
      return replaced(text, to_text(arguments[1]), to_text(arguments[2]), start);
    }
    if (name == "trim") {
      const std::size_t first = text.find_first_not_of(" \t\r\n");
      const std::size_t last = text.find_last_not_of(" \t\r\n");
      text = first == std::string::npos ? "" : text.substr(first, last - first + 1);
    }
    for (char& c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (name == "lower" && byte < 0x80) c = static_cast<char>(std::tolower(byte));
      if (name == "upper" && byte < 0x80) c = static_cast<char>(std::toupper(byte));
    }
    return text_value(std::move(text));
  }

  Result<Value> replaced(const std::string& text, const std::string& what, const std::string& with,
                         std::size_t start) const {
    if (what.empty()) return text_value(text);
    std::string made;
    std::size_t at = 0;
    for (std::size_t next; (next = text.find(what, at)) != std::string::npos;) {
      made += text.substr(at, next - at) + with;
      at = next + what.size();
      if (made.size() > template_bytes_max) break;
    }
    return limited(made + text.substr(at), start);
  }

  std::string_view text_;
  const Names& names_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<Value> evaluate(std::string_view text, const Names& names) {
  return Evaluator(text, names).run();
}

}  // namespace troupe
