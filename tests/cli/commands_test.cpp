// The low-level commands through the program itself: exit statuses, order, bad lines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/cpu/tier.h"
#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

const std::string kPocketSmall = source_path("models/pocket/pocket-small.gguf").string();

TEST(Program, MistakesOnTheCommandLineAreStatus2) {
  EXPECT_EQ(run_program({}).status, 2);
  EXPECT_EQ(run_program({"nonsense"}).status, 2);
  EXPECT_EQ(run_program({"score"}).status, 2);
  EXPECT_EQ(run_program({"score", kPocketSmall, "--threads", "0"}).status, 2);
  EXPECT_EQ(run_program({"--help"}).status, 0);
  EXPECT_THAT(run_program({"--version"}).output, HasSubstr("sizeup "));
}

TEST(Program, AMissingModelIsStatus3AndNamesTheFile) {
  const Finished finished = run_program({"score", "no/such/model.gguf"});
  EXPECT_EQ(finished.status, 3);
  EXPECT_THAT(finished.errors, HasSubstr("no/such/model.gguf"));
  EXPECT_EQ(finished.output, "");
}

TEST(Tokenize, RoundTripsAndKeepsTheOrder) {
  const std::string texts =
      "{\"id\":\"a\",\"text\":\"Hello 42 wörld\"}\n{\"text\":\"\"}\n{\"text\":\"<|end|>\"}\n";
  const Finished encoded = run_program({"tokenize", kPocketSmall}, texts);
  ASSERT_EQ(encoded.status, 0) << encoded.errors;
  const auto lines = lines_of(encoded.output);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(Json::parse(lines[0])["id"], "a");
  EXPECT_EQ(Json::parse(lines[1])["ids"], Json::array());
  EXPECT_GT(Json::parse(lines[2])["ids"].size(), 1u) << "a special token in a plain text is text";
  const Finished decoded = run_program({"tokenize", kPocketSmall, "--decode"}, encoded.output);
  ASSERT_EQ(decoded.status, 0) << decoded.errors;
  EXPECT_EQ(Json::parse(lines_of(decoded.output)[0])["text"], "Hello 42 wörld");
  const Finished parsed =
      run_program({"tokenize", kPocketSmall, "--parse-special"}, "{\"text\":\"<|end|>\"}");
  EXPECT_EQ(Json::parse(parsed.output)["ids"].size(), 1u);
}

TEST(Tokenize, ABadLineGivesAnErrorLineAndStatus1) {
  const Finished finished =
      run_program({"tokenize", kPocketSmall}, "{\"text\":\"a\"}\nnot json\n[1]\n{\"id\":7,\"txt\":\"a\"}\n");
  EXPECT_EQ(finished.status, 1);
  const auto lines = lines_of(finished.output);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_TRUE(Json::parse(lines[0]).contains("ids"));
  EXPECT_THAT(Json::parse(lines[1])["error"].get<std::string>(), HasSubstr("standard input:2"));
  EXPECT_THAT(Json::parse(lines[2])["error"].get<std::string>(), HasSubstr("not an object"));
  EXPECT_EQ(Json::parse(lines[3])["id"], 7);
  EXPECT_THAT(Json::parse(lines[3])["error"].get<std::string>(), HasSubstr("\"text\" is missing"));
  EXPECT_EQ(run_program({"tokenize", kPocketSmall, "--decode"}, "{\"ids\":[1000000]}").status, 1);
}

TEST(Render, WritesTheModelsOwnTemplate) {
  const Finished finished =
      run_program({"render", kPocketSmall},
                  "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"add_generation_prompt\":true}");
  ASSERT_EQ(finished.status, 0) << finished.errors;
  EXPECT_EQ(Json::parse(finished.output)["text"], "<|begin|><|user|>Hi<|end|><|assistant|>");
}

