#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <limits>
#include <utility>

#include "backends/engine/tokenizer/huggingface_steps.h"
#include "backends/engine/tokenizer/json_fields.h"

namespace sizeup {
namespace {

std::optional<std::string> decode_base64(const std::string& text) {
  if (text.size() % 4 != 0 || text.size() > std::numeric_limits<int>::max()) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int written =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (written < 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;  // counted as bytes
  bytes.resize(static_cast<size_t>(written) - padding);
  return bytes;
}

Result<NormalizerStep> read_replace(const SortedJson& value, const std::string& place) {
  return read_replacement(value, place);
}

Result<NormalizerStep> read_precompiled(const SortedJson& value, const std::string& place) {
  const auto bytes = decode_base64(json_text(value, "precompiled_charsmap"));
  if (!bytes) return bad_input(place, "precompiled_charsmap is no base64 text", "base64");
  auto map = Charsmap::parse(*bytes, place);
  if (!map) return forward_error(map);
  return normalize::Precompiled{std::move(*map)};
}

Result<NormalizerStep> read_bert(const SortedJson& value, const std::string&) {
  const bool lowercase = json_flag(value, "lowercase", true);
  return normalize::Bert{json_flag(value, "clean_text", true), json_flag(value, "handle_chinese_chars", true),
                         json_flag(value, "strip_accents", lowercase), lowercase};
}

using Reader = Result<NormalizerStep> (*)(const SortedJson& value, const std::string& place);

template <UnicodeForm form>
Result<NormalizerStep> read_form(const SortedJson&, const std::string&) {
  return normalize::Form{form};
}

template <class Step>
Result<NormalizerStep> read_plain(const SortedJson&, const std::string&) {
  return Step{};
}

Result<NormalizerStep> read_strip(const SortedJson& value, const std::string&) {
  return normalize::Strip{json_flag(value, "strip_left", true), json_flag(value, "strip_right", true)};
}

Result<NormalizerStep> read_prepend(const SortedJson& value, const std::string&) {
  return normalize::Prepend{json_text(value, "prepend")};
}

constexpr std::array<std::pair<std::string_view, Reader>, 14> kReaders = {{
    {"NFC", read_form<UnicodeForm::nfc>},
    {"NFD", read_form<UnicodeForm::nfd>},
    {"NFKC", read_form<UnicodeForm::nfkc>},
    {"NFKD", read_form<UnicodeForm::nfkd>},
    {"Lowercase", read_plain<normalize::Lowercase>},
    {"Strip", read_strip},
    {"StripAccents", read_plain<normalize::StripAccents>},
    {"Prepend", read_prepend},
    {"Replace", read_replace},
    {"BertNormalizer", read_bert},
    {"Bert", read_bert},
    {"Nmt", read_plain<normalize::Nmt>},
    {"Precompiled", read_precompiled},
    {"ByteLevel", read_plain<normalize::ByteAlphabet>},
}};

Result<void> add_normalizer(const SortedJson& value, const std::string& place,
                            std::vector<NormalizerStep>& steps) {
  if (value.is_null()) return {};
  const std::string type = json_text(value, "type");
  if (type == "Sequence") {
    for (const SortedJson& part : json_member(value, "normalizers")) {
      if (auto added = add_normalizer(part, place, steps); !added) return added;
    }
    return {};
  }
  for (const auto& [name, read] : kReaders) {
    if (name != type || type.empty()) continue;
    auto step = read(value, place);
    if (!step) return forward_error(step);
    steps.push_back(std::move(*step));
    return {};
  }
  return step_not_supported(place, "normalizer", type);
}

}  // namespace

Result<Normalizer> read_normalizer(const SortedJson& value, const std::string& place) {
  std::vector<NormalizerStep> steps;
  if (auto added = add_normalizer(value, place, steps); !added) return forward_error(added);
  return Normalizer(std::move(steps));
}

}  // namespace sizeup
