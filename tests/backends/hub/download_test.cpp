// Downloads from a hub that fails in the middle, lies, redirects and refuses.
#include <gmock/gmock.h>

#include "core/io/sha256.h"
#include "tests/backends/hub/hub_fixture.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Download : public HubFixture {};

constexpr const char* kWeights = "model.safetensors";

TEST_F(Download, BringsOnlyWhatIsNeeded) {
  const auto place = fetch();
  ASSERT_TRUE(place.has_value()) << describe(place.error());
  EXPECT_EQ(*place, snapshot());
  EXPECT_THAT(fetched_files(), ElementsAre("config.json", "tokenizer.json", kWeights));
  EXPECT_EQ(read_whole(*place / kWeights), weights);
  EXPECT_EQ(read_whole(*place / "config.json"), hub.files["config.json"]);
}

TEST_F(Download, ATextPartNeedsNoWeights) {
  const auto place = fetch("org/tiny", {}, HubNeed::text);
  ASSERT_TRUE(place.has_value()) << describe(place.error());
  EXPECT_THAT(fetched_files(), ElementsAre("config.json", "tokenizer.json"));
}

TEST_F(Download, ShardsAreThoseOfTheIndex) {
  hub.files.erase(kWeights);
  hub.files["model.safetensors.index.json"] =
      R"({"weight_map": {"a": "b-1.safetensors", "c": "b-2.safetensors"}})";
  for (const char* name : {"b-1.safetensors", "b-2.safetensors", "other.safetensors"}) hub.files[name] = name;
  const auto place = fetch();
  ASSERT_TRUE(place.has_value()) << describe(place.error());
  EXPECT_THAT(fetched_files(), ElementsAre("config.json", "tokenizer.json", "model.safetensors.index.json",
                                           "b-1.safetensors", "b-2.safetensors"));
}

TEST_F(Download, AnIndexCannotPointElsewhere) {
  hub.files.erase(kWeights);
  hub.files["model.safetensors.index.json"] = R"({"weight_map": {"a": "../../../evil.safetensors"}})";
  EXPECT_THAT(failure(), HasSubstr("'weight_map' names the file '../../../evil.safetensors'"));
  hub.files["model.safetensors.index.json"] = R"({"weight_map": {"a": "absent.safetensors"}})";
  EXPECT_THAT(failure(), HasSubstr("lacks absent.safetensors"));
}

TEST_F(Download, ContinuesWhereATransferBroke) {
  int cuts = 0;
  hub.on_reply = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.is_file(kWeights) && ++cuts <= 2) reply.cut_after = 100000;
  };
  const auto place = fetch();
  ASSERT_TRUE(place.has_value()) << describe(place.error());
  EXPECT_EQ(read_whole(*place / kWeights), weights);
  std::vector<std::string> ranges;
  for (const LoopbackRequest& request : hub.requests()) {
    if (request.is_file(kWeights)) ranges.push_back(request.header("Range"));
  }
  EXPECT_THAT(ranges, ElementsAre("", "bytes=100000-", "bytes=200000-"));
}

TEST_F(Download, AnotherCallContinuesToo) {
  hub.on_reply = [](const LoopbackRequest& request, LoopbackReply& reply) {
    if (!request.is_file(kWeights)) return;
    if (request.header("Range").empty()) {
      reply.cut_after = 100000;
    } else {
      reply = {503, {}, "down", {}, {}, true};
    }
  };
  EXPECT_THAT(failure(), AllOf(HasSubstr("status 503"), HasSubstr("what has arrived is kept")));
  hub.on_reply = nullptr;
  const auto place = fetch();
  ASSERT_TRUE(place.has_value()) << describe(place.error());
  EXPECT_EQ(hub.requests().back().header("Range"), "bytes=100000-");
  EXPECT_EQ(read_whole(*place / kWeights), weights);
}

TEST_F(Download, StartsAgainWhereTheServerKnowsNoRanges) {
  int cuts = 0;
  hub.on_reply = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    if (!request.is_file(kWeights)) return;
    reply.status = 200;
    reply.headers.clear();
    reply.body = weights;
    if (++cuts == 1) reply.cut_after = 100000;
  };
  const auto place = fetch();
  ASSERT_TRUE(place.has_value()) << describe(place.error());
  EXPECT_EQ(read_whole(*place / kWeights), weights);
}

