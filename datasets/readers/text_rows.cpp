#include "datasets/readers/text_rows.h"

#include <fmt/format.h>

#include <string>

#include "datasets/readers/utf8_text.h"

namespace sizeup {
namespace {

NextRow row_of(std::string text, const std::string& place) {
  if (Result<void> valid = check_utf8(text, place); !valid) {
    return bad_row(std::move(valid.error()));
  }
  return Json{{"text", std::move(text)}};
}

tl::unexpected<Error> too_long(const std::string& place, const char* what) {
  return bad_input(place, fmt::format("{} has more than {} bytes", what, kMaxRowBytes));
}

class LineRows : public RowStream {
 public:
  explicit LineRows(TextSource& text) : text_(text) {}

  NextRow next() override {
    line_ = text_.line();
    std::string row;
    const bool has_end = text_.take_line(row);
    if (text_.failure()) return broken_file(*text_.failure());
    if (!has_end && row.empty()) return std::nullopt;
    if (text_.line_too_long()) return bad_row(too_long(text_.place(line_), "the line"));
    if (row.ends_with('\r')) row.pop_back();
    return row_of(std::move(row), text_.place(line_));
  }
  size_t line() const override { return line_; }

 private:
  TextSource& text_;
  size_t line_ = 1;
};

class DocumentRows : public RowStream {
 public:
  explicit DocumentRows(TextSource& text) : text_(text) {}

  NextRow next() override {
    if (done_) return std::nullopt;
    done_ = true;
    std::string row;
    for (std::string_view ahead = text_.ahead(); !ahead.empty(); ahead = text_.ahead()) {
      row += ahead;
      text_.skip(ahead.size());
      if (row.size() > kMaxRowBytes) return broken_file(too_long(text_.file(), "the text"));
    }
    if (text_.failure()) return broken_file(*text_.failure());
    return row_of(std::move(row), text_.place(1));
  }
  size_t line() const override { return 1; }

 private:
  TextSource& text_;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<RowStream> text_rows(TextSource& text, TextRows rows) {
  if (rows == TextRows::documents) return std::make_unique<DocumentRows>(text);
  return std::make_unique<LineRows>(text);
}

}  // namespace sizeup
