// The step `variants`: what each variant of a document is, and what names it.
#include "tasks/variants.h"

#include <set>

#include "tests/tasks/support.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kChoiceKeys =
    "\noutput_type: multiple_choice\ndoc_to_text: \"{{q}}\"\ndoc_to_choice: "
    "\"{{c}}\"\ndoc_to_target: "
    "\"{{a}}\"\n";

Json colour_question(const std::string& id, const std::string& text, const Json& answer) {
  return {{"id", id}, {"q", text}, {"c", {"red", "green", "blue", "grey"}}, {"a", answer}};
}

std::string variant_step(const std::string& variants) {
  return "process_docs: {function: variants, variants: [" + variants + "]}";
}

std::vector<Sample> variant_samples(const Json& rows, const std::string& variants,
                                    const std::string& rest = kChoiceKeys) {
  return test::samples_of(*test::task_over(rows, variant_step(variants) + rest));
}

TEST(Variants, EachDocumentComesAsItIsAndOnceForEachChange) {
  const auto all = variant_samples(
      Json::array({colour_question("x", "What colour?", 1), colour_question("y", "And this?", 2)}),
      "{name: loud, change: upper, fields: q}, {name: again, "
      "set: {q: \"Say: {{q}}\"}}");
  std::vector<std::string> asked, ids, variants;
  for (const Sample& sample : all) {
    asked.push_back(sample.prompt.user);
    ids.push_back(sample.id);
    variants.push_back(sample.slices.at("variant"));
  }
  EXPECT_THAT(asked, ElementsAre("What colour?", "WHAT COLOUR?", "Say: What colour?", "And this?",
                                 "AND THIS?", "Say: And this?"));
  EXPECT_THAT(ids, ElementsAre("x", "x:loud", "x:again", "y", "y:loud", "y:again"));
  EXPECT_THAT(variants, ElementsAre("original", "loud", "again", "original", "loud", "again"));
  EXPECT_EQ(all[0].document_hash, all[2].document_hash) << "samples of one document";
  EXPECT_NE(all[0].document_hash, all[3].document_hash);
}

TEST(Variants, ADocumentWithoutIdIsNamedByItsNumber) {
  Json first = colour_question("x", "one", 0);
  Json second = colour_question("y", "two", 0);
  first.erase("id");
  second.erase("id");
  const auto all = variant_samples({first, second}, "{name: loud, change: upper, fields: q}");
  EXPECT_EQ(all[2].id, "1");
  EXPECT_EQ(all[3].id, "1:loud");
}

// A text of its own for all documents, read after the change; a variant's
// stands instead.
TEST(Variants, TemplatesReadWhatTheChangeLeft) {
  const auto task = test::task_over(Json::array({colour_question("x", "Why?", 0)}),
                                    "process_docs: {function: variants, set: {p: \"Q: "
                                    "{{q}}\"}, variants: [{name: loud, change: upper, "
                                    "fields: q}, {name: last, set: {p: \"{{q}} "
                                    ":Q\"}}]}\noutput_type: multiple_choice\ndoc_to_text: p\n"
                                    "doc_to_choice: c\ndoc_to_target: a\n");
  const auto all = test::samples_of(*task);
  EXPECT_EQ(all[0].prompt.user, "Q: Why?");
  EXPECT_EQ(all[1].prompt.user, "Q: WHY?");
  EXPECT_EQ(all[2].prompt.user, "Why? :Q");
}

// What is drawn hangs on the document and the seed, not on where the document
// stands.
TEST(Variants, ADocumentGetsTheSameTyposAnywhere) {
  const std::string typos = "{name: typos, change: typos, fields: q, rate: 0.5}";
  const Json x = colour_question("x", "please could somebody look after the broken fountain", 0);
  const Json y = colour_question("y", "another question about something entirely different", 0);
  const auto both = variant_samples({x, y}, typos);
  const auto other = variant_samples({y, x}, typos);
  EXPECT_EQ(both[1].prompt.user, other[3].prompt.user);
  EXPECT_EQ(both[3].prompt.user, other[1].prompt.user);
  EXPECT_NE(both[1].prompt.user, both[0].prompt.user);
  const auto seeded = test::samples_of(*test::task_over(
      Json::array({x}),
      "process_docs: {function: variants, seed: 2, variants: [" + typos + "]}" + kChoiceKeys));
  EXPECT_NE(seeded[1].prompt.user, both[1].prompt.user);
}

