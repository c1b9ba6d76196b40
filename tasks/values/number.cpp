#include "tasks/values/number.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/jinja/text.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

Decimal canonical(bool negative, std::string_view whole, std::string_view fraction) {
  while (whole.size() > 1 && whole.front() == '0') whole.remove_prefix(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  std::string out(whole.empty() ? "0" : whole);
  if (!fraction.empty()) {
    out += '.';
    out += fraction;
  }
  return negative && out != "0" ? "-" + out : out;
}

// What may stand between digits of one number: '.' ',' and signs that only ever group thousands.
struct Separator {
  char kind;  // '.', ',' or '\'' for all that only group
  size_t bytes;
};

std::optional<Separator> separator_at(std::string_view rest) {
  if (rest.starts_with('.') || rest.starts_with(',') || rest.starts_with('\'')) return Separator{rest[0], 1};
  for (const std::string_view group : {"\u00A0", "\u202F", "\u2009", "\u2019"}) {
    if (rest.starts_with(group)) return Separator{'\'', group.size()};
  }
  return std::nullopt;
}

// Digits and separators that follow each other without a gap.
struct Chunk {
  std::vector<std::string_view> groups;
  std::vector<size_t> begins;  // of each group
  std::vector<char> separators;
  size_t begin = 0;
  size_t end = 0;
  bool negative = false;
};

Chunk chunk_at(std::string_view text, size_t begin) {
  Chunk chunk;
  chunk.begin = begin;
  size_t at = begin;
  while (true) {
    const size_t group = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    chunk.groups.push_back(text.substr(group, at - group));
    chunk.begins.push_back(group);
    const std::optional<Separator> separator = separator_at(text.substr(at));
    if (!separator || at + separator->bytes >= text.size() || !is_digit(text[at + separator->bytes])) break;
    chunk.separators.push_back(separator->kind);
    at += separator->bytes;
  }
  chunk.end = at;
  return chunk;
}

bool groups_thousands(const std::vector<std::string_view>& groups, size_t count) {
  if (groups[0].size() > 3 || groups[0].starts_with('0')) return false;
  return std::all_of(groups.begin() + 1, groups.begin() + static_cast<std::ptrdiff_t>(count),
                     [](std::string_view group) { return group.size() == 3; });
}

std::string joined(const std::vector<std::string_view>& groups, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += groups[i];
  return out;
}

std::vector<Decimal> readings_of(const Chunk& chunk) {
  const auto& groups = chunk.groups;
  const auto& separators = chunk.separators;
  if (separators.empty()) return {canonical(chunk.negative, groups[0], {})};
  std::vector<Decimal> readings;
  const char last = separators.back();
  const bool last_is_alone = std::count(separators.begin(), separators.end(), last) == 1;
  const bool others_agree = std::all_of(separators.begin(), separators.end() - 1,
                                        [&](char kind) { return kind == separators[0] && kind != last; });
  if (last != '\'' && last_is_alone && others_agree &&
      (separators.size() == 1 || groups_thousands(groups, groups.size() - 1))) {
    readings.push_back(canonical(chunk.negative, joined(groups, groups.size() - 1), groups.back()));
  }
  const bool one_kind =
      std::all_of(separators.begin(), separators.end(), [&](char kind) { return kind == last; });
  if (one_kind && groups_thousands(groups, groups.size())) {
    readings.push_back(canonical(chunk.negative, joined(groups, groups.size()), {}));
  }
  return readings;
}

// A minus belongs to the number unless something that can be counted or spelled stands before it.
bool has_minus(std::string_view text, size_t begin) {
  if (begin == 0) return false;
  const bool ascii = text[begin - 1] == '-';
  const bool typographic = begin >= 3 && text.substr(begin - 3, 3) == "\u2212";
  if (!ascii && !typographic) return false;
  const size_t sign = begin - (ascii ? 1 : 3);
  return sign == 0 || !is_alnum(text[sign - 1]);
}

struct Currency {
  std::string_view code;
  std::array<std::string_view, 4> spellings;  // folded
};

constexpr std::array<Currency, 12> kCurrencies = {{
    {"EUR", {"€", "euro", "euros", ""}},
    {"USD", {"$", "us$", "dollar", "dollars"}},
    {"GBP", {"£", "pound", "pounds", "sterling"}},
    {"JPY", {"¥", "yen", "", ""}},
    {"CHF", {"sfr", "franken", "swiss francs", "fr."}},
    {"SEK", {"swedish kronor", "swedish krona", "kr", ""}},
    {"NOK", {"norwegian kroner", "norwegian krone", "kr", ""}},
    {"DKK", {"danish kroner", "danish krone", "kr", ""}},
    {"PLN", {"zł", "zloty", "złoty", "zlotys"}},
    {"CZK", {"kč", "koruna", "korun", ""}},
    {"INR", {"₹", "rupee", "rupees", "rs"}},
    {"CNY", {"yuan", "renminbi", "rmb", ""}},
}};

// The code that a currency's written form means; the form itself in capitals if it is an unknown code.
std::string currency_code(std::string_view written) {
  const std::string folded = fold_text(written);
  for (const Currency& currency : kCurrencies) {
    if (folded == fold_text(currency.code)) return std::string(currency.code);
    if (std::find(currency.spellings.begin(), currency.spellings.end(), folded) != currency.spellings.end()) {
      return std::string(currency.code);
    }
  }
  const bool code = folded.size() == 3 &&
                    std::all_of(folded.begin(), folded.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  return code ? jinja::to_upper(folded) : std::string();
}

}  // namespace

std::vector<NumberInText> find_numbers(std::string_view text) {
  std::vector<NumberInText> numbers;
  for (size_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) {
      ++at;
      continue;
    }
    Chunk chunk = chunk_at(text, at);
    chunk.negative = has_minus(text, at);
    std::vector<Decimal> readings = readings_of(chunk);
    if (!readings.empty()) {
      numbers.push_back({chunk.begin, chunk.end, std::move(readings)});
    } else {
      for (size_t i = 0; i < chunk.groups.size(); ++i) {
        numbers.push_back({chunk.begins[i],
                           chunk.begins[i] + chunk.groups[i].size(),
                           {canonical(false, chunk.groups[i], {})}});
      }
    }
    at = chunk.end;
  }
  return numbers;
}

