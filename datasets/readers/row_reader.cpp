#include "datasets/readers/row_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "datasets/readers/csv_rows.h"
#include "datasets/readers/folder.h"
#include "datasets/readers/json_rows.h"
#include "datasets/readers/parquet_rows.h"
#include "datasets/readers/text_source.h"

namespace sizeup {
namespace {

using Rows = Result<std::unique_ptr<RowStream>>;

Rows open_text_rows(DataFormat format, TextSource& text, const RowOptions& options) {
  switch (format) {
    case DataFormat::json_lines:
      return json_line_rows(text);
    case DataFormat::json:
      return json_rows(text);
    case DataFormat::csv:
      return csv_rows(text, ',', options.column_names);
    case DataFormat::tsv:
      return csv_rows(text, '\t', options.column_names);
    case DataFormat::text:
      return text_rows(text, options.text_rows);
    case DataFormat::parquet:
      break;  // no text
  }
  throw InternalError("unknown DataFormat");
}

Result<std::string> hash_of(const std::filesystem::path& file) {
  Sha256 hash;
  Result<std::unique_ptr<ByteStream>> stream = open_data_stream(file, hash);
  if (!stream) return forward_error(stream);
  std::vector<char> buffer(kStreamChunk);
  while (true) {
    const Result<size_t> read = (*stream)->read(buffer);
    if (!read) return tl::unexpected<Error>(read.error());
    if (*read == 0) return to_hex(hash.digest());
  }
}

}  // namespace

struct RowReader::OpenFile {
  std::filesystem::path file;
  std::unique_ptr<TextSource> text;  // nothing: a Parquet file
  std::unique_ptr<RowStream> rows;

  Result<std::string> hash() const { return text == nullptr ? hash_of(file) : text->hash(); }

  std::string place() const {
    const size_t line = rows->line();
    return text == nullptr ? fmt::format("{}, row {}", file.string(), line) : text->place(line);
  }
};

RowReader::RowReader(std::vector<std::filesystem::path> files, RowOptions options, BadRows& bad_rows)
    : waiting_(std::move(files)), options_(std::move(options)), bad_rows_(&bad_rows) {
  std::reverse(waiting_.begin(), waiting_.end());
}

RowReader::~RowReader() = default;

Result<void> RowReader::open_next() {
  const std::filesystem::path file = std::move(waiting_.back());
  waiting_.pop_back();
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    Result<std::vector<std::filesystem::path>> files = data_files_of(file);
    if (!files) return forward_error(files);
    waiting_.insert(waiting_.end(), files->rbegin(), files->rend());
    return {};
  }
  Result<DataFormat> format = format_of(file);
  if (!format) return forward_error(format);
  const bool has_columns = *format == DataFormat::csv || *format == DataFormat::tsv;
  if (!options_.column_names.empty() && !has_columns) {
    return bad_input(file.string(), "column names are given for a file whose rows name their fields",
                     "column_names with .csv and .tsv files only");
  }
  if (*format == DataFormat::parquet) {
    if (without_compression(file) != file)
      return bad_input(file.string(), "Parquet files are compressed within themselves",
                       "the file as .parquet");
    Rows rows = parquet_rows(file);
    if (!rows) return forward_error(rows);
    open_ = std::make_unique<OpenFile>(OpenFile{file, nullptr, std::move(*rows)});
    return {};
  }
  Result<std::unique_ptr<TextSource>> text = TextSource::open(file, options_.max_bytes);
  if (!text) return forward_error(text);
  Rows rows = open_text_rows(*format, **text, options_);
  if (!rows) return forward_error(rows);
  open_ = std::make_unique<OpenFile>(OpenFile{file, std::move(*text), std::move(*rows)});
  return {};
}

Result<void> RowReader::close() {
  Result<std::string> hash = open_->hash();
  if (!hash) return forward_error(hash);
  hashes_ += *hash;
  ++hashed_;
  open_.reset();
  return {};
}

Result<std::optional<Json>> RowReader::next() {
  while (true) {
    if (open_ == nullptr && waiting_.empty()) return std::optional<Json>();
    if (open_ == nullptr) {
      if (Result<void> opened = open_next(); !opened) return forward_error(opened);
      continue;
    }
    NextRow row = open_->rows->next();
    if (row && !*row) {
      if (Result<void> closed = close(); !closed) return forward_error(closed);
      continue;
    }
    ++index_;
    if (row) {
      place_ = open_->place();
      return std::move(*row);
    }
    if (!row.error().can_go_on) return tl::unexpected<Error>(std::move(row.error().error));
    if (Result<void> counted = bad_rows_->add(std::move(row.error().error)); !counted) {
      return forward_error(counted);
    }
  }
}

std::string RowReader::place() const {
  return place_;
}

int64_t RowReader::index() const {
  return index_;
}

std::string RowReader::hash() const {
  require(open_ == nullptr && waiting_.empty(), "files are hashed when they have been read");
  return hashed_ == 1 ? hashes_ : sha256_hex(hashes_);
}

}  // namespace sizeup