TEST(Variants, TyposStayOutOfKeptFieldsAndOfTheTarget) {
  const Json row = {{"q", "green paint or yellow paint quickly"}, {"a", "yellow paint"}, {"l", {"green"}}};
  const auto task = test::task_over(Json::array({row}),
                                    variant_step("{name: typos, change: typos, fields: q, rate: 1, keep: [a, "
                                                 "l]}, {name: loud, change: upper, fields: q}") +
                                        "\noutput_type: generate_until\ndoc_to_text: "
                                        "q\ndoc_to_target: a\nmetric_list: [{metric: exact_match}]\n");
  const auto all = test::samples_of(*task);
  EXPECT_THAT(all[1].prompt.user, testing::StartsWith("green paint or yellow paint q"));
  EXPECT_NE(all[1].prompt.user, all[0].prompt.user);
  for (const Sample& sample : all) EXPECT_EQ(sample.accepted, std::vector<std::string>{"yellow paint"});
}

// The right option stays right, whichever way the answer is written.
TEST(Options, TheTargetFollows) {
  const std::vector<std::string> given = {"red", "green", "blue", "grey"};
  for (const char* order : {"reversed", "rotated", "shuffled"}) {
    std::set<std::vector<std::string>> orders;
    for (int document = 0; document < 40; ++document) {
      const int gold = document % 4;
      const auto all = variant_samples(
          Json::array({colour_question(std::to_string(document), "which?", gold)}),
          std::string("{name: o, change: options, choices: c, answer: a, order: ") + order + "}");
      std::vector<std::string> options;
      for (const Ask& ask : all[1].asks) options.push_back(std::get<AskScore>(ask).continuation);
      EXPECT_THAT(options, testing::UnorderedElementsAreArray(given));
      EXPECT_NE(options, given);
      EXPECT_EQ(all[1].accepted, std::vector<std::string>{given[static_cast<size_t>(gold)]});
      EXPECT_EQ(options[static_cast<size_t>(all[1].gold[0])], given[static_cast<size_t>(gold)]);
      orders.insert(options);
    }
    if (std::string(order) == "shuffled") {
      EXPECT_GT(orders.size(), 10U) << "of 23";
    } else {
      const std::vector<std::string> expected =
          std::string(order) == "reversed" ? std::vector<std::string>{"grey", "blue", "green", "red"}
                                           : std::vector<std::string>{"green", "blue", "grey", "red"};
      EXPECT_THAT(orders, ElementsAre(expected));
    }
  }
}

TEST(Options, InFieldsOfTheirOwnWithALetter) {
  const Json row = {{"q", "which?"}, {"A", "one"}, {"B", "two"}, {"C", "three"}, {"a", "A"}};
  const auto task =
      test::task_over(Json::array({row}), variant_step("{name: o, change: options, choices: [A, B, "
                                                       "C], answer: a, order: reversed}") +
                                              "\noutput_type: multiple_choice\ndoc_to_text: "
                                              "\"{{q}} {{A}} {{B}} {{C}}\"\ndoc_to_choice: "
                                              "[A, B, C]\n"
                                              "doc_to_target: a\n");
  const auto all = test::samples_of(*task);
  EXPECT_EQ(all[1].prompt.user, "which? three two one");
  EXPECT_EQ(all[1].target, "C");
}

TEST(Options, AnAnswerInWordsOrDigitsFollowsToo) {
  const std::string reversed = "{name: o, change: options, choices: c, answer: a, order: reversed}";
  EXPECT_EQ(variant_samples(Json::array({colour_question("x", "which?", "green")}), reversed)[1].gold,
            std::vector<int>{2});
  EXPECT_EQ(variant_samples(Json::array({colour_question("x", "which?", "1")}), reversed)[1].gold,
            std::vector<int>{2});
}

