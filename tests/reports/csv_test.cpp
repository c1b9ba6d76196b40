#include "reports/csv/csv.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sizeup {
namespace {

TEST(Csv, QuotesWhatTheRfcQuotes) {
  CsvTable table({"a", "b"});
  table.text("plain").text("with, comma").text("a \"quote\"").text("two\nlines");
  EXPECT_EQ(table.content(), "a,b\r\nplain,\"with, comma\"\r\n\"a \"\"quote\"\"\",\"two\nlines\"\r\n");
}

TEST(Csv, TextIsNeverAFormula) {
  CsvTable table({"a"});
  for (const char* text : {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"}) table.text(text);
  EXPECT_EQ(table.content(), "a\r\n'=1+1\r\n'+1\r\n'-1\r\n'@SUM(A1)\r\n'\t=1\r\n\"'\r=1\"\r\n");
}

TEST(Csv, NumbersStayNumbers) {
  CsvTable table({"a", "b", "c", "d", "e"});
  table.number(-0.1).number(1.0 / 3.0).number(std::nan("")).number(std::optional<double>()).integer(-5);
  EXPECT_EQ(table.content(), "a,b,c,d,e\r\n-0.1,0.3333333333333333,,,-5\r\n");
}

TEST(Csv, BrokenBytesAreReplaced) {
  CsvTable table({"a"});
  table.text("\xff");
  EXPECT_EQ(table.content(), "a\r\n\ufffd\r\n");
}

}  // namespace
}  // namespace sizeup