TEST(Render, TakesATemplateFileWithoutAModel) {
  const TemporaryFolder folder;
  const auto file = folder.write(
      "strict.jinja",
      "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{% endfor %}{{ strftime_now('%Y') }}");
  const Finished finished =
      run_program({"render", "--template", file.string(), "--bos", "<s>", "--now", "2031-05-06T07:08:09Z"},
                  "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
  ASSERT_EQ(finished.status, 0) << finished.errors;
  EXPECT_EQ(Json::parse(finished.output)["text"], "<s>[user]2031");
  const Finished own = run_program({"render", "--template", file.string(), "--bos", "<s>"},
                                   "{\"messages\":[],\"bos_token\":\"<bos>\"}");
  EXPECT_EQ(Json::parse(own.output)["text"].get<std::string>().substr(0, 5), "<bos>");
  folder.write("strict.jinja", "{% if %}");
  const Finished broken = run_program({"render", "--template", file.string()}, "{\"messages\":[]}");
  EXPECT_EQ(broken.status, 3);
  EXPECT_THAT(broken.errors, HasSubstr("strict.jinja"));
  EXPECT_EQ(run_program({"render"}, "").status, 2);
}

// Reference values of ../shared: numpy in float64 over the stored weights.
TEST(Score, EqualsTheReferenceOfARealModel) {
  const auto models = shared_folder() / "models";
  if (!std::filesystem::exists(models)) GTEST_SKIP() << "no models in " << models;
  const Json reference = Json::parse(read_whole(models / "stories260K.reference.json"));
  std::string input;
  std::vector<double> expected;
  for (const Json& item : reference["multiple_choice"]) {
    for (const Json& choice : item["choices"]) {
      Json line;
      line["context"] = item["context"];
      line["continuation"] = choice["choice"];
      input += to_line(line) + "\n";
      expected.push_back(choice["sum_logprob"].get<double>());
    }
  }
  const Finished finished = run_program({"score", (models / "stories260K-F32.gguf").string()}, input);
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const auto lines = lines_of(finished.output);
  ASSERT_EQ(lines.size(), expected.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    const Json line = Json::parse(lines[i]);
    // 2e-4 a token, design.md section 6.
    EXPECT_NEAR(line["logprob"].get<double>(), expected[i],
                2e-4 * static_cast<double>(line["tokens"].size()));
  }
}

TEST(Score, BitsDoNotDependOnSharingStepsOrThreads) {
  const std::string input =
      "{\"context\":\"The ticket is about\",\"continuation\":\" billing\"}\n"
      "{\"context\":\"The ticket is about\",\"continuation\":\" a delivery\"}\n"
      "{\"text\":\"One text, scored whole.\"}\n"
      "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"continuation\":\"no\"}\n";
  const Finished plain = run_program({"score", kPocketSmall}, input);
  ASSERT_EQ(plain.status, 0) << plain.errors << plain.output;
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"--no-share"}, {"--no-draft"}, {"--threads", "1"}, {"--step-tokens", "3"}}) {
    std::vector<std::string> arguments{"score", kPocketSmall};
    arguments.insert(arguments.end(), options.begin(), options.end());
    EXPECT_EQ(run_program(arguments, input).output, plain.output) << options[0];
  }
}

TEST(Score, AddsBosByTheTokenizersRuleUnlessToldOtherwise) {
  const auto models = shared_folder() / "models";
  if (!std::filesystem::exists(models)) GTEST_SKIP() << "no models in " << models;
  const std::string model = (models / "stories260K-F32.gguf").string();
  const std::string input = "{\"context\":\"Once upon a\",\"continuation\":\" time\"}";
  const double with = Json::parse(run_program({"score", model}, input).output)["logprob"];
  const double without =
      Json::parse(run_program({"score", model, "--no-add-special"}, input).output)["logprob"];
  EXPECT_NE(with, without);
}

TEST(Generate, StopsAtTheStopStringAndReportsTokens) {
  const auto models = shared_folder() / "models";
  if (!std::filesystem::exists(models)) GTEST_SKIP() << "no models in " << models;
  const std::string model = (models / "stories260K-F32.gguf").string();
  const Finished finished = run_program(
      {"generate", model},
      "{\"prompt\":\"Once upon a time\",\"max_tokens\":60,\"stop\":[\"Lily\"],\"logprobs\":true}\n"
      "{\"prompt\":\"Once upon a time\",\"max_tokens\":5}\n{\"prompt\":\"x\",\"max_tokens\":0}\n");
  EXPECT_EQ(finished.status, 1);
  const auto lines = lines_of(finished.output);
  ASSERT_EQ(lines.size(), 3u);
  const Json first = Json::parse(lines[0]);
  EXPECT_EQ(first["text"], ", there was a little girl named ");
  EXPECT_EQ(first["finish_reason"], "stop");
  EXPECT_EQ(first["token_logprobs"].size(), first["ids"].size());
  EXPECT_EQ(first["prompt_tokens"], 5);
  const Json second = Json::parse(lines[1]);
  EXPECT_EQ(second["finish_reason"], "length");
  EXPECT_EQ(second["completion_tokens"], 5);
  EXPECT_FALSE(second.contains("token_logprobs"));
  EXPECT_TRUE(Json::parse(lines[2]).contains("error"));
}

