#include "tasks/variants.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "core/io/sha256.h"
#include "core/jinja/template.h"
#include "core/jinja/text.h"
#include "tasks/expression.h"
#include "tasks/keys.h"
#include "tasks/option_order.h"
#include "tasks/text/changed_text.h"
#include "tasks/text/nearest.h"

namespace sizeup {
namespace {

constexpr const char* kVariantsForm =
    "{function: variants, variants: [{name: NAME, change: CHANGE, ...}, {name: NAME, set: {FIELD: "
    "TEMPLATE}}]}";

// One row that is being changed: where it was read, and what draws are keyed by.
struct RowContext {
  const std::string& place;
  uint64_t seed = 0;
  std::string key;  // of the document and the variant

  TextDraws draws(std::string_view part) const {
    const auto digest = sha256(fmt::format("{}/{}", key, part));
    uint64_t stream = 0;
    for (size_t i = 0; i < sizeof stream; ++i) stream = stream << 8 | digest[i];
    return {seed, stream};
  }
};

using RowChange = std::function<Result<void>(Json& row, const RowContext& context)>;
using TextChange =
    std::function<std::string(std::string_view text, const KeptWords& kept, const TextDraws& draws)>;

struct Variant {
  std::string name;
  RowChange change;  // none: it sets fields alone
  std::vector<std::pair<std::string, Template>> set;
};

// A list of names, or one alone.
Result<std::vector<std::string>> names_at(const YamlNode& node, const char* key, bool required) {
  const YamlNode* value = node.find(key);
  std::vector<std::string> names;
  if (value != nullptr && value->is_scalar()) names.push_back(value->text);
  for (const YamlNode& item : value == nullptr ? std::vector<YamlNode>{} : value->items)
    names.push_back(item.is_scalar() ? item.text : std::string());
  const bool none = std::ranges::any_of(names, &std::string::empty) || (required && names.empty()) ||
                    (value != nullptr && value->kind == YamlNode::Kind::map);
  if (none) return bad_input(node.place, fmt::format("the variant lacks its '{}'", key), "names of fields");
  return names;
}

Result<double> rate_at(const YamlNode& node) {
  const YamlNode* rate = node.find("rate");
  const bool number =
      rate != nullptr && (rate->kind == YamlNode::Kind::real || rate->kind == YamlNode::Kind::integer);
  if (number && rate->real > 0.0 && rate->real <= 1.0) return rate->real;
  return bad_input(rate == nullptr ? node.place : rate->place, "the variant's 'rate' is no share",
                   "a number above 0 and at most 1, such as 0.1");
}

// Applies a change to every text of some fields.
struct ChangedFields {
  std::vector<std::string> fields, keep;
  TextChange change;

  Result<KeptWords> kept_words(const Json& row, const std::string& place) const {
    KeptWords kept;
    for (const std::string& field : keep) {
      if (!row.contains(field)) return bad_input(place, fmt::format("the field '{}' is missing", field));
      const Json& value = row[field];
      for (const Json& item : value.is_array() ? value : Json::array({value})) {
        if (item.is_string()) keep_words(item.get_ref<const std::string&>(), kept);
      }
    }
    return kept;
  }

