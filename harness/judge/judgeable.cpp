#include "harness/judge/judgeable.h"

#include "harness/judge/likelihood_task.h"
#include "tasks/metrics/grounded.h"
#include "tasks/metrics/refusal.h"

namespace sizeup {
namespace {

bool is_closed_book(const JudgedTexts& texts, const RefusalPhrases& refusals) {
  return texts.source.empty() && !is_refusal(texts.expected, refusals);
}

// Of a conversation the claims would be those of its last answer alone.
bool find_claims(JudgedTexts& texts, const RefusalPhrases& refusals) {
  if (texts.source.empty() || !texts.before.empty() || is_refusal(texts.answer, refusals)) return false;
  for (const Claim& claim : check_claims(texts.answer, texts.source))
    texts.claims.push_back(texts.answer.substr(claim.begin, claim.end - claim.begin));
  return !texts.claims.empty();
}

}  // namespace

int64_t keep_judgeable(VerdictForm form, std::vector<JudgedAnswer>& answers) {
  const RefusalPhrases refusals(default_refusals());
  return static_cast<int64_t>(std::erase_if(answers, [&](JudgedAnswer& answer) {
    if (form == VerdictForm::closed_book) return !is_closed_book(answer.texts, refusals);
    if (form == VerdictForm::claims) return !find_claims(answer.texts, refusals);
    if (form == VerdictForm::likelihood)
      return answer.texts.answer.empty() || !answer.texts.before.empty() || !without_source(answer.texts);
    return false;
  }));
}

}  // namespace sizeup