TEST(Inspect, DescribesABundledModel) {
  const Finished finished = run_program({"inspect", kPocketSmall, "--json"});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const Json model = Json::parse(finished.output);
  EXPECT_EQ(model["architecture"], "llama");
  EXPECT_GT(model["parameters"].get<int64_t>(), 500'000);
  EXPECT_TRUE(model["has_chat_template"].get<bool>());
  EXPECT_FALSE(model["tensors"].empty());
  EXPECT_THAT(run_program({"inspect", kPocketSmall}).output, HasSubstr("Q8_0"));
}

TEST(Inspect, ShowsMemoryByContextLengthOnTheDevice) {
  const auto memory = [](const std::string& reference) {
    const Finished finished = run_program({"inspect", reference, "--json"});
    EXPECT_EQ(finished.status, 0) << finished.errors;
    return Json::parse(finished.output)["memory"];
  };
  const std::string windowed = (golden_folder() / "tiny_families" / "mistral").string();
  const Json reference = memory(windowed + "?device=reference");
  EXPECT_EQ(reference["device"], "reference");
  // 256 positions of two layers, keys and values of two heads of six floats; its window saves nothing.
  EXPECT_EQ(reference["contexts"].size(), 1u);
  EXPECT_EQ(reference["contexts"][0]["tokens"], 256);
  EXPECT_GE(reference["contexts"][0]["keys_and_values"].get<int64_t>(), 256 * 2 * 2 * 2 * 6 * 4);
  EXPECT_EQ(reference["contexts"][0]["total"].get<int64_t>(),
            reference["contexts"][0]["keys_and_values"].get<int64_t>() + reference["weights"].get<int64_t>());
  EXPECT_THAT(run_program({"inspect", windowed}).output,
              AllOf(HasSubstr("window          21"), HasSubstr("windows make no difference")));
  const Json pocket = memory(kPocketSmall + "?device=reference");
  EXPECT_FALSE(pocket["windows"].get<bool>());
  EXPECT_GT(pocket["weights"].get<int64_t>(), 4'000'000);  // a million of them in float32
}

TEST(Inspect, ShowsTheModelAsItWouldBeComputed) {
  const auto inspect = [](const std::string& options) {
    const std::string base = (golden_folder() / "tiny_lora" / "wide_heads_bf16.gguf").string();
    const Finished finished = run_program({"inspect", base + options, "--json"});
    EXPECT_EQ(finished.status, 0) << finished.errors;
    return Json::parse(finished.output);
  };
  const std::string adapter = "adapter=" + (golden_folder() / "tiny_lora" / "attention").string();
  const Json base = inspect("?device=reference");
  const Json adapted = inspect("?" + adapter);
  const Json rounded = inspect("?" + adapter + "&quant=bf16");
  EXPECT_TRUE(base["bytes"].contains("BF16"));
  EXPECT_TRUE(adapted["bytes"].contains("BF16+LoRA"));
  EXPECT_FALSE(rounded["bytes"].contains("BF16+LoRA"));
  EXPECT_THAT(adapted["notes"][0].get<std::string>(), HasSubstr("rank 4, 6 matrices"));
  EXPECT_EQ(adapted["parameters"], base["parameters"]);
  EXPECT_NE(adapted["fingerprint"], base["fingerprint"]);
  EXPECT_NE(adapted["fingerprint"], rounded["fingerprint"]);
}

TEST(Inspect, DescribesAVocabulary) {
  const auto file = shared_folder() / "tokenizers" / "ggml-vocab-gpt-2.gguf";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not here";
  const Finished finished = run_program({"inspect", file.string()});
  EXPECT_EQ(finished.status, 0) << finished.errors;
  EXPECT_THAT(finished.output, HasSubstr("50257"));
}

TEST(Inspect, ComparesTokenizersOnATextBySlice) {
  const std::string texts = (golden_folder() / "tokenizers" / "comparison" / "texts.jsonl").string();
  const std::string other = (golden_folder() / "tokenizers" / "llama2").string();
  const std::vector<std::string> command = {
      "inspect", "small=" + kPocketSmall, "--compare", other, "--text", texts, "--slices", "language"};
  const Finished text = run_program(command);
  ASSERT_EQ(text.status, 0) << text.errors;
  EXPECT_THAT(text.output,
              AllOf(HasSubstr("language=de"), HasSubstr("T|he"), HasSubstr("more tokens with llama2")));
  std::vector<std::string> with_json = command;
  with_json.emplace_back("--json");
  const Json report = Json::parse(run_program(with_json).output);
  EXPECT_EQ(report["all"]["words"], 111);
  EXPECT_EQ(report["all"]["tokens"][1], 746);  // of the golden file
  EXPECT_GT(report["all"]["ratio"].get<double>(), 1.0);
  EXPECT_EQ(report["slices"].size(), 5u);
  EXPECT_EQ(report["models"][0]["context_length"], 512);
  EXPECT_GT(report["models"][0]["template_tokens"].get<int>(), 0);
  EXPECT_TRUE(report["models"][1]["template_tokens"].is_null());
  EXPECT_EQ(report["chat_template"], "only of small");
}

TEST(Inspect, RefusesTextsThatCannotBeCompared) {
  const TemporaryFolder folder;
  const auto compare = [&](const std::string& file, const std::vector<std::string>& more = {}) {
    std::vector<std::string> command = {"inspect", kPocketSmall, "--compare", kPocketSmall, "--text", file};
    command.insert(command.end(), more.begin(), more.end());
    return run_program(command);
  };
  const Finished empty = compare(folder.write("empty.txt", " \n").string());
  EXPECT_EQ(empty.status, 3);
  EXPECT_THAT(empty.errors, HasSubstr("holds no words"));
  const std::string rows = folder.write("rows.jsonl", "{\"text\":\"a\"}\n{\"body\":\"b\"}\n").string();
  EXPECT_THAT(compare(rows).errors, AllOf(HasSubstr("(row 2)"), HasSubstr("'text' is no text")));
  EXPECT_THAT(compare(rows, {"--slices", "tier"}).errors, HasSubstr("(row 1): has no field 'tier'"));
  const std::string other_ending =
      folder.write("rows.ndjson", "{\"text\":\"a\"}\n{\"body\":\"b\"}\n").string();
  EXPECT_THAT(compare(other_ending).errors, HasSubstr("(row 2)"));
  const std::string lines = folder.write("lines.txt", "a b\nc\n").string();
  EXPECT_EQ(compare(lines).status, 0);
  EXPECT_EQ(compare(lines, {"--slices", "tier"}).status, 2);
  EXPECT_EQ(compare((folder.path() / "absent.txt").string()).status, 3);
  EXPECT_EQ(run_program({"inspect", kPocketSmall, "--compare", kPocketSmall}).status, 2);
}

TEST(Doctor, SaysWhatThisMachineOffers) {
  const Finished finished = run_program({"doctor", "--json"});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const Json report = Json::parse(finished.output);
  EXPECT_GE(report["machine"]["processors"].get<int>(), 1);
  EXPECT_GT(report["machine"]["memory_available_bytes"].get<int64_t>(), 0);
  EXPECT_FALSE(report["machine"]["huge_pages_note"].get<std::string>().empty());
  EXPECT_FALSE(report["backends"].empty());
  ASSERT_EQ(report["cpu_tiers"].size(), cpu_tiers().size());
  const std::string text = run_program({"doctor"}).output;
  for (const Json& tier : report["cpu_tiers"]) {
    EXPECT_FALSE(tier["note"].get<std::string>().empty()) << tier;
    EXPECT_THAT(text, HasSubstr(tier["tier"].get<std::string>()));
  }
  EXPECT_FALSE(report.contains("limits")) << "measuring takes seconds and is asked for";
}

// A tier that the machine has is taken; one that it lacks ends the command with the reason, never in silence.
TEST(CpuTier, IsTakenOrRefusedByName) {
  const Json report = Json::parse(run_program({"doctor", "--json"}).output);
  const std::string input = "{\"text\":\"Hello\"}\n";
  for (const Json& tier : report["cpu_tiers"]) {
    const auto name = tier["tier"].get<std::string>();
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"score", kPocketSmall, "--cpu-tier", name},
          std::vector<std::string>{"score", kPocketSmall + "?cpu_tier=" + name}}) {
      const Finished finished = run_program(arguments, input);
      if (tier["available"].get<bool>()) {
        EXPECT_EQ(finished.status, 0) << finished.errors;
      } else {
        EXPECT_EQ(finished.status, 4);
        EXPECT_THAT(finished.errors, HasSubstr(tier["note"].get<std::string>()));
      }
    }
  }
}

