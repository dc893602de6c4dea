//! What the integration tests share.

pub mod alloc;
pub mod dns;
pub mod fuzz;
pub mod h2;
pub mod netns;
pub mod pour;
pub mod prices;
pub mod probe;
pub mod process;
pub mod proto;
pub mod say;
pub mod vectors;
pub mod wire;

/// Whether a test that needs `what` can run. Where it is missing the test says so in one line and returns; in CI
/// (`CI=true`) a missing part is a failure.
pub fn need(what: &str, there: bool) -> bool {
    if !there {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "did not run: needs {what}");
        eprintln!("did not run: needs {what}");
    }
    there
}

/// Whether a program can be started by its name.
pub fn has_program(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

/// Whether the test may make network namespaces: root, and `ip` is there.
pub fn has_namespaces() -> bool {
    let root = std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t")));
    root && has_program("ip")
}
