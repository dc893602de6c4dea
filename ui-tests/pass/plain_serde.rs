#![deny(warnings)]
use micro::{Bytes, Result};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Plain {
    name: String,
}

#[derive(Serialize, Deserialize)]
enum Choice {
    Yes,
    No,
}

struct Anything;

#[micro::service]
impl Anything {
    #[handler]
    async fn plain(&self, plain: Plain) -> Result<Choice> {
        Ok(if plain.name.is_empty() { Choice::No } else { Choice::Yes })
    }

    #[handler]
    async fn value(&self, value: serde_json::Value) -> Result<std::collections::HashMap<String, Vec<u8>>> {
        drop(value);
        Ok(Default::default())
    }

    #[handler]
    async fn bytes(&self, bytes: Bytes) -> Result<Bytes> {
        Ok(bytes)
    }

    #[handler]
    async fn tuple(&self, (a, b): (u32, String)) -> Result<(String, u32)> {
        Ok((b, a))
    }

    #[handler]
    async fn array(&self, words: [u8; 4]) -> Result<Box<str>> {
        Ok(format!("{words:?}").into())
    }
}

fn look<C, S: micro::server::Handle<C>>(_: &S) {
    let plain = &S::METHODS[0].definition;
    assert_eq!(plain.request.value().kind, "Plain");
    assert!(plain.request.content_types.contains(&"application/json"));
    let bytes = &S::METHODS[2].definition;
    assert_eq!(bytes.content_types().collect::<Vec<_>>(), ["application/octet-stream"]);
}

fn main() {
    look(&Anything);
}