TEST(CpuTier, UnknownNamesAreUsageErrorsThatListTheNames) {
  std::string known = "known: ";
  for (const CpuTierEntry& entry : cpu_tiers())
    known += std::string(entry.name) + (entry.tier == cpu_tiers().back().tier ? "" : ", ");
  for (const char* command : {"score", "generate"}) {
    const Finished option = run_program({command, kPocketSmall, "--cpu-tier", "sse9"});
    EXPECT_EQ(option.status, 2);
    EXPECT_THAT(option.errors, HasSubstr(known));
  }
  const Finished in_reference = run_program({"score", kPocketSmall + "?cpu_tier=sse9"});
  EXPECT_EQ(in_reference.status, 2);
  EXPECT_THAT(in_reference.errors, HasSubstr(known));
}

// The option stands for a model that says nothing itself: its own tier, or a device that has no tiers, wins.
TEST(CpuTier, AModelsOwnOptionsComeFirst) {
  const std::string input = "{\"text\":\"Hello\"}\n";
  const std::string tier(cpu_tiers().front().name);
  const Finished own = run_program({"score", kPocketSmall + "?cpu_tier=sse9", "--cpu-tier", tier}, input);
  EXPECT_THAT(own.errors, HasSubstr("sse9"));
  const Finished reference =
      run_program({"score", kPocketSmall + "?device=reference", "--cpu-tier", tier}, input);
  EXPECT_EQ(reference.status, 0) << reference.errors;
}

