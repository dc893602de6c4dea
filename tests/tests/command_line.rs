//! What a person sees who types something wrong, or asks what there is: exit status and text, as golden files.
//!
//! `GOLDEN=overwrite cargo test -p tests --test command_line` writes them anew; read the difference.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn probe() -> Command {
    program(env!("CARGO_BIN_EXE_probe"))
}

/// A program with nothing of this machine's environment that counts.
fn program(path: impl AsRef<Path>) -> Command {
    let mut command = Command::new(path.as_ref());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MICRO_") || name == "RUST_LOG") {
        command.env_remove(name);
    }
    command
}

/// Compares what a program said, and its exit status, with `golden/<name>.txt`.
fn golden(name: &str, output: &Output, hide: &[(&str, &str)]) {
    let mut said = format!("exit status {}\n", output.status.code().expect("it ended by itself"));
    for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let text = String::from_utf8_lossy(bytes);
        if !text.is_empty() {
            said.push_str(&format!("--- {stream}\n{text}"));
        }
    }
    for (varies, placeholder) in hide {
        said = said.replace(varies, placeholder);
    }
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.txt"));
    if std::env::var("GOLDEN").as_deref() == Ok("overwrite") {
        std::fs::write(&file, &said).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(said, expected, "{} differs", file.display());
}

#[test]
fn an_unknown_registry_says_which_was_meant() {
    golden("unknown_registry", &probe().arg("--registry=mdnss").output().unwrap(), &[]);
}

#[test]
fn an_unknown_transport_says_what_is_linked() {
    golden("unknown_transport", &probe().arg("--transport=pigeon").output().unwrap(), &[]);
}

#[test]
fn a_plugin_that_is_not_linked_says_how_to_link_it() {
    golden("plugin_not_linked", &probe().args(["--registry", "directory"]).output().unwrap(), &[]);
}

#[test]
fn a_feature_that_is_off_says_how_to_turn_it_on() {
    // The same program, built without the feature: a build of its own, beside that of the tests.
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let target = Path::new(env!("CARGO_BIN_EXE_probe")).parent().unwrap().join("without-mdns");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "-p", "tests", "--bin", "probe", "--no-default-features", "--target-dir"])
        .arg(&target)
        .current_dir(root)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let output = program(target.join("debug/probe")).arg("--registry=mdns").output().unwrap();
    golden("feature_off", &output, &[]);
}

#[test]
fn one_name_of_two_crates_names_both() {
    let output = program(env!("CARGO_BIN_EXE_twice")).arg("--registry=memory").output().unwrap();
    golden("name_taken_twice", &output, &[]);
}

#[test]
fn an_unknown_flag_has_a_tip() {
    golden("unknown_flag", &probe().arg("--regitry=mdns").output().unwrap(), &[]);
}

#[test]
fn bad_addresses_say_what_an_address_is() {
    for (name, argument) in [
        ("bad_address", "--server_address=nowhere"),
        ("bad_port", "--server_address=127.0.0.1:99999"),
        ("bad_advertise", "--server_advertise=auto:10.1"),
        ("bad_registry_address", "--registry_address=lo:mdns"),
    ] {
        let arguments = [argument, "--server_address=127.0.0.1:0"];
        let arguments = if argument.starts_with("--server_address") { &arguments[..1] } else { &arguments[..] };
        golden(name, &probe().args(arguments).arg("--log_level=off").output().unwrap(), &[]);
    }
}

#[test]
fn bad_values_say_what_is_right() {
    golden("bad_duration", &probe().arg("--register_ttl=soon").output().unwrap(), &[]);
    golden("bad_duration_of_the_environment", &probe().env("MICRO_REGISTER_TTL", "soon").output().unwrap(), &[]);
    golden("bad_size", &probe().arg("--max_message_size=4MB").output().unwrap(), &[]);
    golden("bad_number", &probe().arg("--max-connections=0").output().unwrap(), &[]);
    golden("bad_level", &probe().arg("--log_level=loud").output().unwrap(), &[]);
    golden("bad_metadata", &probe().arg("--server_metadata=zone").output().unwrap(), &[]);
    golden("bad_content_type", &probe().arg("--client_content_type=text/x").output().unwrap(), &[]);
}

#[test]
fn a_port_in_use_ends_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output =
        probe().arg(format!("--server_address={address}")).args(["--registry=memory", "--log_level=off"]).output();
    golden("port_in_use", &output.unwrap(), &[(&address, "127.0.0.1:PORT")]);
}

#[test]
fn the_program_tells_what_there_is() {
    golden("help", &probe().arg("--help").output().unwrap(), &[]);
    golden("version", &probe().arg("--version").output().unwrap(), &[]);
    golden("plugins", &probe().arg("--plugins").output().unwrap(), &[(env!("CARGO_PKG_VERSION"), "VERSION")]);
    let output = probe()
        .args(["--print-config", "--registry-address=lo", "--server_metadata=zone=a"])
        .env("MICRO_CLIENT_RETRIES", "3")
        .output();
    golden("print_config", &output.unwrap(), &[]);
}
