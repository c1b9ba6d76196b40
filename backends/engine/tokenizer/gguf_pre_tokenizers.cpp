// GGUF names the way in which a byte-level tokenizer cuts words; this is what the names stand for. The names
// and their flags are those of llama.cpp's vocabulary loader (src/llama-vocab.cpp, MIT licence, commit
// 00ad355e009e). Patterns are the published ones of the models' tokenizer.json where llama.cpp had to adapt
// them to its own matcher; `nfc` is from the same place.
#include "backends/engine/tokenizer/word_patterns.h"

namespace sizeup {
namespace {

constexpr std::string_view kDigit = R"(\p{N})";
constexpr std::string_view kDigits = R"(\p{N}+)";
constexpr std::string_view kThreeDigits = R"(\p{N}{1,3})";
constexpr std::string_view kNewline = R"([\r\n])";
constexpr std::string_view kHanAndKana = "[一-龥぀-ゟ゠-ヿ]+";
constexpr std::string_view kHanAndHangul = "[一-龥ࠀ-一가-퟿]+";

constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Qwen 2's without English contractions.
constexpr std::string_view kUfakzeka =
    R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::string_view kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::string_view kMiniCpm5 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::string_view kJais2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|)"
    R"(\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|)"
    R"(\s{1,2}(?!\S)|\s{1})";

constexpr std::string_view kSeedCoder =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::string_view kBailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";

constexpr std::string_view kExaoneMoe =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)";

constexpr std::string_view kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
    R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::string_view kYoutuAsian =
    "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+";
constexpr std::string_view kYoutu =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// The published pattern intersects classes with [^\p{Han}], which a lookahead says for PCRE2.
constexpr std::string_view kKimiK2 =
    R"(\p{sc:Han}+|)"
    R"([^\r\n\p{L}\p{N}]?(?:(?!\p{sc:Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])*(?:(?!\p{sc:Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}])+)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?(?:(?!\p{sc:Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])+(?:(?!\p{sc:Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}])*)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Greek and letter-like characters by their numbers: some of them change when a text is normalised.
constexpr std::string_view kDeepSeekLetters =
    "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-"
    "Ᏽᏸ-"
    "ᏽᲐ-"
    "ᲺᲽ-"
    "Ჿᴀ-"
    "ᴫᵫ-"
    "ᵷᵹ-"
    "ᶚ"
    "\\u1E00-\\u1F15\\u1F18-\\u1F1D\\u1F20-\\u1F45\\u1F48-\\u1F4D\\u1F50-\\u1F57\\u1F59\\u1F5B"
    "\\u1F5D\\u1F5F-\\u1F7D\\u1F80-\\u1FB4\\u1FB6-\\u1FBC\\u1FBE\\u1FC2-\\u1FC4\\u1FC6-\\u1FCC"
    "\\u1FD0-\\u1FD3\\u1FD6-\\u1FDB\\u1FE0-\\u1FEC\\u1FF2-\\u1FF4\\u1FF6-\\u1FFC\\u2102\\u2107"
    "\\u210A-\\u2113\\u2115\\u2119-\\u211D\\u2124\\u2126\\u2128\\u212A-\\u212D\\u212F-\\u2134\\u2139"
    "\\u213C-\\u213F\\u2145-\\u2149\\u214E\\u2183\\u2184"
    "Ⰰ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-"
    "𐑏𐒰-"
    "𐓓𐓘-"
    "𐓻𐲀-"
    "𐲲𐳀-"
    "𐳲𑢠-"
    "𑣟𞤀-"
    "𞥃]+";
constexpr std::string_view kDeepSeekMarks = "\\s?[!-/:-~！-／：-～‘-‟　-。]+";
constexpr std::string_view kSpacesAtEnd = R"(\s+$)";

constexpr std::string_view kDeepSeek3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)"
    R"( ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kSpark =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)"
    R"( ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+)";

constexpr std::string_view kFalconMarks = R"([\p{P}\$\+<=>\^~\|`]+)";
constexpr std::string_view kDefaultMarks = R"([\p{P}\$\+<=>\^~\|]+)";
constexpr std::string_view kAsciiThreeDigits = "[0-9][0-9][0-9]";

constexpr std::string_view kBloom = R"( ?[^(\s|.,!?…。，、।۔،)]+)";

// Before every third digit from the right.
constexpr std::string_view kGroupsOfThree = R"((?=(\d{3})+(?!\d)))";
constexpr std::string_view kNumbersOfThree = R"((?=(\p{N}{3})+(?!\p{N})))";
constexpr std::string_view kTinyAyaDigits = R"(\d{1,3}(?=(?:\d{3})*\b))";

constexpr std::string_view kAfmoeAsian =
    "[一-鿿㐀-䶿\\uF900-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-"
    "힯ᄀ-"
    "ᇿ]"
    "+";

constexpr std::string_view kLines = R"([^\n]+|[\n]+)";

}  // namespace

