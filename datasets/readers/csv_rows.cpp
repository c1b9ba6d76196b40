#include "datasets/readers/csv_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "datasets/readers/utf8_text.h"

namespace sizeup {
namespace {

using Cells = std::vector<std::string>;

// Splits the text into rows of cells, and keeps the line that a row begins at.
class CsvCells {
 public:
  CsvCells(TextSource& text, char separator) : text_(text), separator_(separator) {}

  // A row that is not an empty line, nullopt at the end. After a bad row the next one begins at the next
  // line.
  RowResult<std::optional<Cells>> next() {
    while (at_end_of_row() && !text_.at_end()) end_row();
    line_ = text_.line();
    if (text_.at_end()) return end();
    Cells cells;
    bytes_ = 0;
    while (true) {
      std::string cell;
      const RowResult<void> taken = text_.ahead().starts_with('"') ? take_quoted(cell) : take_plain(cell);
      if (text_.failure()) return broken_file(*text_.failure());
      if (!taken) {
        std::string rest;
        text_.take_line(rest);
        return tl::unexpected<RowFailure>(taken.error());
      }
      bytes_ += cell.size() + 1;
      if (bytes_ > kMaxRowBytes) return broken_file(too_long());
      cells.push_back(std::move(cell));
      if (!at_end_of_row()) {
        text_.skip(1);  // the separator
        continue;
      }
      end_row();
      return std::optional<Cells>(std::move(cells));
    }
  }

  size_t line() const { return line_; }
  std::string place() const { return text_.place(line_); }

 private:
  RowResult<std::optional<Cells>> end() const {
    if (text_.failure()) return broken_file(*text_.failure());
    return std::nullopt;
  }

  tl::unexpected<Error> too_long() const {
    return bad_input(place(), fmt::format("the row has more than {} bytes", kMaxRowBytes),
                     "rows of a data set, each far smaller", "a quote may be missing");
  }

  bool at_end_of_row() {
    const std::string_view ahead = text_.ahead(2);
    return ahead.empty() || ahead[0] == '\n' || ahead.starts_with("\r\n");
  }

  void end_row() {
    const std::string_view ahead = text_.ahead(2);
    if (!ahead.empty()) text_.skip(ahead[0] == '\r' ? 2 : 1);
  }

  // A quote inside an unquoted cell is an ordinary character, as in Python's csv and most TSV files.
  RowResult<void> take_plain(std::string& cell) {
    const char stops[] = {separator_, '\r', '\n'};
    while (!at_end_of_row()) {
      const std::string_view ahead = text_.ahead();
      const size_t stop = ahead.find_first_of({stops, sizeof stops});
      cell += ahead.substr(0, stop);
      if (cell.size() > kMaxRowBytes) return broken_file(too_long());
      text_.skip(std::min(stop, ahead.size()));
      if (stop == std::string_view::npos || at_end_of_row()) continue;
      if (text_.ahead()[0] == separator_) return {};
      // The end of a row for some programs, a part of the cell for others: no reading of it would be safe.
      return bad_row(bad_input(text_.place(text_.line()), "a carriage return without a newline",
                               "rows that end with \\n or \\r\\n",
                               "convert the line ends, or quote the cell"));
    }
    return {};
  }

  RowResult<void> take_quoted(std::string& cell) {
    const size_t opened = text_.line();
    text_.skip(1);
    while (true) {
      const std::string_view ahead = text_.ahead();
      if (ahead.empty()) {
        return broken_file(
            bad_input(text_.place(opened), "a quoted cell is never closed", "a closing \"",
                      "a quote inside a quoted cell is written twice; the file may also be cut short"));
      }
      const size_t quote = ahead.find('"');
      cell += ahead.substr(0, quote);
      if (cell.size() > kMaxRowBytes) return broken_file(too_long());
      text_.skip(quote == std::string_view::npos ? ahead.size() : quote + 1);
      if (quote == std::string_view::npos) continue;
      if (!text_.ahead().starts_with('"')) break;
      cell += '"';
      text_.skip(1);
    }
    if (at_end_of_row() || text_.ahead()[0] == separator_) return {};
    return bad_row(bad_input(
        text_.place(text_.line()), "text follows a quoted cell",
        fmt::format("'{}' or the end of the row after the closing \"", separator_ == '\t' ? "\\t" : ","),
        "a quote inside a quoted cell is written twice"));
  }

  TextSource& text_;
  char separator_;
  size_t line_ = 1;
  size_t bytes_ = 0;  // of the row so far
};

Result<void> check_header(const Cells& header, const std::string& place) {
  std::unordered_set<std::string> seen;
  for (size_t i = 0; i < header.size(); ++i) {
    if (Result<void> valid = check_utf8(header[i], place); !valid) return valid;
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

class CsvRows : public RowStream {
 public:
  CsvRows(CsvCells cells, Cells names, const char* names_from)
      : cells_(cells), names_(std::move(names)), names_from_(names_from) {}

  NextRow next() override {
    RowResult<std::optional<Cells>> cells = cells_.next();
    if (!cells) return tl::unexpected<RowFailure>(std::move(cells.error()));
    if (!*cells) return std::nullopt;
    if ((*cells)->size() != names_.size()) {
      return bad_row(bad_input(cells_.place(), fmt::format("the row has {} cells", (*cells)->size()),
                               fmt::format("{} cells, as {}", names_.size(), names_from_),
                               "a cell that contains the separator, a quote or a newline must be quoted"));
    }
    Json row = Json::object();
    for (size_t i = 0; i < names_.size(); ++i) {
      std::string& cell = (**cells)[i];
      if (Result<void> valid = check_utf8(cell, cells_.place()); !valid) {
        return bad_row(std::move(valid.error()));
      }
      row.get_ref<Json::object_t&>().emplace_back(names_[i], std::move(cell));
    }
    return row;
  }
  size_t line() const override { return cells_.line(); }

 private:
  CsvCells cells_;
  Cells names_;
  const char* names_from_;
};

}  // namespace

Result<std::unique_ptr<RowStream>> csv_rows(TextSource& text, char separator,
                                            const std::vector<std::string>& column_names) {
  CsvCells cells(text, separator);
  if (!column_names.empty()) {
    Result<void> checked = check_header(column_names, text.file() + " (column_names)");
    if (!checked) return forward_error(checked);
    return std::make_unique<CsvRows>(cells, column_names, "column_names has");
  }
  RowResult<std::optional<Cells>> header = cells.next();
  if (!header) return tl::unexpected<Error>(std::move(header.error().error));
  if (!*header) return bad_input(text.file(), "the file is empty", "a header row that names the columns");
  if (Result<void> checked = check_header(**header, cells.place()); !checked) return forward_error(checked);
  return std::make_unique<CsvRows>(cells, std::move(**header), "in the header");
}

}  // namespace sizeup
