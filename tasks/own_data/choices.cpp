#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tasks/own_data/forms.h"
#include "tasks/text/split.h"

namespace sizeup {
namespace {

// The texts of a choices field in every row, if it holds that: a list, {"text": [...]}, a map of letters to
// texts, or a text with bars between the choices.
std::optional<std::vector<std::string>> choice_texts(const Json& value) {
  if (is_text_list(value)) return value.get<std::vector<std::string>>();
  if (holds_texts(value)) return value["text"].get<std::vector<std::string>>();
  std::vector<std::string> texts;
  if (value.is_object()) {
    for (const auto& item : value.items()) {
      if (!item.value().is_string()) return std::nullopt;
      texts.push_back(item.value().get<std::string>());
    }
    return texts;
  }
  if (!value.is_string()) return std::nullopt;
  const std::vector<std::string_view> parts = split_at(value.get_ref<const std::string&>(), "|");
  return std::vector<std::string>(parts.begin(), parts.end());
}

Result<ChoiceForm> choices_of_field(const Fields& fields, const std::string& name) {
  ChoiceForm form;
  form.fields = {name};
  form.reason = fmt::format("choices: the field '{}'", name);
  const Values values = fields.values(name);
  const std::string value = accessor(name);
  const bool literal = values.all([](const Json& one) { return literal_texts(one).has_value(); });
  const bool lists = values.all(holds_texts);  // {"text": [...], "label": [...]}
  if (literal) {
    form.field = name;
  } else if (values.all(is_text_list)) {
    form.list = value;
  } else if (lists) {
    form.list = value + ".text";
    if (values.all([](const Json& one) { return one.contains("label") && is_text_list(one["label"]); }))
      form.labels = value + ".label";
  } else if (values.all([](const Json& one) { return one.is_object(); })) {
    form.list = fmt::format("({}.values() | list)", value);
    form.labels = fmt::format("({}.keys() | list)", value);
  } else {
    form.list = fmt::format("{}.split('|')", value);
    form.reason += ", with bars between them";
  }
  for (size_t row = 0; row < fields.rows(); ++row) {
    const Json& one = values.rows[row];
    std::optional<std::vector<std::string>> texts = literal ? literal_texts(one) : choice_texts(one);
    if (!texts || texts->size() < 2) {
      return bad_input(fields.documents().place(row), fmt::format("the field '{}' holds no choices", name),
                       "a list of at least two texts, or a text with bars between them");
    }
    form.texts.push_back(std::move(*texts));
    if (form.labels.empty()) continue;
    std::vector<std::string> labels;
    if (lists) {
      labels = one["label"].get<std::vector<std::string>>();
    } else {
      for (const auto& item : one.items()) labels.push_back(item.key());
    }
    form.label_texts.push_back(std::move(labels));
  }
  return form;
}

// Fields of their own for each choice: A, B, C, D; option1, option2; ...
std::optional<ChoiceForm> choices_of_columns(const Fields& fields) {
  constexpr size_t kMost = 10;
  for (const std::string_view stem : {"", "option", "choice", "op", "ending"}) {
    for (const char first : {'a', '1', '0'}) {
      if (stem.empty() && first != 'a') continue;
      std::vector<std::string> columns;
      for (size_t i = 0; i < kMost; ++i) {
        const std::string wanted = std::string(stem) + static_cast<char>(first + static_cast<char>(i));
        const std::optional<std::string> column = fields.first_of({wanted});
        if (!column) break;
        columns.push_back(*column);
      }
      if (columns.size() < 2) continue;
      ChoiceForm form;
      std::vector<std::string> values;
      for (const std::string& column : columns) values.push_back(accessor(column));
      form.list = fmt::format("[{}]", fmt::join(values, ", "));
      for (const Json& row : fields.documents().rows) {
        std::vector<std::string>& texts = form.texts.emplace_back();
        for (const std::string& column : columns)
          texts.push_back(row.contains(column) ? python_text(row[column]) : std::string());
      }
      form.fields = columns;
      form.reason = fmt::format("choices: the fields {}", fmt::join(columns, ", "));
      return form;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::optional<ChoiceForm>> find_choices(const Fields& fields, const OwnData& data) {
  if (data.choices.size() > 1) return std::optional<ChoiceForm>();
  std::optional<std::string> name;
  if (data.choices.size() == 1) {
    if (Result<void> known = fields.require_field("--choices", data.choices[0]); !known)
      return forward_error(known);
    name = data.choices[0];
  } else {
    name = fields.first_of({"choices", "options", "candidates", "endings"});
  }
  if (name) {
    Result<ChoiceForm> form = choices_of_field(fields, *name);
    if (!form) return forward_error(form);
    return std::optional(std::move(*form));
  }
  return choices_of_columns(fields);
}

Json letters_of(const ChoiceForm& choices) {
  constexpr std::string_view kAll = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  size_t most = 0;
  bool same = true;
  for (const auto& texts : choices.texts) {
    same &= texts.size() == choices.texts.front().size();
    most = std::max(most, texts.size());
  }
  Json list = Json::array();
  for (size_t i = 0; i < std::min(most, kAll.size()); ++i) list.push_back(std::string(1, kAll[i]));
  if (same) return list;
  return fmt::format("{{{{ {}[:({} | length)] }}}}", to_line(list), choices.list);
}

Result<std::string> find_right_choice(const Fields& fields, const ChoiceForm& choices,
                                      const TargetForm& target) {
  if (target.value.empty()) return target.text;
  const auto every = [&](const auto& fits) {
    for (size_t row = 0; row < fields.rows(); ++row) {
      if (!fits(target.values.rows[row], choices.texts[row], row)) return false;
    }
    return true;
  };
  using Texts = std::vector<std::string>;
  const auto text_of = [](const Json& value) {
    return value.is_string() ? value.get<std::string>() : to_line(value);
  };
  const auto among = [&](const Json& value, const Texts& texts) {
    return std::find(texts.begin(), texts.end(), text_of(value)) != texts.end();
  };
  const bool letters = every([&](const Json& value, const Texts& texts, size_t) {
    const std::string text = text_of(value);
    return text.size() == 1 && text[0] >= 'A' && static_cast<size_t>(text[0] - 'A') < texts.size();
  });
  if (letters && !choices.list.empty()) return target.text;
  if (!choices.labels.empty() && every([&](const Json& value, const Texts&, size_t row) {
        return among(value, choices.label_texts[row]);
      }))
    return fmt::format("{{{{ {}.index({} | string) }}}}", choices.labels, target.value);
  if (every([&](const Json& value, const Texts& texts, size_t) { return among(value, texts); })) {
    return choices.list.empty() ? target.text
                                : fmt::format("{{{{ {}.index({} | string) }}}}", choices.list, target.value);
  }
  const auto indices = [&](int64_t first) {
    return every([&](const Json& value, const Texts& texts, size_t) {
      const int64_t index = is_integer(value) ? std::stoll(text_of(value)) - first : -1;
      return index >= 0 && index < static_cast<int64_t>(texts.size());
    });
  };
  if (indices(0)) return target.text;
  if (indices(1)) return fmt::format("{{{{ ({} | int) - 1 }}}}", target.value);
  return tl::unexpected<Error>(
      Error{ErrorKind::usage, fields.documents().name,
            fmt::format("'{}' names the right choice in no way that all rows share", target.name),
            "a letter (A, B, ...), an index from 0 or from 1, or the choice's text", ""});
}

}  // namespace sizeup