std::vector<Decimal> read_number(std::string_view text) {
  std::string compact;
  // A space between digits goes if exactly three digits follow: it groups thousands.
  const std::string_view stripped = python_strip(text);
  for (size_t i = 0; i < stripped.size(); ++i) {
    const bool grouping = stripped[i] == ' ' && i > 0 && is_digit(stripped[i - 1]) &&
                          i + 3 < stripped.size() && is_digit(stripped[i + 1]) && is_digit(stripped[i + 2]) &&
                          is_digit(stripped[i + 3]) &&
                          (i + 4 == stripped.size() || !is_digit(stripped[i + 4]));
    if (!grouping) compact += stripped[i];
  }
  const std::vector<NumberInText> numbers = find_numbers(compact);
  if (numbers.size() != 1 || numbers[0].end != compact.size()) return {};
  const std::string_view before = std::string_view(compact).substr(0, numbers[0].begin);
  return before.empty() || before == "-" || before == "+" || before == "\u2212" ? numbers[0].readings
                                                                                : std::vector<Decimal>{};
}

bool share_reading(const std::vector<Decimal>& a, const std::vector<Decimal>& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](const Decimal& value) { return std::find(b.begin(), b.end(), value) != b.end(); });
}

Money read_money(std::string_view text) {
  const std::string_view stripped = python_strip(text);
  const size_t first = stripped.find_first_of("0123456789");
  if (first == std::string_view::npos) return {};
  const size_t last = stripped.find_last_of("0123456789") + 1;
  std::string_view before = python_strip(stripped.substr(0, first));
  const bool minus = before.ends_with('-');
  if (minus) before = python_strip(before.substr(0, before.size() - 1));
  const std::string_view after = python_strip(stripped.substr(last));
  if (!before.empty() && !after.empty()) return {};
  Money money;
  const std::string_view written = before.empty() ? after : before;
  if (!written.empty() && written != ".-") {
    money.currency = currency_code(written);
    if (money.currency.empty()) return {};
  }
  money.amount = read_number((minus ? "-" : "") + std::string(stripped.substr(first, last - first)));
  return money;
}

bool same_money(const Money& a, const Money& b) {
  if (!a.currency.empty() && !b.currency.empty() && a.currency != b.currency) return false;
  return share_reading(a.amount, b.amount);
}

std::vector<std::string> currency_spellings(std::string_view code) {
  for (const Currency& currency : kCurrencies) {
    if (currency.code != code) continue;
    std::vector<std::string> out;
    for (const std::string_view spelling : currency.spellings) {
      if (!spelling.empty()) out.emplace_back(spelling);
    }
    return out;
  }
  return {};
}

}  // namespace sizeup
