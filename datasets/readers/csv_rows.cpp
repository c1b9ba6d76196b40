#include "datasets/readers/csv_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "core/json/json.h"

namespace sizeup {
namespace {

using Cells = std::vector<std::string>;

// Reads row by row; knows the line, which quoted cells with newlines make different from the row's number.
class CsvReader {
 public:
  CsvReader(std::string_view text, char separator, const std::string& file)
      : text_(text), separator_(separator), file_(file) {}

  // The next row that is not an empty line, nullopt at the end.
  Result<std::optional<Cells>> next() {
    while (at_end_of_row() && at_ < text_.size()) end_row();
    if (at_ >= text_.size()) return std::optional<Cells>();
    row_line_ = line_;
    Cells cells;
    while (true) {
      Result<std::string> cell = at_ < text_.size() && text_[at_] == '"' ? quoted() : plain();
      if (!cell) return forward_error(cell);
      cells.push_back(std::move(*cell));
      if (at_end_of_row()) {
        end_row();
        return std::optional<Cells>(std::move(cells));
      }
      ++at_;  // the separator
    }
  }

  // Of the row that next() gave last.
  std::string place() const { return fmt::format("{}:{}", file_, row_line_); }

 private:
  bool at_end_of_row() const {
    return at_ >= text_.size() || text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n";
  }

  void end_row() {
    if (at_ >= text_.size()) return;
    at_ += text_[at_] == '\r' ? 2 : 1;
    ++line_;
  }

  // A quote inside an unquoted cell is an ordinary character, as in Python's csv and most TSV files.
  Result<std::string> plain() {
    const size_t begin = at_;
    for (; !at_end_of_row() && text_[at_] != separator_; ++at_) {
      if (text_[at_] != '\r') continue;
      // The end of a row for some programs, a part of the cell for others: no reading of it would be safe.
      return bad_input(fmt::format("{}:{}", file_, line_), "a carriage return without a newline",
                       "rows that end with \\n or \\r\\n", "convert the line ends, or quote the cell");
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  Result<std::string> quoted() {
    const size_t opened = line_;
    std::string cell;
    ++at_;
    while (true) {
      const size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) {
        return bad_input(fmt::format("{}:{}", file_, opened), "a quoted cell is never closed", "a closing \"",
                         "a quote inside a quoted cell is written twice; the file may also be cut short");
      }
      append_counting_lines(cell, text_.substr(at_, quote - at_));
      at_ = quote + 1;
      if (at_ >= text_.size() || text_[at_] != '"') break;
      cell += '"';
      ++at_;
    }
    if (!at_end_of_row() && text_[at_] != separator_) {
      return bad_input(
          fmt::format("{}:{}", file_, line_), "text follows a quoted cell",
          fmt::format("'{}' or the end of the row after the closing \"", separator_ == '\t' ? "\\t" : ","),
          "a quote inside a quoted cell is written twice");
    }
    return cell;
  }

  void append_counting_lines(std::string& cell, std::string_view part) {
    line_ += static_cast<size_t>(std::count(part.begin(), part.end(), '\n'));
    cell += part;
  }

  std::string_view text_;
  char separator_;
  const std::string& file_;
  size_t at_ = 0;
  size_t line_ = 1;
  size_t row_line_ = 1;
};

Result<void> check_header(const Cells& header, const std::string& place) {
  std::unordered_set<std::string> seen;
  for (size_t i = 0; i < header.size(); ++i) {
    if (header[i].empty()) {
      return bad_input(place, fmt::format("column {} has no name", i + 1),
                       "a header row that names every column");
    }
    if (!seen.insert(header[i]).second) {
      return bad_input(place, fmt::format("two columns are named '{}'", header[i]), "different names");
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Json>> read_csv(std::string_view text, char separator, const std::string& file,
                                   const std::vector<std::string>& column_names) {
  CsvReader reader(text, separator, file);
  Cells names = column_names;
  if (column_names.empty()) {
    Result<std::optional<Cells>> header = reader.next();
    if (!header) return forward_error(header);
    if (!*header) return bad_input(file, "the file is empty", "a header row that names the columns");
    names = std::move(**header);
  }
  Result<void> checked =
      check_header(names, column_names.empty() ? reader.place() : file + " (column_names)");
  if (!checked) return forward_error(checked);
  std::vector<Json> rows;
  while (true) {
    Result<std::optional<Cells>> cells = reader.next();
    if (!cells) return forward_error(cells);
    if (!*cells) return rows;
    if ((*cells)->size() != names.size()) {
      return bad_input(reader.place(), fmt::format("the row has {} cells", (*cells)->size()),
                       fmt::format("{} cells, as {}", names.size(),
                                   column_names.empty() ? "in the header" : "column_names has"),
                       "a cell that contains the separator, a quote or a newline must be quoted");
    }
    Json row = Json::object();
    for (size_t i = 0; i < names.size(); ++i) row[names[i]] = std::move((**cells)[i]);
    rows.push_back(std::move(row));
  }
}

}  // namespace sizeup
