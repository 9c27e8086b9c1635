#include "runtime/ops/aggregate/group_states.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/ops/aggregate/row_loop.hpp"
#include "runtime/ops/columns.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/bitmap_ops.h>

#include <algorithm>
#include <numeric>

namespace troupe {

namespace {

using Arrays = std::vector<std::shared_ptr<arrow::Array>>;

using Values = ExpressionSet::Values;

/// Rows are looked at in pieces whose arguments stay in the L2 cache until all accumulators have
/// read them.
constexpr std::int64_t rows_at_once = 16384;

Result<Arrays> evaluate_keys(const Aggregation& plan, Values& values) {
  Arrays keys;
  for (const Expression& key : plan.select.key_values) keys.push_back(TRY(values.of(key)));
  return keys;
}

bool dictionary_holds_null(const arrow::Array& array) {
  return array.type_id() == arrow::Type::DICTIONARY &&
         static_cast<const arrow::DictionaryArray&>(array).dictionary()->null_count() > 0;
}

/// The rows that count: the argument is not null, and the filter is true.
Result<Argument> evaluate(const Aggregation::Input& input, Values& values, std::int64_t rows) {
  Argument argument{nullptr};
  if (input.argument) {
    argument.values = TRY(values.of(*input.argument));
    if (dictionary_holds_null(*argument.values)) argument.values = TRY(plain(argument.values));
    if (argument.values->null_count() > 0) {
      argument.valid = argument.values->null_bitmap();
      argument.valid_offset = argument.values->offset();
    }
  }
  if (!input.filter) return argument;
  const auto truth = TRY(values.of(*input.filter));
  const auto also = [&](const std::shared_ptr<arrow::Buffer>& bits,
                        std::int64_t offset) -> Result<> {
    if (argument.valid) {
      argument.valid = TRY(arrow_try(
          arrow::internal::BitmapAnd(arrow::default_memory_pool(), argument.valid->data(),
                                     argument.valid_offset, bits->data(), offset, rows, 0)));
      argument.valid_offset = 0;
    } else {
      argument.valid = bits;
      argument.valid_offset = offset;
    }
    return {};
  };
  TRY(also(truth->data()->buffers[1], truth->offset()));
  if (truth->null_count() > 0) TRY(also(truth->null_bitmap(), truth->offset()));
  return argument;
}

Result<> update(const Aggregation& plan, Values& values, const RowGroups& groups,
                const std::vector<std::unique_ptr<Accumulator>>& parts) {
  for (std::size_t i = 0; i < plan.inputs.size(); ++i) {
    const Argument argument = TRY(evaluate(plan.inputs[i], values, groups.rows));
    for (std::size_t p = 0; p < parts.size(); ++p) {
      if (plan.parts[p].input == i) TRY(parts[p]->update(groups, argument));
    }
  }
  return {};
}

Result<std::vector<std::unique_ptr<Accumulator>>> make_parts(const Aggregation& plan) {
  std::vector<std::unique_ptr<Accumulator>> parts;
  for (const Aggregation::Part& part : plan.parts) {
    parts.push_back(TRY(Accumulator::make(part.kind, part.type)));
  }
  return parts;
}

std::vector<std::uint32_t> numbers(std::uint32_t begin, std::uint32_t end) {
  std::vector<std::uint32_t> ids(end - begin);
  std::iota(ids.begin(), ids.end(), begin);
  return ids;
}

/// The argument of a part of pairs with null where it does not count.
Result<std::shared_ptr<arrow::Array>> counted_values(const Argument& argument, std::int64_t rows) {
  if (!argument.valid) return plain(argument.values);
  std::vector<std::uint32_t> taken(rows, no_row);
  for (std::int64_t i = 0; i < rows; ++i) {
    if (arrow::bit_util::GetBit(argument.valid->data(), argument.valid_offset + i)) {
      taken[i] = static_cast<std::uint32_t>(i);
    }
  }
  return plain(TRY(take(*argument.values, taken)));
}

}  // namespace

Result<GroupStates> GroupStates::make(std::shared_ptr<const Aggregation> plan) {
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (std::size_t i = 0; i < plan->key_count(); ++i) {
    types.push_back(logical_type(plan->select.keys->field(static_cast<int>(i))->type()));
  }
  Grouper grouper = TRY(Grouper::make(types));
  auto parts = TRY(make_parts(*plan));
  return GroupStates(std::move(plan), std::move(grouper), std::move(parts));
}

GroupStates::GroupStates(std::shared_ptr<const Aggregation> plan, Grouper grouper,
                         std::vector<std::unique_ptr<Accumulator>> parts)
    : plan_(std::move(plan)), grouper_(std::move(grouper)), parts_(std::move(parts)) {
  for (const auto& part : parts_) part->resize(groups());
}

std::uint32_t GroupStates::groups() const { return plan_->key_count() == 0 ? 1 : grouper_.size(); }

Result<RowGroups> GroupStates::assign(const Arrays& keys, std::int64_t rows) {
  if (keys.empty()) return RowGroups{nullptr, rows};
  TRY(grouper_.assign(keys, rows, ids_));
  for (const auto& part : parts_) part->resize(grouper_.size());
  return RowGroups{ids_.data(), rows};
}

/// Where a batch has many rows a group, they are counted once for all the parts that do so.
void GroupStates::count_rows(RowGroups& groups) {
  const auto counts = [](const Aggregation::Part& part) {
    return part.kind == AccumulatorKind::count;
  };
  if (!groups.ids || grouper_.size() > laned_groups_max) return;
  if (std::ranges::none_of(plan_->parts, counts)) return;
  sizes_.assign(grouper_.size(), 0);
  add_in_lanes(std::span(sizes_), groups, Argument{nullptr}, [](std::int64_t) { return 1; });
  groups.sizes = sizes_.data();
}

Result<> GroupStates::add(const Batch& rows) {
  for (std::int64_t first = 0; first < rows.rows(); first += rows_at_once) {
    const Batch part(rows.columns()->Slice(first, rows_at_once));
    Values values(*plan_->read_together, part);
    RowGroups groups = TRY(assign(TRY(evaluate_keys(*plan_, values)), part.rows()));
    count_rows(groups);
    TRY(update(*plan_, values, groups, parts_));
  }
  return {};
}

Result<> GroupStates::merge(const Batch& states) { return apply(states, &Accumulator::merge); }

Result<> GroupStates::take_back(const Batch& states) {
  return apply(states, &Accumulator::take_back);
}

Result<RowGroups> GroupStates::groups_of(const Batch& rows) {
  const Arrays& columns = rows.columns()->columns();
  const auto keys = static_cast<std::ptrdiff_t>(plan_->key_count());
  return assign(Arrays(columns.begin(), columns.begin() + keys), rows.rows());
}

Result<> GroupStates::apply(const Batch& states, StateCall call) {
  if (states.rows() == 0) return {};
  Arrays columns = states.columns()->columns();
  const std::size_t keys = plan_->key_count();
  const RowGroups groups = TRY(groups_of(states));
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    TRY(((*parts_[p]).*call)(groups, *TRY(plain(columns[keys + p]))));
  }
  return {};
}