  Result<void> operator()(Json& row, const RowContext& context) const {
    Result<KeptWords> kept = kept_words(row, context.place);
    if (!kept) return forward_error(kept);
    for (const std::string& field : fields) {
      const auto value = row.find(field);
      if (value == row.end() || !(value->is_string() || is_text_list(*value)))
        return bad_input(context.place, fmt::format("the field '{}' is no text and no list of texts", field));
      size_t item = 0;
      const auto changed = [&](const Json& text) {
        return change(text.get_ref<const std::string&>(), *kept,
                      context.draws(fmt::format("{}/{}", field, item++)));
      };
      if (value->is_string()) {
        *value = changed(*value);
      } else {
        for (Json& text : *value) text = changed(text);
      }
    }
    return {};
  }
};

Result<RowChange> changed_fields(const YamlNode& node, TextChange change) {
  Result<std::vector<std::string>> fields = names_at(node, "fields", true);
  if (!fields) return forward_error(fields);
  Result<std::vector<std::string>> keep = names_at(node, "keep", false);
  if (!keep) return forward_error(keep);
  return RowChange(ChangedFields{std::move(*fields), std::move(*keep), std::move(change)});
}

Result<RowChange> typos(const YamlNode& node) {
  Result<double> rate = rate_at(node);
  if (!rate) return forward_error(rate);
  return changed_fields(node,
                        [rate = *rate](std::string_view text, const KeptWords& kept, const TextDraws& draws) {
                          return with_typos(text, rate, kept, draws);
                        });
}

Result<RowChange> spaces(const YamlNode& node) {
  Result<double> rate = rate_at(node);
  if (!rate) return forward_error(rate);
  return changed_fields(node,
                        [rate = *rate](std::string_view text, const KeptWords&, const TextDraws& draws) {
                          return with_uneven_spaces(text, rate, draws);
                        });
}

template <std::string (*change)(std::string_view)>
Result<RowChange> undrawn(const YamlNode& node) {
  return changed_fields(
      node, [](std::string_view text, const KeptWords&, const TextDraws&) { return change(text); });
}

Result<RowChange> filler(const YamlNode& node) {
  const YamlNode* text = node.find("text");
  const YamlNode* words = node.find("words");
  const YamlNode* where = node.find("place");
  if (text == nullptr || !text->is_scalar() || jinja::split_words(text->text, 1).empty())
    return bad_input(node.place, "the variant lacks its 'text'", "what stands beside the document's own");
  constexpr int64_t kMostWords = 100'000;  // more than any context holds
  if (words == nullptr || words->kind != YamlNode::Kind::integer || words->integer < 1 ||
      words->integer > kMostWords) {
    return bad_input(words == nullptr ? node.place : words->place, "the variant's 'words' is no length",
                     fmt::format("a whole number of words, at most {}", kMostWords));
  }
  if (where != nullptr && where->text != "before" && where->text != "after")
    return bad_input(where->place, fmt::format("unknown place '{}'", where->text), "before or after");
  const FillerPlace place =
      where != nullptr && where->text == "after" ? FillerPlace::after : FillerPlace::before;
  return changed_fields(node, [added = text->text, count = static_cast<size_t>(words->integer), place](
                                  std::string_view own, const KeptWords&, const TextDraws&) {
    return with_filler(own, added, count, place);
  });
}

Result<RowChange> options(const YamlNode& node) {
  constexpr std::array kOrders = {std::pair{"reversed", OptionOrder::Order::reversed},
                                  std::pair{"rotated", OptionOrder::Order::rotated},
                                  std::pair{"shuffled", OptionOrder::Order::shuffled}};
  OptionOrder out;
  Result<std::vector<std::string>> choices = names_at(node, "choices", true);
  if (!choices) return forward_error(choices);
  out.choices = std::move(*choices);
  Result<std::vector<std::string>> answer = names_at(node, "answer", true);
  if (!answer) return forward_error(answer);
  out.answer = answer->front();
  if (const YamlNode* order = node.find("order")) {
    const auto known =
        std::ranges::find_if(kOrders, [&](const auto& entry) { return order->text == entry.first; });
    if (known == kOrders.end()) {
      return bad_input(order->place, fmt::format("unknown order '{}'", order->text),
                       "reversed, rotated or shuffled");
    }
    out.order = known->second;
  }
  return RowChange([out = std::move(out)](Json& row, const RowContext& context) {
    return out.apply(row, context.place, context.draws("options"));
  });
}

struct ChangeRow {
  const char* name;
  const char* description;
  std::vector<std::string> keys;
  Result<RowChange> (*make)(const YamlNode& node);
};

const std::vector<ChangeRow>& change_table() {
  static const std::vector<ChangeRow> table = {
      {"filler",
       "`text` on lines of its own `place: before` or `after`, until there are `words` words",
       {"fields", "text", "words", "place"},
       filler},
      {"lower", "small letters", {"fields"}, undrawn<jinja::to_lower>},
      {"no_marks",
       "no full stops, commas, colons, quotes, brackets, question or exclamation marks",
       {"fields"},
       undrawn<without_marks>},
      {"options",
       "`choices` in another `order` (shuffled, reversed or rotated), `answer` with them",
       {"choices", "answer", "order"},
       options},
      {"spaces", "a share `rate` of the spaces doubled or lost", {"fields", "rate"}, spaces},
      {"typos",
       "one typo in a share `rate` of the words, but not in those of the fields `keep`",
       {"fields", "rate", "keep"},
       typos},
      {"upper", "capital letters", {"fields"}, undrawn<jinja::to_upper>},
  };
  return table;
}

Result<RowChange> read_change(const YamlNode& node) {
  const YamlNode* change = node.find("change");
  std::vector<std::string> known = {"name", "change", "set"};
  if (change == nullptr) {
    if (Result<void> checked = check_keys(node, "variants", known); !checked) return forward_error(checked);
    return RowChange();
  }
  std::vector<std::string> names;
  for (const ChangeRow& row : change_table()) {
    names.emplace_back(row.name);
    if (change->text != row.name) continue;
    known.insert(known.end(), row.keys.begin(), row.keys.end());
    if (Result<void> checked = check_keys(node, "variants", known); !checked) return forward_error(checked);
    return row.make(node);
  }
  return bad_input(change->place, fmt::format("unknown change '{}'", change->text),
                   fmt::format("one of {}", fmt::join(names, ", ")), did_you_mean(change->text, names));
}

Result<std::vector<std::pair<std::string, Template>>> read_set(const YamlNode& node) {
  std::vector<std::pair<std::string, Template>> out;
  const YamlNode* set = node.find("set");
  if (set == nullptr) return out;
  if (set->kind != YamlNode::Kind::map || set->entries.empty())
    return bad_input(set->place, "'set' names no fields", "set: {FIELD: TEMPLATE}");
  for (const YamlEntry& entry : set->entries) {
    if (!entry.value.is_scalar())
      return bad_input(entry.value.place, fmt::format("'{}' is no text", entry.key), "a text or template");
    Result<Template> parsed =
        Template::parse(entry.value.text, TemplateSettings::prompt(), entry.value.place);
    if (!parsed) return forward_error(parsed);
    out.emplace_back(entry.key, std::move(*parsed));
  }
  return out;
}

Result<Variant> read_variant(const YamlNode& node) {
  const YamlNode* name = node.kind == YamlNode::Kind::map ? node.find("name") : nullptr;
  if (name == nullptr || !name->is_scalar() || name->text.empty())
    return bad_input(node.place, "a variant has no name", kVariantsForm);
  Variant out;
  out.name = name->text;
  Result<RowChange> change = read_change(node);
  if (!change) return forward_error(change);
  out.change = std::move(*change);
  auto set = read_set(node);
  if (!set) return forward_error(set);
  out.set = std::move(*set);
  if (!out.change && out.set.empty())
    return bad_input(node.place, fmt::format("the variant '{}' changes nothing", out.name), kVariantsForm);
  return out;
}

struct Variants {
  uint64_t seed = 1;
  std::vector<std::pair<std::string, Template>> set;  // of every document, where a variant says nothing else
  std::vector<Variant> variants;
  std::string place;

