// Numbers, amounts and dates in their spellings.
#include <gmock/gmock.h>

#include "tasks/text/unicode.h"
#include "tasks/values/date.h"
#include "tasks/values/number.h"
#include "tasks/values/source_text.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Number, ReadsSeparators) {
  EXPECT_THAT(read_number("1234.50"), ElementsAre("1234.5"));
  EXPECT_THAT(read_number("1,234.50"), ElementsAre("1234.5"));
  EXPECT_THAT(read_number("1.234,50"), ElementsAre("1234.5"));
  EXPECT_THAT(read_number("1'234.5"), ElementsAre("1234.5"));
  EXPECT_THAT(read_number("1 234,5"), ElementsAre("1234.5"));
  EXPECT_THAT(read_number("1\u00A0234\u00A0567"), ElementsAre("1234567"));
  EXPECT_THAT(read_number("1.234.567"), ElementsAre("1234567"));
  EXPECT_THAT(read_number("-0007"), ElementsAre("-7"));
  EXPECT_THAT(read_number("\u22125.0"), ElementsAre("-5"));
  EXPECT_THAT(read_number("-0.00"), ElementsAre("0"));
  EXPECT_THAT(read_number(" 3 "), ElementsAre("3"));
}

// "1.234" is one and a bit in English, more than a thousand elsewhere: both readings, the decimal one first.
TEST(Number, KeepsBothReadingsOfOneSeparatorBeforeThreeDigits) {
  EXPECT_THAT(read_number("1.234"), ElementsAre("1.234", "1234"));
  EXPECT_THAT(read_number("1,234"), ElementsAre("1.234", "1234"));
  EXPECT_THAT(read_number("0.234"), ElementsAre("0.234"));
  EXPECT_THAT(read_number("1234.567"), ElementsAre("1234.567"));
}

TEST(Number, OtherTextsAreNone) {
  for (const char* text :
       {"", "abc", "12a", "a12", "1 2", "1,23,4", "19.06.2026", "3 apples", "--3", "1.2.3", "12:30"}) {
    EXPECT_THAT(read_number(text), IsEmpty()) << text;
  }
}

TEST(Number, HasAnyNumberOfDigits) {
  const std::string long_number(100'000, '9');
  EXPECT_THAT(read_number(long_number), ElementsAre(long_number));
}

TEST(Number, FindsAllInAText) {
  std::vector<std::string> found;
  for (const NumberInText& number :
       find_numbers("INV-32528 of 19.06.2026: 1,200.50 EUR, -3 and 1,2,3; 2021-22")) {
    found.push_back(number.readings.front());
  }
  EXPECT_THAT(found, ElementsAre("32528", "19", "6", "2026", "1200.5", "-3", "1", "2", "3", "2021", "22"));
}

TEST(Money, IsComparedByAmountAndCurrency) {
  const auto same = [](const char* a, const char* b) { return same_money(read_money(a), read_money(b)); };
  EXPECT_TRUE(same("440.00", "440"));
  EXPECT_TRUE(same("EUR 1,440.00", "1.440,00 €"));
  EXPECT_TRUE(same("$5", "5 USD"));
  EXPECT_TRUE(same("5", "5 dollars"));
  EXPECT_TRUE(same("-5 EUR", "EUR -5"));
  EXPECT_FALSE(same("5 EUR", "5 USD"));
  EXPECT_FALSE(same("5.01", "5.10"));
  EXPECT_FALSE(same("5", "-5"));
  EXPECT_THAT(read_money("about 5 EUR").amount, IsEmpty());
  EXPECT_THAT(read_money("EUR").amount, IsEmpty());
}

TEST(Date, ReadsItsSpellings) {
  for (const char* text : {"2026-04-02", "2026/4/2", "02.04.2026", "2.4.2026", "2.4.26", "2 April 2026",
                           "2nd of April 2026", "April 2, 2026", "April 2nd 2026", "Apr. 2, 2026",
                           "2 Apr 2026", "02-Apr-2026", "2-APR-26", " 2 april, 2026 "}) {
    EXPECT_THAT(read_date(text), ElementsAre(Date{2026, 4, 2})) << text;
  }
  EXPECT_THAT(read_date("4 Sept 1999"), ElementsAre(Date{1999, 9, 4}));
  EXPECT_THAT(read_date("29 February 2024"), ElementsAre(Date{2024, 2, 29}));
}

TEST(Date, KeepsBothOrdersWhereTheyCannotBeToldApart) {
  EXPECT_THAT(read_date("03/04/2026"), ElementsAre(Date{2026, 3, 4}, Date{2026, 4, 3}));
  EXPECT_THAT(read_date("13/04/2026"), ElementsAre(Date{2026, 4, 13}));
  EXPECT_THAT(read_date("04/13/2026"), ElementsAre(Date{2026, 4, 13}));
}

TEST(Date, OtherTextsAreNone) {
  for (const char* text : {"", "2026", "2026-13-01", "30 February 2024", "29 February 2023", "April 2026",
                           "2 April", "1.234.567", "2026-04-02-03", "12026-04-02", "2026-04-021", "May I go",
                           "5 March 30", "31.04.2026", "0/1/2026"}) {
    EXPECT_THAT(read_date(text), IsEmpty()) << text;
  }
}

TEST(Date, FindsAllInAText) {
  const std::string text =
      "Issued April 2, 2026 (order of 2026-01-30), due 19 June 2026. Maybe 5 March 30 people come.";
  std::vector<Date> found;
  for (const DateInText& date : find_dates(text)) found.push_back(date.readings.front());
  EXPECT_THAT(found, ElementsAre(Date{2026, 4, 2}, Date{2026, 1, 30}, Date{2026, 6, 19}));
  EXPECT_EQ(text.substr(find_dates(text)[0].begin, 13), "April 2, 2026");
}

TEST(Text, FoldsCaseWidthAndWhiteSpace) {
  EXPECT_EQ(fold_text("  Stra\u00DFe\n\u00A0ＡＢＣ  "), "strasse abc");
  EXPECT_EQ(squad_text("The  cat's, an Apple!"), "cats apple");
}

TEST(SourceText, FindsWordsNumbersAndDates) {
  const SourceText source(
      "For tyres, Linroton Metals & Sons wrote no R-88627 on April 2, 2026 over 7,364.26 SEK. 中文字");
  EXPECT_TRUE(source.find_text("linroton  METALS"));
  EXPECT_TRUE(source.find_text("R-88627"));
  EXPECT_TRUE(source.find_text("文"));
  EXPECT_FALSE(source.find_text("R-8862"));  // part of a word is another word
  EXPECT_FALSE(source.find_text("Metals Linroton"));
  EXPECT_FALSE(source.find_text(""));
  EXPECT_TRUE(source.find_number(read_number("7364.26")));
  EXPECT_FALSE(source.find_number(read_number("7364.27")));
  EXPECT_TRUE(source.find_date(read_date("2026-04-02")));
  EXPECT_EQ(source.find_text("Metals")->begin, 20U);
}

}  // namespace
}  // namespace sizeup
