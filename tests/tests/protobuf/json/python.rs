//! Google's `protobuf` for Python over `http.client`: its bytes and its JSON, both ways, for a message of every shape.

use std::process::{Command, Stdio};

use micro::Service;
use tests::need;

use super::peers::POOL;
use super::shapes::Mirror;

#[tokio::test(flavor = "multi_thread")]
async fn python_is_answered_in_protobuf_and_json() {
    let there = Command::new("python3").args(["-c", "import google.protobuf"]).stderr(Stdio::null()).status();
    if !need("python3 with protobuf", there.is_ok_and(|status| status.success())) {
        return;
    }
    let registry = micro::registry::Memory::new();
    let service = Service::new("mirror").address("127.0.0.1:0").registry(registry);
    let running = service.handle(Mirror).start().await.unwrap();
    let types = std::env::temp_dir().join(format!("micro-python-{}.bin", std::process::id()));
    std::fs::write(&types, POOL.encode_to_vec()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/proto.py");
    let address = running.address().to_owned();
    let asked = types.clone();
    let output = tokio::task::spawn_blocking(move || {
        Command::new("python3").args([script, &address]).arg(asked).output().unwrap()
    });
    let output = output.await.unwrap();
    let _ = std::fs::remove_file(&types);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said, "application/protobuf 202\napplication/json 202\n400 `options.at`\n");
}
