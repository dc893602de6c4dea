#![allow(deprecated)]
#![deny(warnings)]
use std::collections::HashMap;

use micro::Result;
use micro::schema::Described;

/// Who is greeted.
///
/// And how.
#[micro::message]
#[serde(rename_all = "camelCase")]
struct HelloRequest {
    /// The name.
    user_name: String,
    tags: HashMap<String, i64>,
    #[serde(skip)]
    secret: u32,
    friends: Vec<HelloRequest>,
    mood: Mood,
    raw: Vec<u8>,
    #[serde(flatten)]
    more: More,
}

#[micro::message]
struct More {
    #[deprecated]
    extra: Option<bool>,
}

#[micro::message]
enum Mood {
    Good,
    Bad,
}

struct Greeter;

#[micro::service]
impl Greeter {
    #[handler]
    async fn hello(&self, req: HelloRequest) -> Result<Mood> {
        Ok(req.mood)
    }
}

fn described<C, S: micro::server::Handle<C>>(_: &S) -> Described {
    S::METHODS[0].definition.request
}

fn main() {
    let request = described(&Greeter);
    let value = request.value();
    let fields: Vec<_> = value.values.iter().map(|field| (&*field.name, &*field.kind)).collect();
    let expected = [
        ("userName", "string"),
        ("tags", "map[string]int64"),
        ("friends", "[]HelloRequest"),
        ("mood", "string"),
        ("raw", "[]uint8"),
        ("extra", "bool"),
    ];
    assert_eq!(fields, expected);
    let schema = request.json_schema();
    let definition = &schema["$defs"]["HelloRequest"];
    assert_eq!(definition["description"], "Who is greeted.\n\nAnd how.");
    assert_eq!(definition["properties"]["userName"]["description"], "The name.");
    assert_eq!(definition["properties"]["friends"]["items"]["$ref"], "#/$defs/HelloRequest");
    assert_eq!(schema["$defs"]["Mood"]["enum"], serde_json::json!(["Good", "Bad"]));
    assert_eq!(schema["$defs"]["More"]["properties"]["extra"]["deprecated"], true);
    assert!(definition["properties"].get("secret").is_none());
}
