#include <fmt/format.h>

#include <array>
#include <utility>

#include "backends/engine/tokenizer/huggingface_steps.h"
#include "backends/engine/tokenizer/json_fields.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

using Steps = std::vector<DecoderStep>;

Result<void> add_byte_level(const SortedJson&, const std::string&, Steps& steps) {
  steps.emplace_back(decode::ByteAlphabet{});
  steps.emplace_back(decode::Fuse{});
  return {};
}

Result<void> add_byte_fallback(const SortedJson&, const std::string&, Steps& steps) {
  steps.emplace_back(decode::ByteFallback{});
  return {};
}

Result<void> add_metaspace(const SortedJson& value, const std::string&, Steps& steps) {
  const bool strips =
      json_text(value, "prepend_scheme", "always") != "never" && json_flag(value, "add_prefix_space", true);
  steps.emplace_back(decode::Metaspace{json_text(value, "replacement", kSpaceMark), strips});
  return {};
}

Result<void> add_replace(const SortedJson& value, const std::string& place, Steps& steps) {
  auto replacement = read_replacement(value, place);
  if (!replacement) return forward_error(replacement);
  steps.emplace_back(std::move(*replacement));
  return {};
}

Result<void> add_strip(const SortedJson& value, const std::string& place, Steps& steps) {
  const std::string content = json_text(value, "content");
  const auto code_point = decode_utf8(content);
  const SortedJson& start = json_member(value, "start");
  const SortedJson& stop = json_member(value, "stop");
  if (!code_point || code_point->bytes != content.size() || !start.is_number_unsigned() ||
      !stop.is_number_unsigned()) {
    return bad_input(place, "decoder Strip is malformed",
                     "one character in content, numbers in start and stop");
  }
  steps.emplace_back(decode::Strip{code_point->value, start.get<size_t>(), stop.get<size_t>()});
  return {};
}

Result<void> add_fuse(const SortedJson&, const std::string&, Steps& steps) {
  steps.emplace_back(decode::Fuse{});
  return {};
}

Result<void> add_word_piece(const SortedJson& value, const std::string&, Steps& steps) {
  steps.emplace_back(decode::WordPiece{json_text(value, "prefix", "##"), json_flag(value, "cleanup", true)});
  return {};
}

Result<void> add_word_ends(const SortedJson& value, const std::string& place, Steps& steps) {
  std::string suffix = json_text(value, "suffix", "</w>");
  if (suffix.empty()) return bad_input(place, "decoder BPEDecoder has an empty suffix", "a text");
  steps.emplace_back(decode::WordEnds{std::move(suffix)});
  return {};
}

Result<void> add_ctc(const SortedJson& value, const std::string&, Steps& steps) {
  steps.emplace_back(decode::Ctc{json_text(value, "pad_token", "<pad>"),
                                 json_text(value, "word_delimiter_token", "|"),
                                 json_flag(value, "cleanup", true)});
  return {};
}

using Reader = Result<void> (*)(const SortedJson& value, const std::string& place, Steps& steps);

constexpr std::array<std::pair<std::string_view, Reader>, 9> kReaders = {{
    {"BPEDecoder", add_word_ends},
    {"ByteFallback", add_byte_fallback},
    {"ByteLevel", add_byte_level},
    {"CTC", add_ctc},
    {"Fuse", add_fuse},
    {"Metaspace", add_metaspace},
    {"Replace", add_replace},
    {"Strip", add_strip},
    {"WordPiece", add_word_piece},
}};

Result<void> add_decoder(const SortedJson& value, const std::string& place, Steps& steps) {
  const std::string type = json_text(value, "type");
  if (type == "Sequence") {
    for (const SortedJson& part : json_member(value, "decoders")) {
      if (auto added = add_decoder(part, place, steps); !added) return added;
    }
    return {};
  }
  for (const auto& [name, add] : kReaders) {
    if (name == type) return add(value, place, steps);
  }
  return step_not_supported(place, "decoder", type);
}

}  // namespace

// Without a decoder Hugging Face puts spaces between the pieces.
Result<PieceDecoder> read_decoder(const SortedJson& value, const std::string& place) {
  Steps steps;
  if (value.is_null()) {
    steps.emplace_back(decode::Join{});
  } else if (auto added = add_decoder(value, place, steps); !added) {
    return forward_error(added);
  }
  return PieceDecoder(std::move(steps));
}

}  // namespace sizeup
