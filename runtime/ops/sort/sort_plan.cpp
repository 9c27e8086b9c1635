#include "runtime/ops/sort/sort_plan.hpp"

#include "runtime/ops/limit_operator.hpp"
#include "runtime/ops/sort/sort_exchange.hpp"
#include "runtime/ops/sort/sort_local.hpp"
#include "runtime/ops/sort/sort_top.hpp"

#include <fmt/format.h>

namespace troupe {
namespace {

/// So few rows are sorted by one subtask: sampling and exchanging them costs more.
constexpr std::int64_t single_rows_max = 65536;

template <class Made, class... Args>
std::function<Result<std::unique_ptr<Operator>>()> maker(Args... args) {
  return
      [args...]() -> Result<std::unique_ptr<Operator>> { return std::make_unique<Made>(args...); };
}

PhaseInput from_phase(int index, ExchangeKind exchange, int port = 0, bool blocking = false) {
  return {.origin = PhaseInput::Origin::phase,
          .index = index,
          .port = port,
          .exchange = exchange,
          .blocking = blocking};
}

std::string text_of(const std::vector<OrderTerm>& terms) {
  std::vector<std::string> words;
  for (const OrderTerm& term : terms) {
    words.push_back(term.value.text() + (term.descending ? " desc" : ""));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

std::vector<Phase> top_phases(const SortTerms& terms, std::int64_t limit, const SchemaPtr& schema,
                              const std::string& detail) {
  Phase local;
  local.name = "sort.top";
  local.inputs = {PhaseInput{}};
  local.outputs = {schema};
  local.make_operator = maker<SortTopOperator>(terms, limit);
  Phase last = local;
  last.name = "sort.final";
  last.inputs = {from_phase(0, ExchangeKind::gather, 0, true)};
  last.parallelism_max = 1;
  last.detail = fmt::format("first {} by {}", limit, detail);
  return {std::move(local), std::move(last)};
}

Phase single_phase(const SortTerms& terms, const SchemaPtr& schema, const std::string& detail) {
  Phase phase;
  phase.name = "sort";
  phase.inputs = {PhaseInput{.exchange = ExchangeKind::gather, .blocking = true}};
  phase.outputs = {schema};
  phase.parallelism_max = 1;
  phase.detail = detail;
  phase.make_operator = maker<SortLocalOperator>(terms);
  return phase;
}

std::vector<Phase> range_phases(const SortTerms& terms, const SchemaPtr& schema,
                                const std::string& detail) {
  Phase sample;
  sample.name = "sort.sample";
  sample.inputs = {PhaseInput{}};
  sample.outputs = {schema, sample_schema(*terms)};
  sample.make_operator = maker<SortSampleOperator>(terms);
  Phase partition;
  partition.name = "sort.partition";
  partition.inputs = {from_phase(0, ExchangeKind::forward),
                      from_phase(0, ExchangeKind::broadcast, 1)};
  partition.outputs = {schema};
  partition.make_operator = maker<SortPartitionOperator>(terms);
  Phase local;
  local.name = "sort.local";
  local.inputs = {from_phase(1, ExchangeKind::range, 0, true)};
  local.outputs = {schema};
  local.detail = detail;
  local.make_operator = maker<SortLocalOperator>(terms);
  return {std::move(sample), std::move(partition), std::move(local)};
}

}  // namespace

Result<std::vector<OrderTerm>> bind_order_terms(const std::vector<std::string>& texts,
                                                const SchemaPtr& schema,
                                                const std::string& parameter) {
  std::vector<OrderTerm> terms;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string path = fmt::format("{}.{}", parameter, i);
    auto term = bind_order(texts[i], schema);
    if (!term) return term.error().at(path);
    if (const auto checked = SortColumn::check(*term->value.type()); !checked) {
      return Error{ErrorCode::invalid_argument, checked.error().message}.at(path);
    }
    terms.push_back(std::move(*term));
  }
  if (terms.empty()) {
    return make_error(ErrorCode::invalid_argument, "an order needs at least one term")
        .at(parameter);
  }
  return terms;
}

std::set<int> columns_read(const std::vector<OrderTerm>& terms) {
  std::set<int> columns;
  for (const OrderTerm& term : terms) {
    columns.insert(term.value.columns().begin(), term.value.columns().end());
  }
  return columns;
}

std::vector<Phase> sort_phases(std::vector<OrderTerm> bound, std::optional<std::int64_t> limit,
                               const PlanInput& input, const PlanContext& context) {
  const auto terms = std::make_shared<const std::vector<OrderTerm>>(std::move(bound));
  const std::string detail = text_of(*terms);
  if (limit && *limit <= SortTopOperator::rows_max_max) {
    return top_phases(terms, *limit, input.schema, detail);
  }
  const bool single = context.parallelism == 1 || (input.rows && *input.rows <= single_rows_max);
  std::vector<Phase> phases = single ? std::vector{single_phase(terms, input.schema, detail)}
                                     : range_phases(terms, input.schema, detail);
  if (!limit) return phases;
  Phase first;
  first.name = "sort.limit";
  first.inputs = {from_phase(static_cast<int>(phases.size()) - 1, ExchangeKind::gather)};
  first.outputs = {input.schema};
  first.parallelism_max = 1;
  first.detail = fmt::format("first {}", *limit);
  first.make_operator = maker<LimitOperator>(*limit, std::int64_t{0});
  phases.push_back(std::move(first));
  return phases;
}

}  // namespace troupe