std::int64_t GroupStates::state_rows() const {
  std::int64_t rows = groups();
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    if (!is_of_pairs(plan_->parts[p].kind)) continue;
    rows += static_cast<const PairAccumulator&>(*parts_[p]).pairs();
  }
  return rows;
}

std::int64_t GroupStates::bytes() const {
  std::int64_t bytes = grouper_.bytes();
  for (const auto& part : parts_) bytes += part->bytes();
  return bytes;
}

Result<Arrays> GroupStates::keys(std::uint32_t begin, std::uint32_t end) const {
  return grouper_.keys(numbers(begin, end));
}

Result<Batch> GroupStates::next_states(Cursor& cursor) const {
  if (cursor.section == 0) {
    if (cursor.next < groups()) return group_states(cursor);
    cursor = {1, 0};
  }
  std::size_t section = 1;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    if (!is_of_pairs(plan_->parts[p].kind) || section++ != cursor.section) continue;
    const auto& part = static_cast<const PairAccumulator&>(*parts_[p]);
    if (cursor.next < part.pairs()) return pair_states(p, cursor);
    cursor = {cursor.section + 1, 0};
  }
  return Batch();
}

Result<Batch> GroupStates::group_states(Cursor& cursor) const {
  const std::uint32_t begin = cursor.next;
  const std::uint32_t end = std::min(groups(), begin + static_cast<std::uint32_t>(batch_rows_max));
  cursor.next = end;
  return states(begin, end);
}

