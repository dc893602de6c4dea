//! What a program of a hundred messages and a hundred handlers costs the compiler, beside the same with a dispatch that
//! was written by hand over the same three codecs.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measure::{Spread, has_program};
use crate::table::{Limit, Row, Table};

const COUNT: usize = 100;

const MESSAGE: &str = "pub id: u64, pub name: String, pub tags: Vec<String>, pub next: Option<String>, pub score: f64";

fn method(number: usize) -> String {
    let reply = (number + 1) % COUNT;
    format!(
        "    async fn h{number}(&self, mut req: M{number}) -> Result<M{reply}> {{\n        req.id += 1;\n        \
         Ok(M{reply} {{ id: req.id, name: req.name, tags: req.tags, next: req.next, score: req.score }})\n    }}\n"
    )
}

fn ours() -> String {
    let mut source = "use micro::Result;\n\n".to_owned();
    for number in 0..COUNT {
        let _ = writeln!(source, "#[micro::message]\npub struct M{number} {{ {MESSAGE} }}\n");
    }
    source.push_str("struct Service;\n\n#[micro::service]\nimpl Service {\n");
    (0..COUNT).for_each(|number| source.push_str(&format!("    #[handler]\n{}", method(number))));
    source.push_str(
        "}\n\n#[micro::main]\nasync fn main() -> Result<()> {\n    \
         micro::Service::new(\"service\").init()?.handle(Service).run().await\n}\n",
    );
    source
}

fn by_hand() -> String {
    let mut source = include_str!("peers/by_hand.rs").to_owned();
    let attributes = ["uint64", "string", "string, repeated", "string, optional", "double"];
    let fields: Vec<String> = MESSAGE
        .split(", ")
        .zip(attributes)
        .enumerate()
        .map(|(at, (field, attribute))| format!("#[prost({attribute}, tag = {})] {field}", at + 1))
        .collect();
    for number in 0..COUNT {
        let fields = fields.join(", ");
        let derives = "#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]";
        let _ = writeln!(source, "{derives}\npub struct M{number} {{ {fields} }}\n");
    }
    source.push_str("impl Service {\n");
    (0..COUNT).for_each(|number| source.push_str(&method(number)));
    source.push_str("}\n\nfn dispatch<'c>(service: &'c Service, name: &str, content_type: &'c str, body: &'c [u8]) -> Reply<'c> {\n    match name {\n");
    for number in 0..COUNT {
        let _ = writeln!(
            source,
            "        \"Service.H{number}\" => Box::pin(async move {{ encode(content_type, \
             &service.h{number}(decode(content_type, body)?).await?) }}),"
        );
    }
    source.push_str("        _ => Box::pin(async { Err(\"no such endpoint\".to_owned()) }),\n    }\n}\n");
    source
}

fn write(folder: &Path, name: &str, dependencies: &str) {
    let crate_folder = folder.join(name);
    std::fs::create_dir_all(crate_folder.join("src")).expect("a folder for the program");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    std::fs::copy(root.join("Cargo.lock"), crate_folder.join("Cargo.lock")).expect("the same versions as here");
    let dependencies = dependencies.replace("{root}", &root.display().to_string());
    let manifest =
        format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n\n[workspace]\n");
    std::fs::write(crate_folder.join("Cargo.toml"), manifest).expect("the manifest");
    std::fs::write(crate_folder.join("src/main.rs"), "fn main() {}\n").expect("a program");
}

/// Seconds of CPU that `cargo build --release` takes for the program alone.
fn build(folder: &Path, name: &str) -> f64 {
    let output = Command::new("bash")
        .args(["-c", "cargo build --quiet --release && times"])
        .current_dir(folder.join(name))
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("bash is there");
    assert!(output.status.success(), "{name} does not build: {}", String::from_utf8_lossy(&output.stderr));
    // The last line is that of the children: `0m49.632s 0m0.794s`.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let seconds = |word: &str| {
        let (minutes, seconds) = word.trim_end_matches('s').split_once('m').expect("minutes and seconds");
        minutes.parse::<f64>().expect("minutes") * 60.0 + seconds.replace(',', ".").parse::<f64>().expect("seconds")
    };
    text.lines().last().expect("two lines").split_whitespace().map(seconds).sum()
}

pub(crate) fn measure(table: &mut Table) {
    if !has_program("bash") {
        return table.did_not_run("build", "bash");
    }
    let folder: PathBuf = std::env::temp_dir().join(format!("micro-build-{}", std::process::id()));
    write(&folder, "ours", "micro = { path = \"{root}/micro\" }");
    let libraries = "prost = \"0.14\"\nserde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\n\
                     rmp-serde = \"1\"\ntokio = { version = \"1\", features = [\"rt-multi-thread\", \"net\", \
                     \"macros\", \"io-util\"] }";
    write(&folder, "by-hand", libraries);
    let programs = [("ours", ours()), ("by-hand", by_hand())];
    // First all that they depend on, then each program alone.
    for (name, _) in &programs {
        build(&folder, name);
    }
    let mut spreads = programs.map(|(name, source)| {
        std::fs::write(folder.join(name).join("src/main.rs"), source).expect("the program");
        Spread::from_iter([build(&folder, name)])
    });
    let [ours, peer] = &mut spreads;
    let _ = std::fs::remove_dir_all(&folder);
    table.add(&Row {
        figure: "build: 100 messages and 100 handlers, release, CPU",
        unit: "s",
        ours,
        peer,
        peer_name: "dispatch by hand over serde_json, rmp-serde and prost",
        limit: Limit::Ratio(1.3),
    });
}
