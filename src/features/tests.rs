use cucumber::gherkin::StepType;

use super::*;

/// A feature with this scenario.
fn with(scenario: &str) -> String {
    format!("@observe @BP-PRE-01\nFeature: F\n\n{scenario}")
}

const STEPS: &str = "    When I open the Author's login page\n    Then AEM's login page is shown\n";

fn read(text: &str) -> Result<Features, FeatureError> {
    let mut features = Features { all: Vec::new(), cases: Vec::new() };
    features.add("a.feature", text, Vocabulary::built_in()).map(|()| features)
}

#[test]
fn the_built_in_features_pass_every_check() {
    let mut checked = Features { all: Vec::new(), cases: Vec::new() };
    for (file, text, _) in BUILT_IN {
        checked.add(file, text, Vocabulary::built_in()).unwrap_or_else(|error| panic!("{error}"));
    }
    let unchecked = Features::built_in().expect("they are well formed");
    assert_eq!(checked.all, unchecked.all);
}

#[test]
fn every_spelling_of_a_scenario_is_the_same() {
    let plain = with(&format!("  Scenario: S\n{STEPS}"));
    let german = "# language: de \n@observe @BP-PRE-01\nFunktionalität: F\n\n  Szenario: S\n    Wenn I open the Author's login page\n    \
        Dann AEM's login page is shown\n";
    let texts = [
        plain.clone(),
        plain.replace("When ", "* ").replace("Then ", "* "),
        plain.replace("When ", "Given ").replace("Then ", "And "),
        plain.replace("When ", "* ").replace("Then ", "And "),
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r"),
        plain.replace('\n', "  \n"),
        plain.replace("  ", "\t"),
        format!("\n\n# a comment\n{plain}"),
        german.to_owned(),
        german.replace("Wenn ", "* ").replace("Dann ", "* "),
        plain.replace("  Scenario", "  Rule: R\n  Scenario"),
        plain.replace("  Scenario: S\n", "  Background:\n").replace("    Then", "  Scenario: S\n    Then"),
    ];
    for text in texts {
        let features = read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let steps: Vec<_> = features.cases[0].steps.iter().map(|step| (step.ty, step.value.as_str())).collect();
        let wanted =
            [(StepType::When, "I open the Author's login page"), (StepType::Then, "AEM's login page is shown")];
        assert_eq!(steps, wanted, "{text}");
        let mut found = Vec::new();
        for scenario in &features.all[0].scenarios {
            found.extend(scenario.steps.iter().map(|step| step.ty));
        }
        assert!(found.iter().all(|ty| [StepType::When, StepType::Then].contains(ty)), "what is run is what was found");
    }
}

#[test]
fn what_would_silently_be_left_out_is_refused_with_its_line() {
    let scenario = format!("  Scenario: S\n{STEPS}");
    let table = "    Then I may open each of these:\n      | Package Manager |\n";
    let outline = |examples: &str| with(&format!("  Scenario Outline: S <x>\n{STEPS}{examples}"));
    for (line, problem, text) in [
        (
            4,
            "no step reads \"I open the Author's door\"; did you mean \"I open the Author's login page\"?",
            with("  Scenario: S\n    When I open the Author's door\n").replace("\n\n", "\n"),
        ),
        (5, "is read as a description; a step begins with Given", with(&scenario.replace("When", "Wen"))),
        (
            5,
            "is read as a description; a step begins with Given",
            with(&scenario.replace("    When ", "\u{a0}\u{a0}When ")),
        ),
        (5, "is read as a description; a step begins with Given", with(&scenario.replace("When ", "when "))),
        (5, "is read as a description; a step begins with Given", with(&scenario.replace("When ", "When\u{a0}"))),
        (5, "is read as a description; a step begins with Given", with(&scenario.replace("When ", "- "))),
        (5, "is read as a description; a step begins with Given", with(&scenario.replace("When ", "Wenn "))),
        (4, "did you mean `Scenario:`?", with(&format!("  Senario: S\n{STEPS}\n  Scenario: T\n{STEPS}"))),
        (7, "did you mean `Scenario:`?", with(&format!("{scenario}Scenarion: T\n{STEPS}"))),
        (4, "did you mean `Background:`?", with(&format!("  Backgroud:\n    When I open\n\n{scenario}"))),
        (4, "the scenario has no steps", with("  Scenario: S\n")),
        (4, "the scenario has no name", with(&format!("  Scenario:\n{STEPS}"))),
        (7, "`Rule:` cannot stand here", with(&format!("  Rule: R\n    text\n\n  Rule: T\n{scenario}"))),
        (7, "the rule has no scenario", with(&format!("{scenario}  Rule: R\n    text\n"))),
        (2, "the feature has no scenario", with("  text\n")),
        (4, "the outline has no examples", outline("")),
        (7, "the examples have no row", outline("    Examples:\n")),
        (7, "the examples have no row", outline("    Examples:\n      | x |\n")),
        (9, "this row has 2 cells, and the row above it 1", outline("    Examples:\n      | x |\n      | 1 | 2 |\n")),
        (
            10,
            "this row has 1 cells, and the row above it 2",
            outline("    Examples:\n      | x | y |\n      | 1 | \\| |\n      | 1 |\n"),
        ),
        (7, "the examples have two columns \"x\"", outline("    Examples:\n      | x | x |\n      | 1 | 2 |\n")),
        (7, "this row has 2 cells", with(&format!("  Scenario: S\n{table}      | a | b |\n"))),
        (7, "the text that begins here has no \"\"\" at its end", with(&format!("{scenario}      \"\"\"\n      x\n"))),
        (7, "a file has one feature", with(&format!("{scenario}Feature: G\n{scenario}"))),
        (7, "the file ends where something must follow", with(&format!("{scenario}  @observe\n"))),
        (1, "the file has no feature", String::new()),
        (1, "the file has no feature", "\n# text\n\n".to_owned()),
        (1, "\"xx\" is not a language of Gherkin", format!("# language: xx\n{}", with(&scenario))),
        (2, "the language must stand in the first line", format!("# text\n# language: en\n{}", with(&scenario))),
        (1, "no valid Gherkin: \"Once upon a time\"", "Once upon a time\n".to_owned()),
    ] {
        let error = read(&text).err().unwrap_or_else(|| panic!("{problem}\n{text}"));
        assert!(error.problem.contains(problem), "{error}\n{text}");
        assert_eq!(error.line, line, "{error}\n{text}");
    }
}

#[test]
fn descriptions_comments_and_texts_are_left_alone() {
    let texts = [
        with(&format!(
            "  A description with * bullets\n  and | pipes | and @at: so.\n  Note: it is long.\n\n  Scenario: S\n    The scenario's own.\n{STEPS}"
        )),
        with(&format!("  Scenario: S\n    # When\n{}", STEPS.replace("page\n", "page # x\n").replace(" # x\n", "\n"))),
        with(&format!("  Scenario: S\n{STEPS}      \"\"\"json\n      | a | b |\n      | c |\n      \"\"\"\n")),
        with(&format!("  Scenario: S\n{STEPS}      ```\n      \"\"\"\n      ```\n")),
    ];
    for text in texts {
        assert_eq!(read(&text).map(|features| features.cases.len()), Ok(1), "{text}");
    }
}
