#include "backends/engine/tokenizer/word_patterns.h"

#include <fmt/format.h>

#include <sstream>

namespace sizeup {

const std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

const std::string_view kPunctuation = R"([!-/:-@\[-`{-~\p{P}])";

std::string script_runs_pattern() {
  // Unicode's scripts when Hugging Face tokenizers drew up its table, without those that get a word below.
  static constexpr std::string_view kScripts =
      "Adlam Ahom AnatolianHieroglyphs Arabic Armenian Avestan Balinese Bamum BassaVah Batak Bengali "
      "Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid CanadianAboriginal Carian CaucasianAlbanian "
      "Chakma Cham Cherokee Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari Duployan "
      "EgyptianHieroglyphs Elbasan Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gurmukhi "
      "Hangul Hanunoo Hatran Hebrew ImperialAramaic Inherited InscriptionalPahlavi "
      "InscriptionalParthian Javanese Kaithi Kannada KayahLi Kharoshthi Khmer Khojki Khudawadi Lao "
      "Latin Lepcha Limbu LinearA LinearB Lisu Lycian Lydian Mahajani Malayalam Mandaic Manichaean "
      "Marchen MeeteiMayek MendeKikakui MeroiticCursive MeroiticHieroglyphs Miao Modi Mongolian Mro "
      "Multani Myanmar Nabataean NewTaiLue Newa Nko Ogham OlChiki OldHungarian OldItalic "
      "OldNorthArabian OldPermic OldPersian OldSouthArabian OldTurkic Oriya Osage Osmanya PahawhHmong "
      "Palmyrene PauCinHau PhagsPa Phoenician PsalterPahlavi Rejang Runic Samaritan Saurashtra Sharada "
      "Shavian Siddham SignWriting Sinhala SoraSompeng Sundanese SylotiNagri Syriac Tagalog Tagbanwa "
      "TaiLe TaiTham TaiViet Takri Tamil Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Ugaritic "
      "Vai WarangCiti Yi";
  // Han, Hiragana and Katakana (and the mark of long vowels, which is of no single script) count as one.
  std::string pattern =
      R"([\p{sc:Han}\p{sc:Hiragana}\p{sc:Katakana}ー][\p{sc:Han}\p{sc:Hiragana}\p{sc:Katakana}ー\p{sc:Unknown} ]*)"
      R"(|(?! |ー)\p{sc:Common}(?:(?!ー)[\p{sc:Common}\p{sc:Unknown}])*)";
  std::istringstream scripts{std::string(kScripts)};
  for (std::string script; scripts >> script;)
    pattern += fmt::format(R"(|\p{{sc:{0}}}[\p{{sc:{0}}}\p{{sc:Unknown}} ]*)", script);
  return pattern;
}

}  // namespace sizeup
