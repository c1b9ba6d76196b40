// Two models behind one name: the small one answers, and what its policy sends on goes to the large one.
#pragma once

#include <memory>
#include <string>

#include "backends/backend.h"
#include "backends/model_reference.h"
#include "backends/router/route_policy.h"

namespace sizeup {

// router:FILE, a policy that `sizeup route --policy` wrote. Its models are opened by their references, seen
// from the current folder, and must have the weights that it was made with. No option but those that runs add
// (now, offline).
Result<std::unique_ptr<Backend>> open_router(const ModelReference& reference);

// The same of models that are open. Usage error where a model cannot do what the policy was made from.
//
// What responses do not show (checks of the answer, the probability of options), the sink is asked for:
// ResponseSink::facts_of. A request goes on where the policy needs slices or facts that are not known.
//
// It scores if the policy was made from scored choices; all requests to a document are then answered by one
// model. A response is that of the model that answered; its tokens are those of both, its times begin with
// the small model's, whose tokens are not streamed: whether they are the answer is known at their end.
// Requests of a list are put to the small model first, then all that go on to the large one; in other
// scenarios both work at once.
Result<std::unique_ptr<Backend>> make_router(const ModelReference& reference, RoutePolicy policy,
                                             std::unique_ptr<Backend> small, std::unique_ptr<Backend> large);

}  // namespace sizeup
