// How a sample says which variant of its document it asks.
#pragma once

namespace sizeup {

// The field and slice that tells the variants of a document apart, and its value in the document as it is.
inline constexpr const char* kVariantField = "variant";
inline constexpr const char* kOriginal = "original";

}  // namespace sizeup
