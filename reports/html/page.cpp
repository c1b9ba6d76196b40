#include <array>
#include <string>

#include "core/io/file.h"
#include "core/json/json.h"
#include "reports/html/sections.h"
#include "reports/report.h"

namespace sizeup {
namespace {

using SectionWriter = std::optional<Section> (*)(const ReportData&);

constexpr std::array<SectionWriter, 16> kSections = {
    judging_section, differences_section, models_section,        tradeoffs_section,
    slices_section,  robustness_section,  hallucination_section, calibration_section,
    routing_section, latency_section,     cost_section,          ladder_section,
    history_section, samples_section,     method_section,        glossary_section};

// One block of script and one of style, each named by its hash: nothing else on the page can run or style.
Html head(const ReportData& data) {
  const std::string script = content_hash(kReportJs.text);
  const std::string style = content_hash(kReportCss.text);
  return html(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\"><meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; "
      "script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'\">\n<title>Is small enough? {} · "
      "sizeup</title>\n"
      "<style>{}</style></head>\n",
      script, style, data.run.name, asset(kReportCss));
}

Html bar(const std::vector<Section>& sections) {
  Html links = html("<a href=\"#verdict\">Verdict</a>");
  for (const Section& section : sections) {
    if (!section.link.empty()) links += html("<a href=\"#{}\">{}</a>", section.id, section.link);
  }
  return html(
      "<header class=\"bar\"><div class=\"wrap\"><span class=\"word\">sizeup</span><nav class=\"toc\" "
      "aria-label=\"contents\">{}</nav>"
      "<button type=\"button\" id=\"theme\" hidden>Theme: system</button></div></header>\n",
      links);
}

Html footer(const ReportData& data) {
  return html(
      "<footer><div class=\"wrap\">Made by sizeup{}. One file, no network. Texts can be left out with "
      "<code>--no-text</code> or masked with "
      "<code>--redact</code>.</div></footer>\n",
      data.store.empty() ? Html{} : html(" from {}", boxed_text(data.store)));
}

}  // namespace

std::string to_html(const ReportData& data) {
  std::vector<Section> sections;
  for (const SectionWriter write : kSections) {
    if (std::optional<Section> written = write(data)) sections.push_back(std::move(*written));
  }
  Html page = head(data);
  page += html("<body><a class=\"skip\" href=\"#verdict\">Skip to the verdict</a>\n");
  if (data.redacted)
    page +=
        html("<div class=\"notice\">Parts of the texts were masked before this page was written.</div>\n");
  page += bar(sections);
  page += html("<main>\n{}", verdict_header(data));
  for (const Section& written : sections) page += section(written);
  page += html("</main>\n{}<div id=\"tip\" role=\"tooltip\" hidden></div>\n", footer(data));
  page += html("<script type=\"application/json\" id=\"data\">{}</script>\n", json_block(to_json(data)));
  page += sample_blocks(data);
  page += html("<script>{}</script>\n</body></html>\n", asset(kReportJs));
  return page.str();
}

Result<void> write_html(const ReportData& data, const std::filesystem::path& path) {
  return write_file(path, to_html(data));
}

}  // namespace sizeup
