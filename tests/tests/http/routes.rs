//! Routes: the answers of `routes.golden` to curl, and what curl cannot say.

use std::collections::BTreeMap;
use std::sync::Arc;

use micro::__private::http::{decode, decode_form};
use micro::server::{Handle, Router};
use micro::transport::{Http, Limits, Transport};
use micro::{Bytes, Code, Result};
use proptest::prelude::*;
use tests::wire::{Answer, Raw};
use tokio_util::sync::CancellationToken;

#[micro::message]
struct Hello {
    name: String,
}

#[micro::message]
struct Greeting {
    greeting: String,
}

#[micro::message]
struct Find {
    id: u64,
    #[serde(rename = "withPosts")]
    posts: bool,
}

#[micro::message]
#[serde(rename_all = "camelCase")]
struct Rename {
    user_id: i32,
    display_name: String,
    labels: BTreeMap<String, String>,
}

#[micro::message]
struct Search {
    text: String,
    page: u8,
    tags: Vec<String>,
    order: Order,
    near: Option<Place>,
    hash: Bytes,
}

#[micro::message]
enum Order {
    Newest,
    Best,
}

#[micro::message]
struct Place {
    lat: f64,
    lon: f32,
}

/// Nothing is known of its fields but that serde reads them.
#[derive(serde::Serialize, serde::Deserialize)]
struct Plain {
    id: i64,
    #[serde(default)]
    text: String,
}

struct Shop;

#[micro::service]
impl Shop {
    #[handler(http = "GET /v1/hello/{name}")]
    async fn hello(&self, request: Hello) -> Result<Greeting> {
        Ok(Greeting { greeting: format!("Hello {}", request.name) })
    }

    #[handler(http = "GET /v1/users/{id}")]
    async fn find(&self, request: Find) -> Result<Find> {
        match request.id {
            404 => Err(micro::Error::not_found("no such user").with_id("shop.users")),
            _ => Ok(request),
        }
    }

    #[handler(http = "GET /v1/users/me")]
    async fn me(&self) -> Result<Greeting> {
        Ok(Greeting { greeting: "It is you".into() })
    }

    #[handler(http = "PUT /v1/users/{user_id}")]
    async fn rename(&self, request: Rename) -> Result<Rename> {
        Ok(request)
    }

    #[handler(http = "GET /v1/search")]
    async fn search(&self, request: Search) -> Result<Search> {
        Ok(request)
    }

    #[handler(http = "GET /v1/plain/{id}")]
    async fn plain(&self, request: Plain) -> Result<Plain> {
        Ok(request)
    }

    #[handler(http = "POST /v1/raw")]
    async fn raw(&self, request: Bytes) -> Result<Bytes> {
        Ok(request)
    }

    /// Its route is the path of another method's name.
    #[handler(http = "GET /Shop/Hello")]
    async fn shown(&self) -> Result<Greeting> {
        Ok(Greeting { greeting: "by route".into() })
    }
}

/// A server of these routes, until it is dropped.
struct Served {
    port: u16,
    stop: CancellationToken,
}

impl Served {
    async fn start() -> Self {
        let mut router = Router::new("shop");
        router.add(Arc::new(Shop)).unwrap();
        let listener = Http::new().listen("127.0.0.1:0", &Limits::default()).await.unwrap();
        let port = listener.address().rsplit_once(':').unwrap().1.parse().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(listener.serve(Arc::new(router), stop.clone()));
        Self { port, stop }
    }

