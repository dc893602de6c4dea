//! The greeter as a new user meets it: from curl, from Python, from another host.

use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tests::netns::Namespace;
use tests::process::Process;
use tests::{has_namespaces, has_program, need};

/// The built greeter.
fn greeter() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| tests::process::built("greeter"))
}

/// A greeter on loopback that nobody needs to find, and its address.
fn serve() -> (Process, String) {
    let mut process = Process::start(Command::new(greeter()).args([
        "--registry=memory",
        "--server_address=127.0.0.1:0",
        "--log_level=error",
    ]));
    let address = address(&mut process);
    (process, address)
}

/// The address in what it says to try next.
fn address(process: &mut Process) -> String {
    loop {
        if let Some((_, rest)) = process.line().split_once("http://") {
            return rest.split('/').next().unwrap().to_owned();
        }
    }
}

/// What curl says, and the status at the end.
fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl").args(["-s", "-w", " [%{http_code}]"]).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

const JSON: &str = "content-type: application/json";

#[test]
fn curl_is_answered_over_both_versions_of_http() {
    if !need("curl", has_program("curl")) {
        return;
    }
    let (_process, address) = serve();
    let url = format!("http://{address}/Greeter/Hello");
    let large = std::env::temp_dir().join(format!("micro-large-{}", std::process::id()));
    std::fs::write(&large, vec![b' '; 5 << 20]).unwrap();
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let call = |arguments: &[&str]| curl(&[&[version], arguments].concat());
        assert_eq!(call(&["-H", JSON, "-d", r#"{"name":"John"}"#, &url]), r#"{"greeting":"Hello John"} [200]"#);
        let route = format!("http://{address}/v1/hello/John%20Doe");
        assert_eq!(call(&[&route]), r#"{"greeting":"Hello John Doe"} [200]"#);
        let wrong = call(&["-H", JSON, "-d", "{\"name\":\n 3}", &url]);
        for part in ["line 2", "column", "`name`", "[400]"] {
            assert!(wrong.contains(part), "{part} is not in {wrong}");
        }
        let unknown = call(&["-H", JSON, "-d", "{}", &format!("http://{address}/Greeter/Nope")]);
        assert!(unknown.contains("Greeter.Hello") && unknown.ends_with("[404]"), "{unknown}");
        let media = call(&["-H", "content-type: text/x", "-d", "{}", &url]);
        assert!(media.contains("application/json, application/msgpack") && media.ends_with("[415]"), "{media}");
        let form = call(&["-d", "{}", &url]);
        assert!(form.contains("-H 'content-type: application/json'") && form.ends_with("[415]"), "{form}");
        let data = format!("@{}", large.display());
        let too_large = call(&["-H", JSON, "-H", "expect:", "--data-binary", &data, &url]);
        assert!(too_large.contains("4MiB") && too_large.ends_with("[413]"), "{version}: {too_large}");
        let get = call(&["-D", "-", &url]);
        assert!(get.to_ascii_lowercase().contains("allow: post") && get.ends_with("[405]"), "{get}");
    }
    std::fs::remove_file(large).unwrap();
}

#[test]
fn python_is_answered_in_json_and_messagepack() {
    let there = Command::new("python3").args(["-c", "import msgpack"]).stderr(Stdio::null()).status();
    if !need("python3 with msgpack", there.is_ok_and(|status| status.success())) {
        return;
    }
    let (_process, address) = serve();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/call.py");
    let output = Command::new("python3").args([script, &address]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = "application/json Hello John\napplication/msgpack Hello John\n404\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

/// A greeter in a namespace; it has said that it can be called.
fn greeter_in(namespace: &Namespace, arguments: &[&str]) -> Process {
    let mut process = Process::start(namespace.command(greeter()).arg("--log_level=error").args(arguments));
    address(&mut process);
    process
}

/// What a client in a namespace gets, and how long it took.
fn call_from(namespace: &Namespace) -> (Result<String, String>, Duration) {
    let start = Instant::now();
    let mut command = namespace.command(greeter());
    let output = command.arg("--run_client").env_remove("MICRO_REGISTRY_ADDRESS").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let said = if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) };
    (said, start.elapsed())
}

#[test]
fn a_service_is_found_from_another_host_and_gone_when_it_stops() {
    if !need("root and `ip`, for network namespaces", has_namespaces()) {
        return;
    }
    let (server, client) = (Namespace::new(), Namespace::new());
    server.link("10.77.0.1/24", &client, "10.77.0.2/24");
    let mut service = greeter_in(&server, &[]);
    let (said, took) = call_from(&client);
    assert_eq!(said.as_deref(), Ok("Hello John"));
    assert!(took < Duration::from_secs(1), "{took:?}");
    service.signal("TERM");
    assert!(service.ends_within(Duration::from_secs(10)).success());
    let (said, _) = call_from(&client);
    assert!(said.unwrap_err().contains("service \"greeter\" is not in the registry mdns"));
}

#[test]
fn a_host_with_two_links_is_reached_over_each() {
    if !need("root and `ip`, for network namespaces", has_namespaces()) {
        return;
    }
    let (server, left, right) = (Namespace::new(), Namespace::new(), Namespace::new());
    server.link("10.78.0.1/24", &left, "10.78.0.2/24");
    server.link("10.79.0.1/24", &right, "10.79.0.2/24");
    let _service = greeter_in(&server, &[]);
    for caller in [&left, &right] {
        let (said, took) = call_from(caller);
        assert_eq!(said.as_deref(), Ok("Hello John"));
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

#[test]
fn a_host_that_dies_costs_no_call_and_is_forgotten() {
    if !need("root and `ip`, for network namespaces", has_namespaces()) {
        return;
    }
    let (first, second, client) = (Namespace::new(), Namespace::new(), Namespace::new());
    first.link("10.80.0.1/24", &client, "10.80.0.2/24");
    second.link("10.81.0.1/24", &client, "10.81.0.2/24");
    let probe_in = |namespace: &Namespace| {
        let mut command = namespace.command(env!("CARGO_BIN_EXE_probe"));
        let mut probe =
            Process::start(command.args(["--register_ttl=2s", "--register_interval=500ms", "--log_level=error"]));
        probe.line();
        probe
    };
    let (dies, lives) = (probe_in(&first), probe_in(&second));
    let mut caller = Process::start(client.command(env!("CARGO_BIN_EXE_caller")).arg("--log_level=error"));
    let (dies_id, lives_id) = (dies.id().to_string(), lives.id().to_string());
    let (mut saw_first, mut saw_second) = (false, false);
    while !(saw_first && saw_second) {
        let line = caller.line();
        assert!(line == dies_id || line == lives_id, "{line}");
        saw_first |= line == dies_id;
        saw_second |= line == lives_id;
    }
    dies.signal("KILL");
    let killed = Instant::now();
    // For longer than its time to live; lines that were under way when it died may still name it.
    while killed.elapsed() < Duration::from_secs(4) {
        let line = caller.line();
        let late = killed.elapsed() > Duration::from_secs(1);
        assert!(line == lives_id || (line == dies_id && !late), "{line}");
    }
}
