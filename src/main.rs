//! The command `bpconform`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(bpconform::app::main().code())
}