    /// The answer to a request with this first line and no body.
    async fn ask(&self, line: &str) -> Answer {
        let mut raw = Raw::connect(self.port).await;
        raw.send(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        if line.starts_with("HEAD") { raw.head().await } else { raw.answer().await }
    }

    async fn name(&self, path: &str) -> (u16, serde_json::Value) {
        let answer = self.ask(&format!("GET {path}")).await;
        (answer.status(), serde_json::from_slice(&answer.body).unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What people see of an answer: its status, the headers that matter, its body.
fn shown(answer: &Answer) -> String {
    let header = |name| answer.header(name).map(|value| format!(" {name}: {value}")).unwrap_or_default();
    let mut shown = format!("{}{}{}", answer.status(), header("content-type"), header("allow"));
    // With a body it is curl who counts.
    if answer.body.is_empty() {
        shown += &header("content-length");
    }
    format!("{shown}\n{}\n", answer.text()).trim_end().to_owned() + "\n"
}

#[tokio::test]
async fn curl_gets_what_the_golden_file_says() {
    if !tests::need("curl", tests::has_program("curl")) {
        return;
    }
    let served = Served::start().await;
    let golden = include_str!("routes.golden");
    let blocks: Vec<&str> = golden.split("\n\n").map(str::trim_end).collect();
    assert!(blocks.len() >= 20, "{} command lines", blocks.len());
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let mut answers = Vec::new();
        for block in &blocks {
            let line = block.lines().next().unwrap();
            let arguments = line.strip_prefix("$ curl ").unwrap_or_else(|| panic!("no command: {line}"));
            let command =
                format!("exec curl -s -i {version} {}", arguments.replace("$S", &format!("127.0.0.1:{}", served.port)));
            let output = tokio::process::Command::new("sh").args(["-c", &command]).output().await.unwrap();
            assert!(output.status.success(), "{line}: {output:?}");
            answers.push(format!("{line}\n{}", shown(&Answer::parse(&output.stdout))));
        }
        let answers = answers.join("\n");
        assert!(answers == golden, "over {version} the answers are:\n{answers}");
    }
}

#[tokio::test]
async fn a_head_is_a_get_without_its_body() {
    let served = Served::start().await;
    for path in ["/v1/hello/John", "/v1/users/404", "/v1/users/x", "/nowhere"] {
        let mut get = served.ask(&format!("GET {path}")).await;
        let mut head = served.ask(&format!("HEAD {path}")).await;
        for answer in [&mut get, &mut head] {
            answer.headers.retain(|(name, _)| name != "date");
        }
        assert_eq!((head.start, head.headers), (get.start, get.headers), "{path}");
        assert_eq!((head.body.len(), get.body.is_empty()), (0, false));
    }
}

/// Encodes all that is not unreserved, and a part of the rest, in either case of digits.
fn encoded(bytes: &[u8], more: u8) -> String {
    let each = |(index, byte): (usize, &u8)| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' if index % 7 != usize::from(more % 7) => {
            char::from(*byte).to_string()
        }
        byte if more % 2 == 0 => format!("%{byte:02x}"),
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().enumerate().map(each).collect()
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_again(bytes: Vec<u8>, more: u8) {
        let text = encoded(&bytes, more);
        prop_assert_eq!(decode(&text).unwrap(), &bytes[..]);
        let form = text.replace("%20", "+");
        prop_assert_eq!(decode_form(&form).unwrap(), &bytes[..]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_variable_arrives_as_it_was(name in "\\PC{1,40}", more: u8) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let served = Served::start().await;
            let variable = encoded(name.as_bytes(), more);
            let (status, reply) = served.name(&format!("/v1/hello/{variable}?name={variable}")).await;
            prop_assert_eq!((status, &reply["greeting"]), (200, &format!("Hello {name}").into()));
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn what_is_no_text_in_utf8_is_refused() {
    let served = Served::start().await;
    for path in
        ["/v1/hello/%", "/v1/hello/%4", "/v1/hello/%zz", "/v1/hello/x?%zz=1", "/v1/search?text=%", "/v1/search?%ff=1"]
    {
        let (status, error) = served.name(path).await;
        assert_eq!(status, 400, "{path}");
        assert!(error["detail"].as_str().unwrap().contains("is no percent-encoded UTF-8"), "{error}");
    }
    for path in ["/v1/hello/%ff", "/v1/search?text=a%C3"] {
        let (status, error) = served.name(path).await;
        assert_eq!(status, 400, "{path}");
        assert!(error["detail"].as_str().unwrap().contains("is not text in UTF-8"), "{error}");
    }
    // Bytes are no text.
    let (status, reply) = served.name("/v1/search?hash=%00a%ff").await;
    assert_eq!((status, &reply["hash"]), (200, &serde_json::json!([0, 97, 255])));
}

#[tokio::test]
async fn a_url_without_end_is_no_stack_without_end() {
    let served = Served::start().await;
    for (path, status) in [
        (format!("/v1/search?near{}=1", ".lat".repeat(3_000)), 400),
        (format!("/v1/plain/1?{}=1", "a.".repeat(5_000)), 400),
        (format!("/v1{}", "/x".repeat(5_000)), 404),
        (format!("/v1/plain/1?{}", "a&".repeat(5_000)), 400),
        (format!("/v1/search?{}", "tags=a&".repeat(2_000)), 200),
    ] {
        assert_eq!(served.name(&path).await.0, status, "{}", &path[..24]);
    }
}

#[tokio::test]
async fn a_body_has_the_rest_and_its_places_stay() {
    let served = Served::start().await;
    let put = async |body: &str| {
        let mut raw = Raw::connect(served.port).await;
        let head = format!("PUT /v1/users/7 HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
        raw.send(head + body).await;
        let answer = raw.answer().await;
        (answer.status(), answer.text().to_owned())
    };
    let jane = r#"{"userId":7,"displayName":"Jane","labels":{}}"#;
    for body in [r#"{"displayName":"Jane"}"#, " {\"displayName\":\"Jane\" }\n ", r#"{"userId":7,"displayName":"Jane"}"#]
    {
        assert_eq!(put(body).await, (200, jane.to_owned()), "{body}");
    }
    for body in ["", " \n", "{}", " { } "] {
        assert_eq!(put(body).await, (200, jane.replace("Jane", "")), "{body}");
    }
    for (body, part) in [
        (
            "{\"displayName\":\n 7}",
            "field `displayName`: invalid type: integer `7`, expected a string at line 2 column",
        ),
        (r#"{"userId":8}"#, "field `userId` differs from the one in the path (give it once) at line 1 column"),
        ("{", "at line 1 column 1"),
        ("[]", "expected an object at line 1 column"),
        ("{} x", "trailing characters at line 1 column 4"),
        ("{\"labels\":{", "EOF while parsing"),
        (r#"{"userId":7,"userId":7}"#, "duplicate field `userId`"),
    ] {
        let (status, text) = put(body).await;
        let error: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(status == 400 && error["detail"].as_str().unwrap().contains(part), "{body}: {text}");
    }
    // Deeper than any stack.
    assert_eq!(put(&"{\"a\":".repeat(100_000)).await.0, 400);
}

fn refused<C: 'static, A: Handle<C>, D: 'static, B: Handle<D>>(one: A, other: B) -> micro::Error {
    let mut router = Router::new("shop");
    router.add(Arc::new(one)).unwrap();
    router.add(Arc::new(other)).unwrap_err()
}

#[test]
fn two_handlers_with_routes_for_the_same_paths_are_refused() {
    #[micro::message]
    struct User {
        user: String,
    }

    struct Other;

    #[micro::service]
    impl Other {
        #[handler(http = "GET /v1/users/{user}")]
        async fn find(&self, _: User) -> Result<()> {
            Ok(())
        }
    }

    struct Named;

    #[micro::service]
    impl Named {
        #[handler(http = "POST /Shop/Hello")]
        async fn hello(&self, _: Hello) -> Result<()> {
            Ok(())
        }
    }

    let error = refused(Shop, Other);
    let text = r#"the routes of "Shop.Find" (GET /v1/users/{id}) and "Other.Find" (GET /v1/users/{user}) are for the same paths: give one of them another path or method"#;
    assert_eq!((error.code(), error.detail()), (Code::AlreadyExists, text));
    let text = r#"the route of "Named.Hello" is how "Shop.Hello" is called by its name: give it another path"#;
    assert_eq!(refused(Shop, Named).detail(), text);
    assert_eq!(refused(Named, Shop).detail(), text);
}

#[test]
fn a_variable_that_text_cannot_fill_is_refused() {
    #[micro::message]
    struct Deep {
        place: Place,
        #[serde(skip)]
        secret: u8,
        name: String,
    }

    struct Bad;

    #[micro::service]
    impl Bad {
        #[handler(http = "GET /{place}")]
        async fn hello(&self, _: Deep) -> Result<()> {
            Ok(())
        }
    }

    struct Worse;

    #[micro::service]
    impl Worse {
        #[handler(http = "GET /{secret}")]
        async fn hello(&self, _: Deep) -> Result<()> {
            Ok(())
        }
    }

    let error = Router::new("x").add(Arc::new(Bad)).unwrap_err();
    let text =
        r#"the route of "Bad.Hello" (GET /{place}): text cannot fill the field `place`; these can: place.*, name"#;
    assert_eq!((error.code(), error.detail()), (Code::FailedPrecondition, text));
    let error = Router::new("x").add(Arc::new(Worse)).unwrap_err();
    assert!(
        error.detail().ends_with("`secret` is no field that a caller can fill; these can: place.*, name"),
        "{error}"
    );
}
