#include "runtime/formats/null_values.hpp"

#include "runtime/base/ensure.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <cstring>

namespace troupe {
namespace {

using DataPtr = std::shared_ptr<arrow::ArrayData>;

bool points_elsewhere(const arrow::DataType& type) {
  return arrow::is_binary_view_like(type.id()) || type.id() == arrow::Type::DICTIONARY;
}

bool any_points_elsewhere(const arrow::DataType& type) {
  if (type.id() == arrow::Type::EXTENSION) {
    return any_points_elsewhere(*static_cast<const arrow::ExtensionType&>(type).storage_type());
  }
  return points_elsewhere(type) ||
         std::any_of(type.fields().begin(), type.fields().end(),
                     [](const auto& field) { return any_points_elsewhere(*field->type()); });
}

std::int64_t width_of(const arrow::DataType& type) {
  if (type.id() != arrow::Type::DICTIONARY) return sizeof(arrow::BinaryViewType::c_type);
  return static_cast<const arrow::DictionaryType&>(type).index_type()->byte_width();
}

/// The values of a column, zero where it is null.
std::shared_ptr<arrow::Buffer> zeroed(const arrow::ArrayData& column, std::int64_t width) {
  const std::int64_t bytes = (column.offset + column.length) * width;
  auto copied = arrow::AllocateBuffer(bytes);
  ENSURE(copied.ok(), "{}", copied.status().ToString());
  std::uint8_t* values = (*copied)->mutable_data();
  std::memcpy(values, column.buffers[1]->data(), static_cast<std::size_t>(bytes));
  for (std::int64_t row = column.offset; row < column.offset + column.length; ++row) {
    if (arrow::bit_util::GetBit(column.buffers[0]->data(), row)) continue;
    std::memset(values + row * width, 0, static_cast<std::size_t>(width));
  }
  return *std::move(copied);
}

DataPtr emptied(const DataPtr& column) {
  if (!any_points_elsewhere(*column->type)) return column;
  auto made = std::make_shared<arrow::ArrayData>(*column);
  const arrow::DataType& type =
      column->type->id() == arrow::Type::EXTENSION
          ? *static_cast<const arrow::ExtensionType&>(*column->type).storage_type()
          : *column->type;
  if (points_elsewhere(type) && column->buffers[0] != nullptr && column->GetNullCount() > 0) {
    made->buffers[1] = zeroed(*column, width_of(type));
  }
  for (DataPtr& child : made->child_data) child = emptied(child);
  if (made->dictionary != nullptr) made->dictionary = emptied(made->dictionary);
  return made;
}

}  // namespace

std::shared_ptr<arrow::Array> with_empty_nulls(const std::shared_ptr<arrow::Array>& column) {
  const DataPtr data = emptied(column->data());
  return data == column->data() ? column : arrow::MakeArray(data);
}

}  // namespace troupe
