#include "tasks/expression.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tasks/text/nearest.h"
#include "tasks/text/python_literal.h"

namespace sizeup {
namespace {

constexpr const char* kDocument = "_doc";

bool is_number(std::string_view text) {
  constexpr size_t kMostDigits = 9;  // an index that fits an int
  return !text.empty() && text.size() <= kMostDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result<std::vector<std::string>> fixed_texts(const YamlNode& node, const std::string& key) {
  std::vector<std::string> texts;
  // A map's values, as lm-evaluation-harness takes them.
  for (const auto& [name, value] : node.entries) {
    if (!value.is_scalar())
      return bad_input(value.place, fmt::format("'{}' holds something else than texts", key));
    texts.push_back(value.text);
  }
  for (const YamlNode& item : node.items) {
    if (!item.is_scalar())
      return bad_input(item.place, fmt::format("'{}' holds something else than texts", key));
    texts.push_back(item.text);
  }
  if (texts.empty()) return bad_input(node.place, fmt::format("'{}' is an empty list", key));
  return texts;
}

}  // namespace

tl::unexpected<Error> unknown_field(const std::string& place, const std::string& key,
                                    const std::string& field, const std::vector<std::string>& columns) {
  return bad_input(place,
                   fmt::format("'{}' names the field '{}', which the documents do not have", key, field),
                   fmt::format("one of {}", fmt::join(columns, ", ")), did_you_mean(field, columns));
}

bool is_word(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && letter(text[0]) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool is_text_list(const Json& value) {
  return value.is_array() &&
         std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_string(); });
}

std::string python_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "None";
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  return to_line(value);
}

Result<Expression> Expression::parse(const YamlNode& node, const std::string& key,
                                     const std::vector<std::string>& columns) {
  Expression out;
  out.key_ = key;
  out.place_ = node.place;
  if (node.kind == YamlNode::Kind::integer) {
    out.number_ = node.integer;
    return out;
  }
  if (!node.is_scalar()) {
    Result<std::vector<std::string>> texts = fixed_texts(node, key);
    if (!texts) return forward_error(texts);
    out.list_ = std::move(*texts);
    return out;
  }
  if (std::find(columns.begin(), columns.end(), node.text) != columns.end()) {
    out.field_ = node.text;
    return out;
  }
  if (is_word(node.text)) return unknown_field(node.place, key, node.text, columns);
  Result<Template> parsed = Template::parse(node.text, TemplateSettings::prompt(), node.place);
  if (!parsed) return forward_error(parsed);
  out.template_ = std::move(*parsed);
  out.names_document_ = node.text.find(kDocument) != std::string::npos;
  return out;
}

Result<std::string> Expression::render(const Json& document, const std::string& place) const {
  const auto with_itself = [&document] {
    Json variables = document;
    variables[kDocument] = document;
    return variables;
  };
  Result<std::string> rendered = template_->render(names_document_ ? with_itself() : document);
  if (!rendered) {
    Error error = std::move(rendered.error());
    if (error.place.empty()) error.place = place_;
    error.message = fmt::format("{} of {}: {}", key_, place, error.message);
    return tl::unexpected<Error>(std::move(error));
  }
  return rendered;
}

Result<std::string> Expression::text(const Json& document, const std::string& place) const {
  if (template_) return render(document, place);
  if (number_) return std::to_string(*number_);
  if (list_) return bad_input(place_, fmt::format("'{}' is a list", key_), "a text");
  if (!document.contains(*field_)) return bad_input(place, fmt::format("the field '{}' is missing", *field_));
  const Json& value = document[*field_];
  if (value.is_null() || value.is_structured()) {
    return bad_input(place, fmt::format("the field '{}' ({} of the task) is no text", *field_, key_),
                     "a text");
  }
  return python_text(value);
}

Result<Json> Expression::target(const Json& document, const std::string& place, bool has_choices) const {
  if (number_) return Json(*number_);
  if (list_) return Json(*list_);
  if (field_) {
    if (!document.contains(*field_))
      return bad_input(place, fmt::format("the field '{}' is missing", *field_));
    return document[*field_];
  }
  Result<std::string> rendered = render(document, place);
  if (!rendered) return forward_error(rendered);
  if (has_choices && is_number(*rendered)) return Json(std::stoi(*rendered));
  if (rendered->size() >= 2 && rendered->front() == '[' && rendered->back() == ']') {
    if (std::optional<Json> literal = parse_python_literal(*rendered)) return std::move(*literal);
  }
  return Json(std::move(*rendered));
}

Result<std::vector<std::string>> Expression::texts(const Json& document, const std::string& place) const {
  if (list_) return *list_;
  Json value;
  if (field_) {
    if (!document.contains(*field_))
      return bad_input(place, fmt::format("the field '{}' is missing", *field_));
    value = document[*field_];
  } else if (template_) {
    Result<std::string> rendered = render(document, place);
    if (!rendered) return forward_error(rendered);
    if (std::optional<Json> literal = parse_python_literal(*rendered)) value = std::move(*literal);
  }
  if (!is_text_list(value) || value.empty())
    return bad_input(place, fmt::format("'{}' gives no list of texts", key_), "at least one text");
  return value.get<std::vector<std::string>>();
}

Result<std::string> Expression::choice_at(const Json& index, const Json& document,
                                          const std::string& place) const {
  Result<std::vector<std::string>> all = texts(document, place);
  if (!all) return forward_error(all);
  const int64_t at = index.is_number_integer() ? index.get<int64_t>() : -1;
  if (at < 0 || at >= static_cast<int64_t>(all->size())) {
    return bad_input(place, fmt::format("{} is no index of a choice", python_text(index)),
                     fmt::format("0 to {}", all->size() - 1));
  }
  return std::move((*all)[static_cast<size_t>(at)]);
}

}  // namespace sizeup