TEST_F(Download, AnOrderlyEndBeforeTheListedSizeIsABrokenTransfer) {
  hub.claimed_sizes[kWeights] = weights.size() + 5;
  EXPECT_THAT(failure(), AllOf(HasSubstr("model.safetensors"), HasSubstr("300012 bytes are listed")));
  EXPECT_FALSE(std::filesystem::exists(snapshot() / kWeights));
}

TEST_F(Download, MoreThanTheListedSizeIsRefused) {
  hub.claimed_sizes[kWeights] = 1000;
  EXPECT_THAT(failure(), HasSubstr("sends more than the 1000 bytes it lists"));
  EXPECT_FALSE(std::filesystem::exists(snapshot() / kWeights));
}

TEST_F(Download, OtherContentThanListedIsThrownAway) {
  hub.claimed_ids[kWeights] = sha256_hex("something else");
  EXPECT_THAT(failure(),
              AllOf(HasSubstr("SHA-256 " + sha256_hex(weights)), HasSubstr("nothing of it was kept")));
  EXPECT_EQ(hub.requests_of(kWeights), 1u) << "a fresh download with a wrong hash is not repeated";
  EXPECT_FALSE(std::filesystem::exists(snapshot() / kWeights));
  const auto blob = repository_folder() / "blobs" / sha256_hex("something else");
  EXPECT_FALSE(std::filesystem::exists(blob));
  EXPECT_EQ(std::filesystem::file_size(blob.string() + ".incomplete"), 0u);
}

TEST_F(Download, SmallFilesAreVerifiedByTheirGitId) {
  hub.claimed_ids["config.json"] = std::string(40, 'a');
  EXPECT_THAT(failure(), AllOf(HasSubstr("config.json"), HasSubstr("Git id")));
}

TEST_F(Download, ABadOldPartIsReplaced) {
  const auto blobs = repository_folder() / "blobs";
  std::filesystem::create_directories(blobs);
  const std::string part = (blobs / sha256_hex(weights)).string() + ".incomplete";
  std::ofstream(part) << std::string(200000, 'x');
  ASSERT_TRUE(fetch().has_value());
  EXPECT_EQ(read_whole(snapshot() / kWeights), weights);
  EXPECT_EQ(hub.requests_of(kWeights), 2u);
  EXPECT_FALSE(std::filesystem::exists(part));
}

TEST_F(Download, ALinkInTheWayIsNotFollowed) {
  const auto blobs = repository_folder() / "blobs";
  std::filesystem::create_directories(blobs);
  const auto victim = folder.write("victim", "precious");
  std::filesystem::create_symlink(victim, (blobs / sha256_hex(weights)).string() + ".incomplete");
  EXPECT_THAT(failure(), HasSubstr("cannot be opened"));
  EXPECT_EQ(read_whole(victim), "precious");
}

TEST_F(Download, WaitsOutWhatMayPass) {
  std::map<std::string, int> seen;
  hub.on_reply = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    const int count = ++seen[request.target];
    if (count == 1) reply = {429, {}, "slow down", {}, {}, true};
    if (count == 2) reply = {500, {}, "oops", {}, {}, true};
  };
  const auto place = fetch();
  ASSERT_TRUE(place.has_value()) << describe(place.error());
  EXPECT_EQ(read_whole(*place / "config.json"), hub.files["config.json"]) << "no error page became a file";
}

TEST_F(Download, GivesUpAfterSomeTries) {
  hub.on_reply = [](const LoopbackRequest&, LoopbackReply& reply) { reply = {429, {}, "", {}, {}, true}; };
  EXPECT_THAT(failure(), HasSubstr("too many requests"));
  EXPECT_EQ(hub.requests().size(), 5u);
}

TEST_F(Download, SaysWhatIsMissing) {
  EXPECT_THAT(failure("org/other"), AllOf(HasSubstr("404"), HasSubstr("check the name")));
  EXPECT_EQ(hub.requests().size(), 1u) << "a no is a no";
  hub.on_reply = [](const LoopbackRequest&, LoopbackReply& reply) { reply = {401, {}, "", {}, {}, true}; };
  EXPECT_THAT(failure(), AllOf(HasSubstr("401"), HasSubstr("HF_TOKEN")));
  settings.token = "hf_secret";
  EXPECT_THAT(failure(), AllOf(HasSubstr("accept the repository's terms"), Not(HasSubstr("hf_secret"))));
}

