// The registry finds operators by name and lists them in order; what an operator says of itself is
// complete enough to be documentation.
#include "runtime/operator/operator_kind.hpp"

#include "runtime/base/json.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace troupe;

namespace {

class Named : public OperatorKind {
 public:
  explicit Named(std::string name) { description_.name = std::move(name); }
  const OperatorDescription& description() const override { return description_; }
  Result<OperatorPlan> plan(const Options&, const std::vector<PlanInput>&,
                            const PlanContext&) const override {
    return OperatorPlan{};
  }

 private:
  OperatorDescription description_;
};

}  // namespace

TEST_CASE("operators are found by name and listed in order") {
  OperatorRegistry registry(system_files());
  for (const char* name : {"sort", "filter", "union"}) {
    registry.add(std::make_unique<Named>(name));
  }
  CHECK(registry.find("sort")->description().name == "sort");
  CHECK(registry.find("srot") == nullptr);
  std::vector<std::string> names;
  for (const OperatorKind* kind : registry.all()) names.push_back(kind->description().name);
  CHECK(names == std::vector<std::string>{"filter", "sort", "union"});
}

TEST_CASE("two operators of one name are a defect") {
  OperatorRegistry registry(system_files());
  registry.add(std::make_unique<Named>("sort"));
  CHECK_THROWS_AS(registry.add(std::make_unique<Named>("sort")), Defect);
}

TEST_CASE("every operator explains itself, and its defaults satisfy its own description") {
  OperatorRegistry registry(system_files());
  register_operators(registry);
  for (const OperatorKind* kind : registry.all()) {
    const OperatorDescription& self = kind->description();
    INFO(self.name);
    CHECK_FALSE(self.summary.empty());
    CHECK_FALSE(self.example.empty());
    OperatorDescription optional = self;
    for (Parameter& parameter : optional.parameters) {
      INFO(parameter.name);
      CHECK_FALSE(parameter.help.empty());
      CHECK((parameter.type == ParameterType::choice) == !parameter.choices.empty());
      CHECK_FALSE((parameter.required && !parameter.default_value.empty()));
      parameter.required = false;
    }
    for (const Error& error : Options::check(optional, Json::object())) FAIL(error.to_string());
  }
}
