// The page, section by section, in the order of the questions it answers. A section without data is nothing.
#pragma once

#include <optional>

#include "reports/html/parts.h"
#include "reports/report_data.h"

namespace sizeup {

Html verdict_header(const ReportData& data);                           // May I? What do I do on Monday?
std::optional<Section> judging_section(const ReportData& data);        // What did the judges say?
std::optional<Section> differences_section(const ReportData& data);    // Why that verdict?
std::optional<Section> models_section(const ReportData& data);         // Is there a better candidate?
std::optional<Section> tradeoffs_section(const ReportData& data);      // What do I pay for the rest?
std::optional<Section> slices_section(const ReportData& data);         // Who is hurt by the average?
std::optional<Section> robustness_section(const ReportData& data);     // Does it hang on how I ask?
std::optional<Section> hallucination_section(const ReportData& data);  // Which errors are invented?
std::optional<Section> calibration_section(const ReportData& data);    // Does it know when it is wrong?
std::optional<Section> routing_section(const ReportData& data);        // Can I have both?
std::optional<Section> latency_section(const ReportData& data);        // Is it fast under my conditions?
std::optional<Section> cost_section(const ReportData& data);           // Is it cheap?
std::optional<Section> ladder_section(const ReportData& data);         // Is a smaller file enough?
std::optional<Section> history_section(const ReportData& data);        // What moved it, and when?
std::optional<Section> samples_section(const ReportData& data);        // Show me.
std::optional<Section> method_section(const ReportData& data);         // Can I trust and repeat it?
std::optional<Section> glossary_section(const ReportData& data);       // What does the word mean?

// The script's data: index and texts, packed. Empty where the report has no samples.
Html sample_blocks(const ReportData& data);

}  // namespace sizeup
