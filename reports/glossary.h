// The words of the page, plainly: its glossary, its tooltips and the JSON's `glossary`.
#pragma once

#include <array>
#include <string_view>

namespace sizeup {

struct GlossaryEntry {
  std::string_view id;
  std::string_view word;
  std::string_view meaning;
};

inline constexpr std::array<GlossaryEntry, 22> kGlossary = {{
    {"interval", "95\u00a0% interval",
     "The range that would hold the true value in 95 of 100 repetitions with fresh samples. Wide means few "
     "samples."},
    {"noninf", "Non-inferior",
     "Shown to lose less than the margin: the whole interval of (small − large) lies above −margin."},
    {"margin", "Margin", "The loss you are willing to accept, set before looking."},
    {"pp", "pp", "Percentage points: from 93 % to 91 % is −2 pp."},
    {"paired", "Paired",
     "Both models saw the same samples, so only samples where they differ move the result. Needs far fewer "
     "samples than two "
     "separate averages."},
    {"flip", "Flip", "A sample that one model gets right, or more right, and the other does not."},
    {"retention", "Kept of large’s score", "Small’s mean score divided by large’s, on the same samples."},
    {"pareto", "Pareto line", "The models that no other model beats on both axes."},
    {"unusable", "Unusable answer",
     "No answer found, not a valid label or form, or a failed request. Failed requests have no score; the "
     "others count as wrong."},
    {"confidence", "Confidence",
     "How sure a model is of an answer, between 0 and 1: the probability of the option that it took, or of "
     "the tokens that it wrote. The report says which."},
    {"ece", "ECE",
     "Expected calibration error: how far stated confidence and share right lie apart, on average over ten "
     "groups of answers of similar confidence. Chance alone keeps it above 0."},
    {"brier", "Brier score",
     "Mean squared gap between confidence and outcome; 0 is perfect, lower is better."},
    {"auroc", "AUROC",
     "Chance that a right answer has higher confidence than a wrong one; 0.5 is a coin, 1 is perfect."},
    {"coverage", "Risk, coverage",
     "Coverage is the share of the answers that are given when only the surest are; risk is the share of "
     "those that are wrong."},
    {"temperature", "Temperature",
     "One number that makes every confidence less extreme (above 1) or more extreme (below 1), fitted so "
     "that "
     "confidence meets the share right. The order of the answers stays."},
    {"threshold", "Threshold",
     "Requests whose confidence, or other score, lies below it go on from the small model to the large one."},
    {"apgr", "APGR",
     "How much of the gap between the two models routing closes, averaged over every share sent on: 0.5 is "
     "what drawing lots gives; what is wrong with both models keeps it below 1."},
    {"ttft", "TTFT", "Time from sending the request to the first streamed token."},
    {"e2e", "E2E", "Time from sending the request to the last token, or to the scores of all choices."},
    {"p95", "p50, p95", "The time within which 50 or 95 of 100 requests were done."},
    {"holm", "Holm p",
     "The p-value after allowing for the number of tasks compared: how surprising the difference would be if "
     "there were none."},
    {"slice", "Slice", "A part of the samples that share a property, such as language or customer tier."},
}};

}  // namespace sizeup