TEST_F(Download, TheTokenStaysWithTheHub) {
  LoopbackHub elsewhere;  // as the hub's large files come from another host
  elsewhere.files = hub.files;
  settings.token = "hf_secret";
  hub.on_reply = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.header("Authorization") != "Bearer hf_secret") reply = {401, {}, "", {}, {}, true};
    if (request.is_file(kWeights)) {
      reply = {302, {"Location: " + elsewhere.endpoint() + request.target}, "moved", {}, {}, true};
    }
    if (request.is_file("config.json")) {  // within the hub, relative
      reply = {307, {"Location: " + request.target + "?renamed"}, "moved", {}, {}, true};
    }
    if (request.target.ends_with("config.json?renamed") && !request.header("Authorization").empty()) {
      reply = {200, {}, hub.files["config.json"], {}, {}, true};
    }
  };
  const auto place = fetch();
  ASSERT_TRUE(place.has_value()) << describe(place.error());
  EXPECT_EQ(read_whole(*place / kWeights), weights);
  ASSERT_EQ(elsewhere.requests().size(), 1u);
  EXPECT_EQ(elsewhere.requests()[0].header("Authorization"), "");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(settings.cache)) {
    if (entry.is_regular_file()) {
      EXPECT_THAT(read_whole(entry.path()), Not(HasSubstr("hf_secret")));
    }
  }
}

TEST_F(Download, RedirectsEnd) {
  hub.on_reply = [](const LoopbackRequest& request, LoopbackReply& reply) {
    reply = {302, {"Location: " + request.target}, "", {}, {}, true};
  };
  EXPECT_THAT(failure(), HasSubstr("redirects without end"));
}

TEST_F(Download, RedirectsLeadToNoFile) {
  const auto secret = folder.write("secret", "precious");
  hub.on_reply = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.is_file(kWeights)) reply = {302, {"Location: file://" + secret.string()}, "", {}, {}, true};
  };
  EXPECT_THAT(failure(), HasSubstr("redirects to an address that is not as safe"));
}

TEST_F(Download, AnAnswerThatIsNoListingIsRefused) {
  const auto with = [&](const std::string& body) {
    hub.on_reply = [body](const LoopbackRequest&, LoopbackReply& reply) { reply.body = body; };
    return failure();
  };
  EXPECT_THAT(with("<html>sign in</html>"), HasSubstr("not valid JSON"));
  EXPECT_THAT(with("[]"), HasSubstr("not the hub's description"));
  EXPECT_THAT(with(R"({"sha": "../../../../etc", "siblings": []})"), HasSubstr("not the hub's description"));
  EXPECT_FALSE(std::filesystem::exists(settings.cache));
}

TEST_F(Download, NamesThatLeadOutOfTheCacheAreNotFiles) {
  hub.files = {{"../../../evil.gguf", "x"}, {"/evil.gguf", "x"}, {"a/../../evil.gguf", "x"}};
  EXPECT_THAT(failure(), HasSubstr("no weights that can be read"));
}

TEST_F(Download, AStopEndsItAndKeepsThePart) {
  std::stop_source stop;
  settings.stop = stop.get_token();
  settings.on_progress = [&](const HubProgress& progress) {
    if (progress.file == kWeights) stop.request_stop();
  };
  hub.on_reply = [](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.is_file(kWeights)) reply.cut_after = 100000;
  };
  const auto place = fetch();
  ASSERT_FALSE(place.has_value());
  EXPECT_EQ(hub.requests_of(kWeights), 1u);
  EXPECT_GT(std::filesystem::file_size((repository_folder() / "blobs" / sha256_hex(weights)).string() +
                                       ".incomplete"),
            0u);
}

TEST_F(Download, ProgressEndsWithTheWholeFile) {
  std::map<std::string, HubProgress> last;
  settings.on_progress = [&](const HubProgress& progress) { last[progress.file] = progress; };
  ASSERT_TRUE(fetch().has_value());
  EXPECT_EQ(last[kWeights].done, static_cast<int64_t>(weights.size()));
  EXPECT_EQ(last[kWeights].total, static_cast<int64_t>(weights.size()));
}

}  // namespace
}  // namespace sizeup
