// What an answer says in words of its own confidence: "Confidence: 80%".
#pragma once

#include <limits>
#include <string>
#include <string_view>

namespace sizeup {

struct VerbalConfidence {
  std::string answer;  // without the statement
  // From 0 to 1. NaN: nothing is stated, or no number, or none in that range.
  double confidence = std::numeric_limits<double>::quiet_NaN();
};

// The last statement of a text: `mark` in any case, then ":" or "=", then a number. 0.8, 80%, 80 percent,
// 80/100 and 8 out of 10 say the same; so does 80 by itself, as a number above 1 without a unit is meant in
// percent. Marks of emphasis and brackets around the statement go with it. A statement without a number
// ("Confidence: high") is taken off as well.
VerbalConfidence take_verbal_confidence(std::string_view text, std::string_view mark);

// The detail that holds it, as text: "nan" where there is none.
inline constexpr const char* kVerbalConfidence = "verbal_confidence";

}  // namespace sizeup