std::span<const GgufPreTokenizer> gguf_pre_tokenizers() {
  static const std::vector<std::string_view> kGpt2 = {kGpt2Pattern};
  static const std::vector<std::string_view> kDigitGpt2 = {kDigit, kGpt2Pattern};
  static const std::vector<std::string_view> kDeepSeekV3 = {kThreeDigits, kHanAndKana, kDeepSeek3};
  static const std::vector<std::string_view> kDefault = {kDefaultMarks, kGpt2Pattern, kDigits,
                                                         kAsciiThreeDigits};
  static const std::vector<GgufPreTokenizer> kTable = {
      // name, patterns, nfc, ignore_merges, add_bos, add_sep, metaspace
      {"default", kDefault},
      {"gpt-2", kGpt2},
      {"phi-2", kGpt2},
      {"jina-es", kGpt2},
      {"jina-de", kGpt2},
      {"jina-v1-en", kGpt2, false, false, false, true},
      {"jina-v2-es", kGpt2},
      {"jina-v2-de", kGpt2},
      {"jina-v2-code", kGpt2, false, false, false, true},
      {"roberta-bpe", kGpt2, false, false, false, true},
      {"gigachat", kGpt2},
      {"a.x-4.0", kGpt2},
      {"mellum", kGpt2},
      {"modern-bert", kGpt2, true},
      {"exaone4", kGpt2},
      {"jais", kGpt2},
      {"trillion", kGpt2},
      {"granite-docling", kGpt2},
      {"olmo", kGpt2, true},  // the tokenizer of GPT-NeoX and OLMo
      {"mpt", kGpt2, true},   // likewise
      {"smollm", kDigitGpt2},
      {"starcoder", kDigitGpt2},
      {"refact", kDigitGpt2},
      {"codeshell", kDigitGpt2},
      {"exaone", kDigitGpt2},
      {"minerva-7b", kDigitGpt2},
      {"mellum2", kDigitGpt2},
      {"command-r", kDigitGpt2, true},
      {"llama3", {kLlama3}, false, true, true},
      {"llama-v3", {kLlama3}, false, true, true},
      {"llama-bpe", {kLlama3}, false, true, true},
      {"falcon3", {kLlama3}, false, true, true},
      {"falcon-h1", {kLlama3}, false, true, true},
      {"pixtral", {kLlama3}, false, true, true},
      {"midm-2.0", {kLlama3}, false, true, true},
      {"lfm2", {kLlama3}, false, true, true},
      {"jina-v5-nano", {kLlama3}, false, true, true},
      {"smaug-bpe", {kLlama3}},
      {"dbrx", {kLlama3}},
      {"glm4", {kLlama3}},
      {"chatglm-bpe", {kLlama3}},
      {"jais-2", {kJais2}},
      {"minicpm5", {kThreeDigits, kMiniCpm5}, false, true},
      {"qwen2", {kQwen2}, true},
      {"deepseek-r1-qwen", {kQwen2}, true},
      {"kormo", {kQwen2}},
      {"f2llmv2", {kQwen2}, true},
      {"megrez", {kQwen2}, true},
      {"hunyuan", {kQwen2}},
      {"solar-open", {kQwen2}},
      {"grok-2", {kQwen2}},
      {"laguna", {kLines, kQwen2}},
      {"stablelm2", {kQwen2}, true},
      {"qwen35", {kQwen35}, true},
      {"ufakzeka", {kUfakzeka}},
      {"seed-coder", {kSeedCoder}},
      {"bailingmoe", {kBailing}},
      {"bailingmoe2", {kBailing}},
      {"llada-moe", {kBailing}},
      {"exaone-moe", {kExaoneMoe}},
      {"gpt-4o", {kGpt4o}},
      {"llama4", {kGpt4o}},
      {"kanana2", {kGpt4o}},
      {"talkie", {kGpt4o}},
      {"minimax-m2", {kGpt4o}},
      {"granite-embed-multi-97m", {kGpt4o}, false, true},
      {"tiny_aya", {kTinyAyaDigits, kGpt4o}},
      {"cohere2moe", {kTinyAyaDigits, kGpt4o}},
      {"tekken", {kTekken}, false, true, true},
      {"youtu", {kYoutuAsian, kYoutu}, false, true},
      {"kimi-k2", {kKimiK2}},
      {"deepseek-llm", {kNewline, kDeepSeekLetters, kDeepSeekMarks, kSpacesAtEnd, kHanAndHangul, kDigits}},
      {"deepseek-coder", {kNewline, R"(\s?\p{L}+)", R"(\s?\p{P}+)", kHanAndHangul, kDigit}},
      {"deepseek-v3", kDeepSeekV3},
      {"hunyuan-dense", kDeepSeekV3},
      {"joyai-llm", kDeepSeekV3},
      {"hy_v4", kDeepSeekV3},
      {"spark2_5", {kThreeDigits, kHanAndKana, kSpark, kDigit}},
      {"afmoe", {kDigits, kNumbersOfThree, kAfmoeAsian, kDeepSeek3}},
      {"superbpe", {kDigits, kGroupsOfThree}},
      {"falcon", {kFalconMarks, kGpt2Pattern, kAsciiThreeDigits}},
      {"bloom", {kBloom}},
      {"gpt3-finnish", {kBloom}},
      {"poro-chat", {kBloom}},
      {"viking", {kBloom, kDigit}},
      {"chameleon",
       {"<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", R"(([\t\n]|    |  ))", kDigit,
        R"([\p{P}!-/:-@\[-`{-~])", kGpt2Pattern},
       false,
       false,
       true},
      {"gemma4", {kLines}, false, false, true, false, true},
      {"granite-embed-multi-311m", {kLines}, false, false, true, false, true},
      {"sarvam-moe", {kLines}, false, false, false, false, true},
  };
  return kTable;
}

}  // namespace sizeup