TEST(DoctorSlow, MeasuresTheMachine) {
  const Finished finished = run_program({"doctor", "--measure", "--json"});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const Json limits = Json::parse(finished.output)["limits"];
  ASSERT_FALSE(limits.empty());
  EXPECT_EQ(limits.back()["what"], "memory read");
  EXPECT_EQ(limits.back()["unit"], "GB/s");
  EXPECT_THAT(run_program({"doctor", "--measure"}).output, HasSubstr("memory read"));
}

TEST(BenchSlow, MeasuresAModelWithoutATokenizer) {
  const std::string folder = (golden_folder() / "tiny_llama/wide_heads_bf16?dtype=float32").string();
  const Finished finished = run_program({"bench", folder, "--quick", "--threads", "2", "--streams", "1,2",
                                         "--step-tokens", "16,64", "--questions", "3", "--json"});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const Json report = Json::parse(finished.output);
  EXPECT_EQ(report["threads"], 2);
  EXPECT_EQ(report["dtype"], "float32");
  EXPECT_GT(report["weight_bytes"].get<int64_t>(), 0);
  ASSERT_EQ(report["prompts"].size(), 2u);
  EXPECT_EQ(report["prompts"][1]["step_tokens"], 64);
  ASSERT_EQ(report["generation"].size(), 2u);
  EXPECT_EQ(report["generation"][1]["streams"], 2);
  ASSERT_EQ(report["drafts"].size(), 2u);
  EXPECT_EQ(report["drafts"][1]["streams"], 2);
  ASSERT_EQ(report["shared_prefix"].size(), 2u);
  EXPECT_EQ(report["shared_prefix"][0]["questions"], 3);
  for (const Json& limit : report["limits"]) EXPECT_EQ(limit["threads"], 2);
  const std::string text = run_program({"bench", folder, "--quick"}).output;
  EXPECT_THAT(text, HasSubstr("of peak"));
  EXPECT_THAT(text, HasSubstr("accepted/step"));
  EXPECT_THAT(text, HasSubstr("tokens asked"));
}

TEST(Bench, RefusesWhatCannotBeMeasured) {
  EXPECT_EQ(run_program({"bench", kPocketSmall, "--prompt", "513"}).status, 2) << "the context is 512";
  EXPECT_EQ(run_program({"bench", kPocketSmall, "--streams", "0"}).status, 2);
  EXPECT_EQ(run_program({"bench", kPocketSmall + "?device=none"}).status, 2);
  EXPECT_EQ(run_program({"bench", "no/such/model.gguf"}).status, 3);
}

TEST(List, ShowsTheTables) {
  EXPECT_THAT(run_program({"list", "backends"}).output,
              AllOf(HasSubstr("reference"), HasSubstr("an OpenAI-compatible server")));
  EXPECT_THAT(run_program({"list", "tasks"}).output, HasSubstr("helpdesk"));
  EXPECT_THAT(run_program({"list", "metrics"}).output, HasSubstr("acc_norm"));
  EXPECT_THAT(run_program({"list", "models"}).output, HasSubstr("pocket-small"));
  const Json tasks = Json::parse(run_program({"list", "tasks", "--json"}).output);
  EXPECT_TRUE(tasks.is_array());
}

}  // namespace
}  // namespace sizeup