  // Templates read what the change left, and none reads what another one sets.
  Result<void> render(const std::vector<std::pair<std::string, Template>>& own, Json& row,
                      const std::string& where) const {
    const Json read = row;
    for (const auto* templates : {&set, &own}) {
      for (const auto& [field, text] : *templates) {
        Result<std::string> rendered = text.render(read);
        if (!rendered) {
          Error error = std::move(rendered.error());
          error.message = fmt::format("'set' of {}: {}", where, error.message);
          return tl::unexpected<Error>(std::move(error));
        }
        row[field] = std::move(*rendered);
      }
    }
    return {};
  }

  Result<void> operator()(Documents& documents) const {
    Documents out;
    std::vector<bool> changes(variants.size(), false);
    for (size_t i = 0; i < documents.rows.size(); ++i) {
      if (Result<void> added = add_row(documents, i, out, changes); !added) return added;
    }
    for (size_t v = 0; v < variants.size(); ++v) {
      if (changes[v]) continue;
      return bad_input(
          place, fmt::format("the variant '{}' changes no document of {}", variants[v].name, documents.name),
          "a change that applies to the fields' texts");
    }
    documents.rows = std::move(out.rows);
    documents.origins = std::move(out.origins);
    return {};
  }

  Result<void> add_row(const Documents& documents, size_t i, Documents& out,
                       std::vector<bool>& changes) const {
    const std::string where = documents.place(i);
    const Json& row = documents.rows[i];
    if (row.contains(kVariantField)) {
      return bad_input(where, fmt::format("the document has a field '{}' already", kVariantField),
                       "one step 'variants', and no such field in the data");
    }
    const std::string hash = sha256_hex(to_canonical(row));
    const auto id = row.find("id");
    const bool has_id = id != row.end() && (id->is_string() || id->is_number_integer());
    const std::string name = has_id ? python_text(*id) : std::to_string(documents.index(i));
    const auto add = [&](Json document, const std::string& sample, const char* variant) {
      document["id"] = sample;
      document[kVariantField] = variant;
      append_derived(out, documents, i, std::move(document));
      out.origins.back().made_of = hash;
    };
    Json original = row;
    if (Result<void> set_all = render({}, original, where); !set_all) return set_all;
    add(original, name, kOriginal);
    for (size_t v = 0; v < variants.size(); ++v) {
      const Variant& variant = variants[v];
      Json changed = row;
      const RowContext context{where, seed, fmt::format("{}/{}", hash, variant.name)};
      if (variant.change) {
        if (Result<void> done = variant.change(changed, context); !done) return done;
      }
      if (Result<void> done = render(variant.set, changed, where); !done) return done;
      if (changed != original) changes[v] = true;
      add(std::move(changed), fmt::format("{}:{}", name, variant.name), variant.name.c_str());
    }
    return {};
  }
};

}  // namespace

Result<DocumentStep> variants(const YamlNode& node) {
  const YamlNode* list = node.find("variants");
  if (node.is_scalar() || list == nullptr || list->kind != YamlNode::Kind::list || list->items.empty())
    return bad_input(node.place, "'variants' does not say which variants", kVariantsForm);
  if (Result<void> known = check_keys(node, "process_docs", {"function", "seed", "set", "variants"}); !known)
    return forward_error(known);
  auto out = std::make_shared<Variants>();
  out->place = node.place;
  if (const YamlNode* seed = node.find("seed")) {
    if (seed->kind != YamlNode::Kind::integer || seed->integer < 0)
      return bad_input(seed->place, "'seed' is no whole number from 0", kVariantsForm);
    out->seed = static_cast<uint64_t>(seed->integer);
  }
  auto set = read_set(node);
  if (!set) return forward_error(set);
  out->set = std::move(*set);
  std::vector<std::string> names = {kOriginal};
  for (const YamlNode& item : list->items) {
    Result<Variant> variant = read_variant(item);
    if (!variant) return forward_error(variant);
    if (std::ranges::find(names, variant->name) != names.end())
      return bad_input(item.place, fmt::format("there are two variants named '{}'", variant->name),
                       "names that differ, none of them 'original'");
    names.push_back(variant->name);
    out->variants.push_back(std::move(*variant));
  }
  return DocumentStep([out](Documents& documents) { return (*out)(documents); });
}

std::vector<ChangeListing> variant_changes() {
  std::vector<ChangeListing> listing;
  for (const ChangeRow& row : change_table()) listing.push_back({row.name, row.description});
  return listing;
}

}  // namespace sizeup
