//! Every file of `pass/` and `fail/`, in one run of the compiler.

use std::path::Path;
use std::process::Command;

/// The outputs in `fail/` are this compiler's, to the letter.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn what_is_right_compiles_and_what_is_wrong_says_why() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("a compiler ran to build this test").stdout;
    let version = String::from_utf8_lossy(&version);
    beside_the_cases("proto");
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    if version.starts_with(COMPILER) {
        cases.compile_fail("fail/*.rs");
    } else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "did not run: needs {COMPILER}x, not {version}");
        eprintln!("did not run: the outputs of fail/ are those of {COMPILER}x, not of {version}");
    }
}

/// Copies a folder to where the cases are compiled, as paths in them go from there on.
fn beside_the_cases(folder: &str) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is inside of the target directory");
    let copies = target.join("tests/trybuild/ui-tests").join(folder);
    std::fs::create_dir_all(&copies).expect("the target directory can be written");
    let originals = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("the folder is there");
    for original in originals {
        let original = original.expect("readable");
        std::fs::copy(original.path(), copies.join(original.file_name())).expect("it can be copied");
    }
}