TEST(Variants, ExamplesAreNeverVariantsOfWhatIsAsked) {
  const TemporaryFolder folder;
  folder.write("d.jsonl", to_line(colour_question("x", "one?", 0)) + "\n" +
                              to_line(colour_question("y", "two?", 1)) + "\n");
  folder.write("e.jsonl", to_line(colour_question("e", "example?", 3)) + "\n");
  const std::string keys =
      "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: "
      "d.jsonl, dev: e.jsonl}}\ntest_split: "
      "test\n"
      "num_fewshot: 1\n" +
      variant_step("{name: loud, change: upper, fields: q}") + kChoiceKeys;
  const auto task = test::load(folder.write("t.yaml", keys + "fewshot_split: dev\n"));
  for (const Sample& sample : test::samples_of(*task))
    EXPECT_THAT(sample.prompt.user, testing::StartsWith("example? grey"));
  const auto refused = load_task(folder.write("u.yaml", keys + "fewshot_split: test\n"), {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(describe(refused.error()), HasSubstr("in variants"));
}

TEST(Docs, TheTableOfChangesIsTheProgramS) {
  std::string table;
  for (const ChangeListing& change : variant_changes())
    table += "| `" + change.name + "` | " + change.description + " |\n";
  EXPECT_THAT(read_whole(source_path("docs/robustness.md")), HasSubstr("|---|---|\n" + table + "\n"));
}

std::string variant_refusal(const std::string& node) {
  try {
    test::task_over({{{"q", "Why, then?"}, {"n", 3}, {"c", {"x", "y"}}, {"a", "z"}}},
                    "process_docs: " + node +
                        "\noutput_type: generate_until\ndoc_to_text: q\ndoc_to_target: a\n"
                        "metric_list: [{metric: exact_match}]\n");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

std::string wrong_variant(const std::string& variant) {
  return variant_refusal("{function: variants, variants: [" + variant + "]}");
}

TEST(Variants, MistakesAreNamed) {
  EXPECT_EQ(wrong_variant("{name: a, change: upper, fields: q}"), "");
  EXPECT_THAT(variant_refusal("variants"), HasSubstr("does not say which variants"));
  EXPECT_THAT(variant_refusal("{function: variants, seed: -1, variants: "
                              "[{name: a, change: upper, fields: q}]}"),
              HasSubstr("'seed'"));
  EXPECT_THAT(wrong_variant("{change: upper, fields: q}"), HasSubstr("has no name"));
  EXPECT_THAT(wrong_variant("{name: a}"), HasSubstr("'a' changes nothing"));
  EXPECT_THAT(wrong_variant("{name: original, change: upper, fields: q}"),
              HasSubstr("two variants named 'original'"));
  EXPECT_THAT(wrong_variant("{name: a, change: uper, fields: q}"),
              testing::AllOf(HasSubstr("unknown change 'uper'"), HasSubstr("upper")));
  EXPECT_THAT(wrong_variant("{name: a, change: upper, fields: q, rate: 0.1}"), HasSubstr("rate"));
  EXPECT_THAT(wrong_variant("{name: a, change: upper}"), HasSubstr("lacks its 'fields'"));
  EXPECT_THAT(wrong_variant("{name: a, change: upper, fields: n}"),
              testing::AllOf(HasSubstr("d.jsonl:1"), HasSubstr("'n' is no text")));
  EXPECT_THAT(wrong_variant("{name: a, change: upper, fields: missing}"), HasSubstr("'missing'"));
  EXPECT_THAT(wrong_variant("{name: a, change: typos, fields: q}"), HasSubstr("'rate' is no share"));
  EXPECT_THAT(wrong_variant("{name: a, change: typos, fields: q, rate: 20}"),
              HasSubstr("'rate' is no share"));
  EXPECT_THAT(wrong_variant("{name: a, change: typos, fields: q, rate: 1, keep: k}"),
              HasSubstr("'k' is missing"));
  EXPECT_THAT(wrong_variant("{name: a, change: typos, fields: q, rate: 1, keep: q}"),
              HasSubstr("'a' changes no document"));
  EXPECT_THAT(wrong_variant("{name: a, change: filler, fields: q, words: 9}"), HasSubstr("'text'"));
  EXPECT_THAT(wrong_variant("{name: a, change: filler, fields: q, text: x, words: many}"),
              HasSubstr("'words'"));
  EXPECT_THAT(wrong_variant("{name: a, change: filler, fields: q, text: x, "
                            "words: 9, place: below}"),
              HasSubstr("'below'"));
  EXPECT_THAT(wrong_variant("{name: a, change: options, choices: c, answer: a}"),
              HasSubstr("\"z\" is none of the 2 options"));
  EXPECT_THAT(wrong_variant("{name: a, change: options, choices: q, answer: a}"),
              HasSubstr("'q' is no list"));
  EXPECT_THAT(wrong_variant("{name: a, change: options, choices: c, answer: a, order: sorted}"),
              HasSubstr("'sorted'"));
  EXPECT_THAT(wrong_variant("{name: a, set: {q: \"{{x}}\"}}"),
              testing::AllOf(HasSubstr("d.jsonl:1"), HasSubstr("x")));
  EXPECT_THAT(wrong_variant("{name: a, set: {q: [x]}}"), HasSubstr("'q' is no text"));
  EXPECT_THAT(variant_refusal("[{function: variants, variants: [{name: a, change: upper, fields: "
                              "q}]}, {function: "
                              "variants, variants: [{name: b, change: lower, fields: q}]}]"),
              HasSubstr("a field 'variant' already"));
}

}  // namespace
}  // namespace sizeup
