//! Protobuf: messages beside those that prost generates from the same `.proto`, and what `--proto` prints.

mod calls;
mod forty;
#[allow(clippy::all, unreachable_pub, reason = "generated")]
mod generated;
mod json;
mod peers;
mod shapes;
mod times;

use std::path::{Path, PathBuf};

use micro::Service;

const SHAPES: &str = "tests/protobuf/shapes.proto";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The `.proto` is that which is committed.
#[test]
fn the_proto_of_every_shape() {
    micro::assert_proto!("tests/protobuf/shapes.proto", shapes::Shapes);
    let printed = Service::new("shapes").handle(shapes::Shapes).proto().unwrap();
    assert_eq!(printed, std::fs::read_to_string(path(SHAPES)).unwrap());
}

#[test]
fn the_proto_of_forty_endpoints() {
    micro::assert_proto!("tests/protobuf/forty.proto", forty::Forty);
    let files = protox::compile([path("tests/protobuf/forty.proto")], [path("tests/protobuf")]).unwrap();
    let methods: usize = files.file.iter().flat_map(|file| &file.service).map(|service| service.method.len()).sum();
    assert_eq!(methods, 40);
}

/// The greeter's, printed by the program itself.
#[test]
fn the_proto_of_the_greeter() {
    let program = tests::process::built("greeter");
    let output = std::process::Command::new(program).arg("--proto").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let committed = std::fs::read_to_string(path("../examples/proto/greeter.proto")).unwrap();
    assert_eq!(printed, committed);
    protox::compile([path("../examples/proto/greeter.proto")], [path("../examples/proto")]).unwrap();
}

/// The types beside ours are those that prost generates of it. `UPDATE=1` writes them anew.
#[test]
fn the_peers_are_generated_from_it() {
    let directory = path("tests/protobuf");
    let files = protox::compile([directory.join("shapes.proto")], [&directory]).unwrap();
    let out = tempdir();
    prost_build::Config::new()
        .btree_map(["."])
        .bytes([".shapes.Scalars.shared"])
        .out_dir(&out)
        .compile_fds(files)
        .unwrap();
    let generated = std::fs::read_to_string(out.join("shapes.rs")).unwrap();
    let _ = std::fs::remove_dir_all(&out);
    let committed = directory.join("generated.rs");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&committed, &generated).unwrap();
    }
    let same = tokens(&std::fs::read_to_string(committed).unwrap()) == tokens(&generated);
    assert!(same, "tests/protobuf/generated.rs is not what prost generates of shapes.proto: UPDATE=1 writes it anew");
}

/// What rustfmt does not change.
fn tokens(source: &str) -> Vec<String> {
    let words: String = source.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    vec![words.replace("//!", "")]
}

fn tempdir() -> PathBuf {
    let directory = std::env::temp_dir().join(format!("micro-protobuf-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    directory
}
