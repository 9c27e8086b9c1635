#include "runtime/connectors/net_rows.hpp"

#include <algorithm>

namespace troupe {

NetRows::Row& NetRows::at(std::string_view key) {
  auto found = rows_.find(key);
  if (found == rows_.end()) {
    found = rows_.emplace(std::string(key), Row()).first;
    bytes_ += static_cast<std::int64_t>(key.size());
  }
  return found->second;
}

void NetRows::add(std::string_view row, std::int64_t weight) {
  if (weight == 0) return;
  Row& net = at(row);
  net.weight += weight;
  net.turn = ++turns_;
  if (net.weight != 0) return;
  bytes_ -= static_cast<std::int64_t>(row.size());
  rows_.erase(rows_.find(row));
}

void NetRows::put(std::string_view key, std::string_view row) {
  Row& last = at(key);
  bytes_ += static_cast<std::int64_t>(row.size()) - static_cast<std::int64_t>(last.text.size());
  last = {std::string(row), 1, ++turns_};
}

std::string NetRows::take() {
  std::vector<const Rows::value_type*> in_order;
  in_order.reserve(rows_.size());
  for (const auto& row : rows_) in_order.push_back(&row);
  std::ranges::sort(in_order, {}, [](const auto* row) { return row->second.turn; });
  std::string lines;
  for (const auto* row : in_order) {
    lines += row->second.text.empty() ? row->first : row->second.text;
    lines += '\t';
    lines += std::to_string(row->second.weight);
    lines += '\n';
  }
  rows_.clear();
  bytes_ = 0;
  return lines;
}

}  // namespace troupe