Result<Batch> GroupStates::states(std::uint32_t begin, std::uint32_t end) const {
  Arrays columns = TRY(keys(begin, end));
  for (const auto& part : parts_) columns.push_back(TRY(part->states(begin, end)));
  return make_batch(plan_->partial, std::move(columns), end - begin);
}

Result<Batch> GroupStates::pair_states(std::size_t part, Cursor& cursor) const {
  const auto& of_pairs = static_cast<const PairAccumulator&>(*parts_[part]);
  const std::uint32_t begin = cursor.next;
  const std::uint32_t end =
      std::min(of_pairs.pairs(), begin + static_cast<std::uint32_t>(batch_rows_max));
  cursor.next = end;
  const PairAccumulator::Pairs pairs = TRY(of_pairs.pairs(begin, end));
  Arrays columns = TRY(grouper_.keys(pairs.groups));
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    columns.push_back(
        p == part ? pairs.values
                  : TRY(arrow_try(arrow::MakeArrayOfNull(parts_[p]->state_type(), end - begin))));
  }
  return make_batch(plan_->partial, std::move(columns), end - begin);
}

Result<Batch> GroupStates::results(std::uint32_t begin, std::uint32_t end) const {
  Arrays columns = TRY(keys(begin, end));
  Arrays output = columns;
  for (std::size_t c = 0; c < plan_->select.calls.size(); ++c) {
    std::vector<const Accumulator*> parts;
    for (std::size_t p : plan_->parts_of_calls[c]) parts.push_back(parts_[p].get());
    columns.push_back(TRY(finish_call(plan_->select.calls[c], parts, begin, end)));
  }
  const Batch intermediate =
      make_batch(plan_->select.intermediate, std::move(columns), end - begin);
  for (const Expression& value : plan_->select.outputs) {
    output.push_back(TRY(value.evaluate(intermediate)));
  }
  return make_batch(plan_->select.output, std::move(output), end - begin);
}

Result<Batch> states_of_rows(const Aggregation& plan, const Batch& rows) {
  const auto count = static_cast<std::uint32_t>(rows.rows());
  Values values(*plan.read_together, rows);
  Arrays columns = TRY(evaluate_keys(plan, values));
  const std::size_t keys = columns.size();
  columns.resize(keys + plan.parts.size());
  const std::vector<std::uint32_t> ids = numbers(0, count);
  const RowGroups groups{ids.data(), rows.rows()};
  for (std::size_t i = 0; i < plan.inputs.size(); ++i) {
    const Argument argument = TRY(evaluate(plan.inputs[i], values, rows.rows()));
    for (std::size_t p = 0; p < plan.parts.size(); ++p) {
      if (plan.parts[p].input != i) continue;
      if (is_of_pairs(plan.parts[p].kind)) {
        columns[keys + p] = TRY(counted_values(argument, count));
        continue;
      }
      const auto part = TRY(Accumulator::make(plan.parts[p].kind, plan.parts[p].type));
      part->resize(count);
      TRY(part->update(groups, argument));
      columns[keys + p] = TRY(part->states(0, count));
    }
  }
  return make_batch(plan.partial, std::move(columns), count);
}

}  // namespace troupe
