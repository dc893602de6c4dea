//! Other people's programs: curl and h2spec.

use micro::transport::Limits;
use tests::say::Running;

#[tokio::test]
async fn curl_calls_over_both_versions() {
    if !tests::need("curl", tests::has_program("curl")) {
        return;
    }
    let running = Running::start(Limits::default()).await;
    let url = format!("http://127.0.0.1:{}/Say/Hello", running.port);
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let curl = async |arguments: &[&str]| {
            let mut curl = tokio::process::Command::new("curl");
            curl.args(["-sS", version, "-w", " %{http_code} %{http_version}"]).args(arguments).arg(&url);
            let output = curl.output().await.unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let number = if version == "--http1.1" { "1.1" } else { "2" };
        let json = ["-H", "content-type: application/json", "-d", "{\"name\":\"John\"}"];
        assert_eq!(curl(&json).await, format!("{{\"msg\":\"Hello John\"}} 200 {number}"));
        let micro = [&json[..], &["-H", "micro-endpoint: Say.Fail"]].concat();
        assert_eq!(curl(&micro).await, format!(" 200 {number}"));
        assert!(curl(&["-d", "{}", "-H", "content-type: text/x"]).await.ends_with(&format!(" 415 {number}")));
        assert!(curl(&[]).await.ends_with(&format!(" 405 {number}")), "GET");
    }
}

#[tokio::test]
async fn h2spec_finds_nothing_but_the_preface() {
    let go = std::process::Command::new("go").args(["env", "GOPATH"]).output();
    let folder = go.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let installed = std::path::Path::new(&folder).join("bin/h2spec");
    let program = if tests::has_program("h2spec") { "h2spec".into() } else { installed };
    let what = "h2spec (go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible)";
    if !tests::need(what, program.as_os_str() == "h2spec" || program.is_file()) {
        return;
    }
    let running = Running::start(Limits::default()).await;
    let mut h2spec = tokio::process::Command::new(program);
    h2spec.args(["-h", "127.0.0.1", "-p", &running.port.to_string(), "-P", "/Say/Hello", "-o", "2"]);
    let output = String::from_utf8(h2spec.output().await.unwrap().stdout).unwrap();
    let failed: Vec<_> = output.lines().filter(|line| line.contains('×')).map(str::trim).collect();
    // A port that also speaks HTTP/1.1 answers an invalid preface as HTTP/1.1.
    let preface = |line: &&str| line.contains("Sends invalid connection preface");
    assert!(failed.iter().all(preface), "{output}");
    assert!(output.contains("145 tests, 144 passed, 0 skipped, 1 failed"), "{output}");
}
