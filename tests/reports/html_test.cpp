#include "reports/html/html.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "core/json/json.h"
#include "harness/store/model_text.h"
#include "reports/html/labels.h"
#include "reports/html/pack.h"
#include "reports/text.h"

namespace sizeup {
namespace {

TEST(Escape, MarkupBecomesReferences) {
  EXPECT_EQ(escape("<a href=\"x\" title='y'>&amp;</a>"),
            "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
}

TEST(Escape, WhatHidesOrReordersIsSpelledOut) {
  EXPECT_EQ(escape(std::string("a\0b", 3)), "a[U+0000]b");
  EXPECT_EQ(escape("\u202eabc\u2069"), "[U+202E]abc[U+2069]");
  EXPECT_EQ(escape("x\u200by\U000E0041"), "x[U+200B]y[U+E0041]");
  EXPECT_EQ(escape("tab\tand\nline"), "tab\tand\nline");  // these two are ordinary text
}

TEST(Escape, BrokenBytesBecomeReplacementCharacters) {
  EXPECT_EQ(escape("a\xff"
                   "b"),
            "a\ufffd"
            "b");
  EXPECT_EQ(escape("\xc3<"), "\ufffd&lt;");  // an incomplete sequence must not swallow the bracket
  EXPECT_EQ(escape("grüße 漢字 🙂"), "grüße 漢字 🙂");
}

TEST(Template, EveryValueIsEscaped) {
  EXPECT_EQ(html("<p title=\"{}\">{}</p>", "\"", std::string("<")).str(), "<p title=\"&quot;\">&lt;</p>");
  EXPECT_EQ(html("{}{}", html("<b>{}</b>", "&"), 42).str(), "<b>&amp;</b>42");
  EXPECT_EQ(html("{}", "{}").str(), "{}");  // a value is never a template
}

TEST(Template, PositionsAreShort) {
  EXPECT_EQ(html("{} {} {} {}", Percent{50.0 / 3}, Percent{100}, Coordinate{-0.001}, Coordinate{13.5}).str(),
            "16.67% 100% 0 13.5");
}

TEST(BoxedText, CodePointsStandInBoxes) {
  EXPECT_EQ(boxed_text("a\u202e<").str(), "a<span class=\"ctl\">U+202E</span>&lt;");
}

TEST(JsonForScript, CannotEndTheElement) {
  const Json value = {{"a", "</script><!-- \u2028\u2029"}};
  EXPECT_EQ(json_for_script(value), "{\"a\":\"\\u003c/script>\\u003c!-- \\u2028\\u2029\"}");
  EXPECT_EQ(Json::parse(json_for_script(value)), value);
}

TEST(ContentHash, IsWhatBrowsersCompute) {
  // printf '' | openssl dgst -sha256 -binary | base64
  EXPECT_EQ(content_hash(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST(Base64, Rfc4648Vectors) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xfb\xff"), "+/8=");
}

std::string unpacked(const std::string& packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(Gzip, ComesBackAndIsTheSameEveryTime) {
  const std::string text = std::string(100'000, 'a') + "the end";
  EXPECT_EQ(unpacked(gzip(text)), text);
  EXPECT_EQ(unpacked(gzip("")), "");
  EXPECT_EQ(gzip(text), gzip(text));
}

TEST(PercentEncoded, NothingLeavesItsPlace) {
  EXPECT_EQ(percent_encoded("a b&c=d#e%ü"), "a%20b%26c%3Dd%23e%25%C3%BC");
  EXPECT_EQ(percent_encoded("A-z_0.9~"), "A-z_0.9~");
}

TEST(Assets, UseNoneOfTheDangerousWays) {
  for (const char* forbidden :
       {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
        "javascript:", "srcdoc", "importScripts", "fetch(", "XMLHttpRequest", "WebSocket", "setTimeout(\""}) {
    EXPECT_EQ(kReportJs.text.find(forbidden), std::string_view::npos) << forbidden;
  }
  for (const char* forbidden : {"@import", "url(", "expression("}) {
    EXPECT_EQ(kReportCss.text.find(forbidden), std::string_view::npos) << forbidden;
  }
  EXPECT_EQ(kReportJs.text.find("</script"), std::string_view::npos);
  EXPECT_EQ(kReportCss.text.find("</style"), std::string_view::npos);
}

TEST(CleanName, HasOneLine) {
  EXPECT_EQ(clean_name("a\nb\u202e"), "a[U+000A]b[U+202E]");
  EXPECT_EQ(clean_name(std::string(500, 'x')), std::string(120, 'x') + "…");
  EXPECT_EQ(clean_name("\xff"), "\ufffd");
}

TEST(Snippet, CutsAtCodePointsAndFoldsSpace) {
  EXPECT_EQ(snippet("  a \n\n b  ", 10), "a b");
  EXPECT_EQ(snippet("äöü", 2), "äö…");
  EXPECT_EQ(snippet("🙂🙂", 2), "🙂🙂");
}

TEST(WithoutFolders, KeepsNamesAndHidesHomes) {
  EXPECT_EQ(without_folders("/home/someone/x.gguf"), "x.gguf");
  EXPECT_EQ(without_folders("/home/someone/dir/"), "dir/");
  EXPECT_EQ(without_folders("./models/x.gguf?device=cpu"), "./models/x.gguf?device=cpu");
  EXPECT_EQ(without_folders("a.gguf?adapter=/home/someone/lora&dtype=float32"),
            "a.gguf?adapter=lora&dtype=float32");
  EXPECT_EQ(without_folders("openai:m?base_url=http://127.0.0.1:8000/v1"),
            "openai:m?base_url=http://127.0.0.1:8000/v1");
}

size_t count_of(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST(PlaceLabels, FreeMarksKeepTheirNames) {
  const PlacedLabels labels = place_labels({{20, 20, "first", {}}, {80, 80, "second", {}}});
  EXPECT_TRUE(labels.numbered.empty());
  EXPECT_NE(labels.drawing.str().find("first"), std::string::npos);
  EXPECT_NE(labels.drawing.str().find("second"), std::string::npos);
}

TEST(PlaceLabels, MarksOnTopOfEachOtherAreNumberedNotHidden) {
  std::vector<LabelPoint> points;
  for (int i = 0; i < 14; ++i)
    points.push_back({50.0 + 0.1 * i, 50.0, "a-rather-long-name-" + std::to_string(i), {}});
  const PlacedLabels labels = place_labels(points);
  EXPECT_FALSE(labels.numbered.empty());
  EXPECT_EQ(count_of(labels.drawing.str(), "<text"), points.size());
  EXPECT_TRUE(labels.numbered.front().starts_with("1 = "));
}

}  // namespace
}  // namespace sizeup
