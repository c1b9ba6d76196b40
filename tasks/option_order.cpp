#include "tasks/option_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "tasks/document_steps.h"

namespace sizeup {
namespace {

// Which of the old places stands at each new one.
std::vector<size_t> new_order(OptionOrder::Order order, size_t count, const TextDraws& draws) {
  std::vector<size_t> places(count);
  std::iota(places.begin(), places.end(), size_t{0});
  switch (order) {
    case OptionOrder::Order::reversed:
      std::reverse(places.begin(), places.end());
      break;
    case OptionOrder::Order::rotated:
      std::rotate(places.begin(), places.begin() + 1, places.end());
      break;
    case OptionOrder::Order::shuffled:
      for (size_t left = count; left > 1; --left)
        std::swap(places[left - 1], places[draws.index_below(left, count - left)]);
      if (std::ranges::is_sorted(places)) std::rotate(places.begin(), places.begin() + 1, places.end());
      break;
  }
  return places;
}

Result<std::vector<std::string>> read_options(const Json& row, const std::vector<std::string>& fields,
                                              const std::string& place) {
  if (fields.size() == 1) return list_field(row, fields.front().c_str(), place);
  std::vector<std::string> options;
  for (const std::string& field : fields) {
    Result<std::string> text = text_field(row, field.c_str(), place);
    if (!text) return forward_error(text);
    options.push_back(std::move(*text));
  }
  return options;
}

// The answer where it is a place: an index, an index in digits, or a letter from A. Nothing: it is the text
// of an option, and goes with it.
struct NamedPlace {
  size_t place = 0;
  enum class Form { index, digits, letter } form = Form::index;

  Json written(size_t at) const {
    if (form == Form::index) return at;
    return form == Form::digits ? std::to_string(at) : std::string(1, static_cast<char>('A' + at));
  }
};

Result<std::optional<NamedPlace>> find_answer(const Json& answer, const std::vector<std::string>& options,
                                              const std::string& place) {
  NamedPlace named{options.size(), {}};
  if (answer.is_number_integer() && answer.get<int64_t>() >= 0) {
    named.place = answer.get<size_t>();
  } else if (answer.is_string()) {
    const auto& text = answer.get_ref<const std::string&>();
    if (std::ranges::find(options, text) != options.end()) return std::optional<NamedPlace>();
    const char first = text.size() == 1 ? text[0] : '\0';
    if (first >= '0' && first <= '9') named = {static_cast<size_t>(first - '0'), NamedPlace::Form::digits};
    if (first >= 'A' && first <= 'Z') named = {static_cast<size_t>(first - 'A'), NamedPlace::Form::letter};
  }
  if (named.place < options.size()) return std::optional(named);
  return bad_input(place,
                   fmt::format("the answer {} is none of the {} options", to_line(answer), options.size()),
                   "the text, the index from 0 or the letter of one");
}

}  // namespace

Result<void> OptionOrder::apply(Json& row, const std::string& place, const TextDraws& draws) const {
  Result<std::vector<std::string>> options = read_options(row, choices, place);
  if (!options) return forward_error(options);
  const auto given = row.find(answer);
  if (given == row.end()) return bad_input(place, fmt::format("the field '{}' is missing", answer));
  auto named = find_answer(*given, *options, place);
  if (!named) return forward_error(named);
  if (options->size() < 2) return {};
  const std::vector<size_t> places = new_order(order, options->size(), draws);
  if (*named) {
    const auto at = std::ranges::find(places, (*named)->place) - places.begin();
    *given = (*named)->written(static_cast<size_t>(at));
  }
  Json list = Json::array();
  for (size_t i = 0; i < places.size(); ++i) {
    if (choices.size() > 1) row[choices[i]] = (*options)[places[i]];
    list.push_back((*options)[places[i]]);
  }
  if (choices.size() == 1) row[choices.front()] = std::move(list);
  return {};
}

}  // namespace sizeup
