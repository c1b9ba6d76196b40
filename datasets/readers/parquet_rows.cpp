#include "datasets/readers/parquet_rows.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>

#include <algorithm>

namespace sizeup {
namespace {

constexpr int64_t kBatchRows = 1024;  // a few megabytes of texts
constexpr int kMaxDepth = 64;         // of lists and structs in each other; recursion ends there

tl::unexpected<Error> broken(const std::string& file, const std::string& why) {
  return bad_input(file, fmt::format("no readable Parquet file: {}", why), "", "write it anew");
}

// The first column, or part of one, of a type that no row of texts and numbers has; empty if there is none.
std::string strange_type(const arrow::Field& field, int depth = 0) {
  const arrow::DataType& type = *field.type();
  const auto refused = [&] { return fmt::format("'{}' is {}", field.name(), type.ToString()); };
  if (depth == kMaxDepth) return refused();
  switch (type.id()) {
    case arrow::Type::NA:
    case arrow::Type::BOOL:
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return {};
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::STRUCT:
      for (const auto& part : type.fields()) {
        if (std::string found = strange_type(*part, depth + 1); !found.empty()) return found;
      }
      return {};
    case arrow::Type::DICTIONARY:
      return strange_type(
          arrow::Field(field.name(), static_cast<const arrow::DictionaryType&>(type).value_type()),
          depth + 1);
    default:
      return arrow::is_integer(type.id()) || arrow::is_floating(type.id()) ? std::string() : refused();
  }
}

// "2026-01-02 03:04:05.000" of Arrow's as ISO 8601 has it, a fraction of zeros left out.
std::string time_text(std::string text) {
  std::replace(text.begin(), text.end(), ' ', 'T');
  const size_t point = text.find('.');
  if (point != std::string::npos && text.find_first_not_of('0', point + 1) == std::string::npos)
    text.resize(point);
  return text;
}

Json number(const arrow::Scalar& scalar) {
  switch (scalar.type->id()) {
    case arrow::Type::UINT8:
      return static_cast<const arrow::UInt8Scalar&>(scalar).value;
    case arrow::Type::INT8:
      return static_cast<const arrow::Int8Scalar&>(scalar).value;
    case arrow::Type::UINT16:
      return static_cast<const arrow::UInt16Scalar&>(scalar).value;
    case arrow::Type::INT16:
      return static_cast<const arrow::Int16Scalar&>(scalar).value;
    case arrow::Type::UINT32:
      return static_cast<const arrow::UInt32Scalar&>(scalar).value;
    case arrow::Type::INT32:
      return static_cast<const arrow::Int32Scalar&>(scalar).value;
    case arrow::Type::UINT64:
      return static_cast<const arrow::UInt64Scalar&>(scalar).value;
    case arrow::Type::INT64:
      return static_cast<const arrow::Int64Scalar&>(scalar).value;
    case arrow::Type::FLOAT:
      return static_cast<double>(static_cast<const arrow::FloatScalar&>(scalar).value);
    case arrow::Type::DOUBLE:
      return static_cast<const arrow::DoubleScalar&>(scalar).value;
    default:  // half precision
      return std::stod(scalar.ToString());
  }
}

Json to_json(const arrow::Scalar& scalar);

Json to_json(const arrow::Array& list) {
  Json out = Json::array();
  for (int64_t i = 0; i < list.length(); ++i) out.push_back(to_json(**list.GetScalar(i)));
  return out;
}

Json to_json(const arrow::Scalar& scalar) {
  if (!scalar.is_valid) return nullptr;
  switch (scalar.type->id()) {
    case arrow::Type::NA:
      return nullptr;
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanScalar&>(scalar).value;
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return std::string(static_cast<const arrow::BaseBinaryScalar&>(scalar).view());
    case arrow::Type::TIMESTAMP:
      return time_text(scalar.ToString());
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return scalar.ToString();
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
      return to_json(*static_cast<const arrow::BaseListScalar&>(scalar).value);
    case arrow::Type::DICTIONARY:
      return to_json(**static_cast<const arrow::DictionaryScalar&>(scalar).GetEncodedValue());
    case arrow::Type::STRUCT: {
      Json out = Json::object();
      const auto& parts = static_cast<const arrow::StructScalar&>(scalar).value;
      for (size_t i = 0; i < parts.size(); ++i)
        out[scalar.type->field(static_cast<int>(i))->name()] = to_json(*parts[i]);
      return out;
    }
    default:
      return number(scalar);
  }
}

class ParquetRows : public RowStream {
 public:
  ParquetRows(std::string file, std::unique_ptr<parquet::arrow::FileReader> reader,
              std::shared_ptr<arrow::RecordBatchReader> batches)
      : file_(std::move(file)), reader_(std::move(reader)), batches_(std::move(batches)) {}

  // What Arrow finds wrong is a Status; values are checked (ValidateFull) before they are looked at, so that
  // an array's own functions have nothing left to fail at.
  NextRow next() override {
    while (batch_ == nullptr || at_ == batch_->num_rows()) {
      at_ = 0;
      const arrow::Status read = batches_->ReadNext(&batch_);
      if (!read.ok()) return broken_file(broken(file_, read.ToString()));
      if (batch_ == nullptr) return std::optional<Json>();
      const arrow::Status valid = batch_->ValidateFull();
      if (!valid.ok()) return broken_file(broken(file_, valid.ToString()));
    }
    Json row = Json::object();
    for (int column = 0; column < batch_->num_columns(); ++column)
      row[batch_->column_name(column)] = to_json(**batch_->column(column)->GetScalar(at_));
    ++at_;
    ++row_;
    return std::optional(std::move(row));
  }

  size_t line() const override { return row_; }

 private:
  std::string file_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  int64_t at_ = 0;  // in the batch
  size_t row_ = 0;  // of the last row, from 1
};

}  // namespace

std::string parquet_support() {
  return "Arrow " ARROW_VERSION_STRING;
}

Result<std::unique_ptr<RowStream>> parquet_rows(const std::filesystem::path& file) {
  const std::string name = file.string();
  arrow::Result<std::shared_ptr<arrow::io::ReadableFile>> opened = arrow::io::ReadableFile::Open(name);
  if (!opened.ok()) return unavailable(name, "the file cannot be opened", opened.status().ToString());
  parquet::arrow::FileReaderBuilder builder;
  arrow::Status status = builder.Open(*opened);
  if (!status.ok()) return broken(name, status.ToString());
  parquet::ArrowReaderProperties properties;
  properties.set_batch_size(kBatchRows);
  properties.set_use_threads(false);
  properties.set_pre_buffer(false);  // a row group's columns are read as they are asked for
  std::unique_ptr<parquet::arrow::FileReader> reader;
  status = builder.properties(properties)->Build(&reader);
  if (!status.ok()) return broken(name, status.ToString());
  std::shared_ptr<arrow::Schema> schema;
  status = reader->GetSchema(&schema);
  if (!status.ok()) return broken(name, status.ToString());
  for (const auto& column : schema->fields()) {
    const std::string strange = strange_type(*column);
    if (!strange.empty()) {
      return bad_input(name, fmt::format("the column {}, which is no text or number", strange),
                       "columns of texts, numbers, and lists and structs of them", "leave the column out");
    }
  }
  arrow::Result<std::unique_ptr<arrow::RecordBatchReader>> batches = reader->GetRecordBatchReader();
  if (!batches.ok()) return broken(name, batches.status().ToString());
  return std::make_unique<ParquetRows>(name, std::move(reader), std::move(*batches));
}

}  // namespace sizeup
