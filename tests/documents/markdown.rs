//! Fenced blocks of a document, and the commands of a console block.
//!
//! The info string of a block says what the tests do with it:
//!
//! | info string | what it means |
//! |---|---|
//! | `console` | its commands run, and print what the block shows |
//! | `console needs=NAME` | it needs NAME, which a test does not have; only the flags of `bpconform` are checked |
//! | `LANGUAGE file=NAME` | its text is written to the file NAME before the commands after it run |
//!
//! In a console block a command begins with `$ ` and goes on in the next line after a `\`. The lines after it are its whole
//! output. A line `…` stands for any number of lines, and `…` in a line for any text. A comment `# exit N` after a command
//! is its exit code; without it, the exit code is 0.

/// A fenced block.
#[derive(Debug)]
pub(super) struct Block {
    /// The number of its first line, from 1.
    pub(super) line: usize,
    /// The language of the info string.
    pub(super) language: String,
    /// The value of `needs=`.
    pub(super) needs: Option<String>,
    /// The value of `file=`.
    pub(super) file: Option<String>,
    /// The lines between the fences.
    pub(super) text: String,
}

/// A command of a console block with what it must print.
#[derive(Debug)]
pub(super) struct Shown {
    /// The number of its line, from 1.
    pub(super) line: usize,
    /// The command, without the prompt.
    pub(super) command: String,
    /// The expected output.
    pub(super) output: Vec<String>,
    /// The expected exit code.
    pub(super) exit: i32,
}

/// The fenced blocks of a document.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let inside: Vec<_> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        let mut words = info.split_whitespace();
        let language = words.next().unwrap_or_default().to_owned();
        let words: Vec<_> = words.collect();
        let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)).map(str::to_owned);
        let known = words.iter().all(|word| word.starts_with("needs=") || word.starts_with("file="));
        assert!(known, "line {}: unknown word in the info string `{info}`", number + 1);
        let (needs, file) = (value("needs="), value("file="));
        blocks.push(Block { line: number + 2, language, needs, file, text: inside.join("\n") });
    }
    blocks
}

impl Block {
    /// The commands of a console block.
    pub(super) fn commands(&self) -> Vec<Shown> {
        let mut commands: Vec<Shown> = Vec::new();
        let mut goes_on = false;
        for (number, line) in self.text.lines().enumerate() {
            let line_number = self.line + number;
            if let Some(command) = line.strip_prefix("$ ") {
                commands.push(Shown { line: line_number, command: command.to_owned(), output: Vec::new(), exit: 0 });
            } else {
                let current =
                    commands.last_mut().unwrap_or_else(|| panic!("line {line_number}: output before a command"));
                if goes_on {
                    current.command.push('\n');
                    current.command.push_str(line);
                } else {
                    current.output.push(line.to_owned());
                    continue;
                }
            }
            goes_on = line.ends_with('\\');
        }
        for shown in &mut commands {
            shown.exit = exit_code(&shown.command);
        }
        commands
    }
}

/// The exit code that the comment of a command names.
fn exit_code(command: &str) -> i32 {
    let comment = command.rsplit_once(" # ").map_or("", |(_, comment)| comment);
    let code =
        comment.split_once("exit ").map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    code.map_or(0, |code| code.parse().unwrap_or_else(|_| panic!("no exit code in the comment of `{command}`")))
}

#[test]
fn a_console_block_is_read_into_commands_with_output_and_exit_code() {
    let text = "```console needs=docker\n$ a \\\n    -b   # says so, exit 3\none\n…\n$ c\n```\n\n```toml file=x.toml\na = 1\n```\n";
    let blocks = blocks(text);
    assert_eq!(blocks.len(), 2);
    assert_eq!((blocks[0].needs.as_deref(), blocks[1].file.as_deref()), (Some("docker"), Some("x.toml")));
    let commands = blocks[0].commands();
    assert_eq!(commands[0].command, "a \\\n    -b   # says so, exit 3");
    assert_eq!((commands[0].exit, commands[0].output.join("|")), (3, "one|…".to_owned()));
    assert_eq!((commands[1].line, commands[1].exit, commands[1].output.len()), (6, 0, 0));
}
