#include "harness/store/model_text.h"

#include <algorithm>

namespace sizeup {

std::string_view without_name(const ModelRow& row) {
  const std::string_view reference = row.reference;
  const bool named = reference.starts_with(row.name) && reference.substr(row.name.size()).starts_with('=');
  return named ? reference.substr(row.name.size() + 1) : reference;
}

std::string without_folders(std::string_view reference) {
  // Everything before ? is the place; options after it hold adapters, which are paths as well.
  const size_t query = reference.find('?');
  const std::string_view place = reference.substr(0, query);
  const bool absolute = place.starts_with('/') || place.starts_with('~') || place.find(":/") == 1;
  const size_t slash = place.find_last_of("/\\", place.size() < 2 ? 0 : place.size() - 2);
  std::string out(absolute && slash != std::string_view::npos ? place.substr(slash + 1) : place);
  if (query == std::string_view::npos) return out;
  char separator = '?';
  for (std::string_view rest = reference.substr(query + 1); !rest.empty();) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view option = rest.substr(0, end);
    const size_t equals = std::min(option.find('='), option.size());
    const std::string_view value = equals < option.size() ? option.substr(equals + 1) : std::string_view{};
    out += separator;
    out += option.substr(0, equals);
    if (equals < option.size()) out += "=" + without_folders(value.substr(0, value.find('?')));
    separator = '&';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

std::string shown_reference(const ModelRow& row) {
  return without_folders(without_name(row));
}

}  // namespace sizeup
