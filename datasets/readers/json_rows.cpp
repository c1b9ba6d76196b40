#include "datasets/readers/json_rows.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "datasets/readers/utf8_text.h"

namespace sizeup {
namespace {

constexpr std::string_view kJsonSpace = " \t\r\n";

bool is_blank(std::string_view line) {
  return line.find_first_not_of(kJsonSpace) == std::string_view::npos;
}

// The first thing that is no white space; nothing at the end of the text.
std::optional<char> next_character(TextSource& text) {
  for (std::string_view ahead = text.ahead(); !ahead.empty(); ahead = text.ahead()) {
    const size_t found = ahead.find_first_not_of(kJsonSpace);
    text.skip(found == std::string_view::npos ? ahead.size() : found);
    if (found != std::string_view::npos) return ahead[found];
  }
  return std::nullopt;
}

tl::unexpected<Error> too_long(const std::string& place) {
  return bad_input(place, fmt::format("the row has more than {} bytes", kMaxRowBytes),
                   "rows of a data set, each far smaller");
}

tl::unexpected<Error> not_an_object(const std::string& place, const Json& row) {
  return bad_input(place, fmt::format("the row is {} {}", row.is_array() ? "an" : "a", row.type_name()),
                   R"(an object such as {"question": "...", "answer": "..."})");
}

// A row's text as an object. `explain` changes the error of what is no JSON.
template <class Explain>
NextRow parse_row(std::string_view row, const std::string& place, Explain&& explain) {
  if (Result<void> valid = check_utf8(row, place); !valid) return bad_row(std::move(valid.error()));
  Result<Json> parsed = parse_json(row, place);
  if (!parsed) {
    explain(parsed.error());
    return bad_row(std::move(parsed.error()));
  }
  if (!parsed->is_object()) return bad_row(not_an_object(place, *parsed));
  return std::move(*parsed);
}

class JsonLineRows : public RowStream {
 public:
  JsonLineRows(TextSource& text, const char* expected) : text_(text), expected_(expected) {}

  NextRow next() override {
    while (true) {
      line_ = text_.line();
      const bool has_end = text_.take_line(row_);
      if (text_.failure()) return broken_file(*text_.failure());
      if (text_.line_too_long()) return bad_row(too_long(text_.place(line_)));
      if (!is_blank(row_)) return parsed(has_end);
      if (!has_end) return std::nullopt;
    }
  }
  size_t line() const override { return line_; }

 private:
  NextRow parsed(bool has_end) const {
    return parse_row(row_, text_.place(line_), [&](Error& error) {
      error.expected = expected_;
      if (!has_end) error.hint = "the file ends within this row: the download or copy may be incomplete";
    });
  }

  TextSource& text_;
  const char* expected_;
  std::string row_;
  size_t line_ = 1;
};

// The elements of an array are told apart by their brackets and parsed one by one.
class JsonArrayRows : public RowStream {
 public:
  explicit JsonArrayRows(TextSource& text) : text_(text) { text_.skip(1); }

  NextRow next() override {
    const std::optional<char> begin = next_character(text_);
    if (closed_ || (none_yet_ && begin == ']')) return end();
    none_yet_ = false;
    line_ = text_.line();
    if (const RowResult<void> taken = take_element(); !taken) {
      return tl::unexpected<RowFailure>(taken.error());
    }
    return parse_row(element_, text_.place(line_), [&](Error& error) {
      if (element_.find('\n') != std::string::npos) error.message += " of the row that begins here";
    });
  }
  size_t line() const override { return line_; }

 private:
  // After the last element nothing may follow.
  NextRow end() {
    if (!closed_) text_.skip(1);
    closed_ = true;
    const std::optional<char> rest = next_character(text_);
    if (text_.failure()) return broken_file(*text_.failure());
    if (!rest) return std::nullopt;
    return broken_file(
        bad_input(text_.place(text_.line()), "text follows the array", "one array of objects"));
  }

  // Up to the comma or bracket behind it, which is taken too.
  RowResult<void> take_element() {
    element_.clear();
    size_t depth = 0;
    bool in_string = false;
    bool escaped = false;
    for (std::string_view ahead = text_.ahead(); !ahead.empty(); ahead = text_.ahead()) {
      for (size_t i = 0; i < ahead.size(); ++i) {
        const char c = ahead[i];
        if (in_string) {
          in_string = escaped || c != '"';
          escaped = !escaped && c == '\\';
        } else if (depth == 0 && (c == ',' || c == ']')) {
          element_.append(ahead.substr(0, i));
          text_.skip(i + 1);
          closed_ = c == ']';
          return {};
        } else if (c == '[' || c == '{') {
          ++depth;
        } else if ((c == ']' || c == '}') && depth > 0) {
          --depth;
        } else {
          in_string = c == '"';
        }
      }
      element_.append(ahead);
      text_.skip(ahead.size());
      if (element_.size() > kMaxRowBytes) return broken_file(too_long(text_.place(line_)));
    }
    if (text_.failure()) return broken_file(*text_.failure());
    return broken_file(bad_input(text_.place(line_), "the array ends within this row", "a closing ]",
                                 "the download or copy may be incomplete"));
  }

  TextSource& text_;
  std::string element_;
  size_t line_ = 1;
  bool none_yet_ = true;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<RowStream> json_line_rows(TextSource& text) {
  return std::make_unique<JsonLineRows>(text, "one JSON object per line");
}

Result<std::unique_ptr<RowStream>> json_rows(TextSource& text) {
  const std::optional<char> first = next_character(text);
  if (text.failure()) return tl::unexpected<Error>(*text.failure());
  if (!first) return bad_input(text.file(), "the file is empty", "an array of objects");
  if (first == '[') return std::make_unique<JsonArrayRows>(text);
  return std::make_unique<JsonLineRows>(text, "an array of objects, or one object a line");
}

}  // namespace sizeup
