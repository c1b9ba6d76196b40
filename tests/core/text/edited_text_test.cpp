#include "core/text/edited_text.h"

#include <gtest/gtest.h>

namespace sizeup {
namespace {

Redactor redactor(std::vector<std::string> patterns) {
  Result<Redactor> made = Redactor::compile(patterns);
  if (!made) throw std::runtime_error(describe(made.error()));
  return std::move(*made);
}

TEST(EditedText, OffsetsCountUtf16) {
  const EditedText text("aä🙂b");  // bytes: a 1, ä 2, 🙂 4, b 1
  EXPECT_EQ(text.utf16_offset(0, false), 0);
  EXPECT_EQ(text.utf16_offset(1, false), 1);
  EXPECT_EQ(text.utf16_offset(3, false), 2);
  EXPECT_EQ(text.utf16_offset(7, false), 4);  // the face is a surrogate pair
  EXPECT_EQ(text.utf16_offset(5, false), 2);  // inside a character: its start, never half a pair
  EXPECT_EQ(text.utf16_offset(99, true), 5);
}

TEST(EditedText, RepairsMoveWhatFollows) {
  const EditedText text(
      "\xff\xfe"
      "abc");
  EXPECT_TRUE(text.repaired());
  EXPECT_EQ(text.text(),
            "\ufffd\ufffd"
            "abc");
  EXPECT_EQ(text.utf16_offset(2, false), 2);
  EXPECT_EQ(text.utf16_offset(5, true), 5);
  EXPECT_FALSE(EditedText("ok").repaired());
}

TEST(EditedText, MasksMoveWhatFollowsAndCoverWhatTheyHide) {
  EditedText text("call +49 30 1234 now: due Monday");
  redactor({"[+]?[0-9][0-9 ]+[0-9]"}).redact(text);
  EXPECT_EQ(text.text(), "call [redacted] now: due Monday");
  const auto moved = [&](size_t at, bool is_end) { return text.utf16_offset(at, is_end); };
  EXPECT_EQ(moved(0, false), 0);
  EXPECT_EQ(moved(5, false), 5);
  EXPECT_EQ(moved(9, false), 5);    // a span that begins inside the mask begins with it
  EXPECT_EQ(moved(9, true), 15);    // and one that ends inside it ends with it
  EXPECT_EQ(moved(22, false), 21);  // "due"
}

TEST(Redactor, MasksEveryMatchOfEveryPattern) {
  const Redactor both = redactor({"[a-z]+@[a-z.]+", "(?i)müller"});
  EXPECT_EQ(both.redacted("a@b.de and c@d.de, Frau MÜLLER"), "[redacted] and [redacted], Frau [redacted]");
  EXPECT_EQ(both.redacted("nothing here"), "nothing here");
  EXPECT_FALSE(redactor({}).active());
}

TEST(Redactor, EmptyMatchesMaskNothingAndEnd) {
  EXPECT_EQ(redactor({"x*"}).redacted("axxb🙂"), "a[redacted]b🙂");
  EXPECT_EQ(redactor({"(?=b)"}).redacted("abc"), "abc");
}

TEST(Redactor, APatternThatNeverEndsMasksTheWholeText) {
  const std::string text = std::string(5'000, 'a') + "!";
  EXPECT_EQ(redactor({"^(a+)+$"}).redacted(text), "[redacted]");
}

TEST(Redactor, BadPatternIsAUsageError) {
  Result<Redactor> made = Redactor::compile({"("});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().kind, ErrorKind::usage);
  EXPECT_NE(made.error().message.find("--redact '('"), std::string::npos);
}

}  // namespace
}  // namespace sizeup
