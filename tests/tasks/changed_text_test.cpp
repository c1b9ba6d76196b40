// Typos, spaces, marks and filler: what they touch, and that they are the same everywhere.
#include "tasks/text/changed_text.h"

#include "core/jinja/text.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

constexpr const char* kTicket =
    "Hello, I paid EUR 3.50 on 2024-05-01 for order TKT_77, but sales@example.org says my password isn't "
    "known; could somebody look at the invoice number please? Größe über übermäßig 日本語です";

// Insertions, deletions, replacements and swaps of neighbours between two words.
size_t edits_between(const std::string& from, const std::string& to) {
  const auto a = jinja::split_characters(from);
  const auto b = jinja::split_characters(to);
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      size_t& here = cost[i][j];
      if (i == 0 || j == 0) {
        here = i + j;
        continue;
      }
      here = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        here = std::min(here, cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

std::vector<std::string> split_text(const std::string& text) {
  std::vector<std::string> out;
  for (const std::string_view word : jinja::split_words(text, -1)) out.emplace_back(word);
  return out;
}

TEST(Typos, AreThoseOfTheDescriptionInPython) {
  for (const Json& one : test::golden("variants.json")) {
    KeptWords kept;
    for (const Json& word : one.at("kept")) kept.insert(word.get<std::string>());
    const TextDraws draws{one.at("seed").get<uint64_t>(), one.at("stream").get<uint64_t>()};
    EXPECT_EQ(with_typos(one.at("text").get<std::string>(), one.at("rate").get<double>(), kept, draws),
              one.at("expected").get<std::string>());
  }
}

// One typo a word at most, the first letter stays, and numbers, codes and addresses do.
TEST(Typos, TouchOnlyWhatTheyMay) {
  for (uint64_t stream = 0; stream < 300; ++stream) {
    const std::string changed = with_typos(kTicket, 1.0, {}, {1, stream});
    ASSERT_TRUE(is_valid_utf8(changed));
    const auto before = split_text(kTicket);
    const auto after = split_text(changed);
    ASSERT_EQ(before.size(), after.size());
    for (size_t i = 0; i < before.size(); ++i) {
      const bool code = before[i].find_first_of("0123456789@_") != std::string::npos;
      const bool is_short = before[i] == "I" || before[i] == "on" || before[i] == "my" || before[i] == "at";
      if (code || is_short) {
        EXPECT_EQ(before[i], after[i]);
        continue;
      }
      EXPECT_EQ(edits_between(before[i], after[i]), 1U) << before[i] << " " << after[i];
      EXPECT_EQ(jinja::split_characters(before[i])[0], jinja::split_characters(after[i])[0]);
    }
  }
}

TEST(Typos, KeptWordsStayInAnyCase) {
  KeptWords kept;
  keep_words("Invoice 4711, PASSWORD", kept);
  for (uint64_t stream = 0; stream < 100; ++stream) {
    const std::string changed = with_typos("the password of the Invoice", 1.0, kept, {1, stream});
    EXPECT_THAT(changed, testing::HasSubstr(" password "));
    EXPECT_THAT(changed, testing::EndsWith(" Invoice"));
  }
}

TEST(Typos, ComeAtTheStatedRateAndAHigherRateOnlyAdds) {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += "parcel ";
  const auto few = split_text(with_typos(text, 0.1, {}, {3, 5}));
  const auto many = split_text(with_typos(text, 0.3, {}, {3, 5}));
  int64_t count = 0;
  for (size_t i = 0; i < few.size(); ++i) {
    if (few[i] == "parcel") continue;
    ++count;
    EXPECT_EQ(few[i], many[i]);
  }
  EXPECT_NEAR(static_cast<double>(count), 400.0, 4.0 * 19.0) << "four standard deviations of 4000 draws";
  EXPECT_NE(with_typos(text, 0.1, {}, {3, 5}), with_typos(text, 0.1, {}, {3, 6}));
  EXPECT_NE(with_typos(text, 0.1, {}, {3, 5}), with_typos(text, 0.1, {}, {4, 5}));
}

TEST(UnevenSpaces, AreDoubledOrLostButNumbersStayApart) {
  const std::string text = "one two three 4 5 six seven  eight";
  bool doubled = false;
  bool lost = false;
  for (uint64_t stream = 0; stream < 100; ++stream) {
    std::string changed = with_uneven_spaces(text, 0.5, {1, stream});
    EXPECT_THAT(changed, testing::ContainsRegex("three +4 +5 +six"));
    EXPECT_THAT(changed, testing::HasSubstr("seven  eight"));
    doubled |= changed.find("one  two") != std::string::npos;
    lost |= changed.find("onetwo") != std::string::npos;
    std::erase(changed, ' ');
    EXPECT_EQ(changed, "onetwothree45sixseveneight");
  }
  EXPECT_TRUE(doubled && lost);
}

TEST(WithoutMarks, WordsAndNumbersStayWhole) {
  EXPECT_EQ(without_marks("Well, don't pay 3.50 (or .75) at 10:30! \"Why?\" été."),
            "Well don't pay 3.50 or .75 at 10:30 Why été");
  EXPECT_EQ(without_marks("l'été, é.b"), "l'été é.b");
  EXPECT_EQ(without_marks(""), "");
}

TEST(Filler, FillsUpToTheLength) {
  EXPECT_EQ(with_filler("a b", "x y", 5, FillerPlace::before), "x y\nx y\na b");
  EXPECT_EQ(with_filler("a b", "x y", 4, FillerPlace::after), "a b\nx y");
  EXPECT_EQ(with_filler("a b c", "x y", 3, FillerPlace::after), "a b c");
}

}  // namespace
}  // namespace sizeup
