#![deny(warnings)]
use micro::Result;

#[micro::message]
struct Move {
    r#type: String,
    r#in: u32,
}

#[micro::message]
enum r#Enum {
    r#Where,
}

#[allow(non_camel_case_types)]
struct r#loop;

#[micro::service]
impl r#loop {
    #[handler(http = "POST /v1/{type}")]
    async fn r#move(&self, r#match: Move) -> Result<Enum> {
        drop(r#match);
        Ok(Enum::default())
    }
}

fn endpoints<C, S: micro::server::Handle<C>>(_: &S) -> Vec<&'static str> {
    S::METHODS.iter().map(|method| method.definition.name).collect()
}

fn calls(client: micro::Client) {
    drop(loopClient::new("loop", client).r#move(Move::default()));
}

fn main() {
    assert_eq!(endpoints(&r#loop), ["loop.Move"]);
    let _ = calls;
    let shape = serde_json::to_value(Move::default()).expect("it has a form");
    assert_eq!(shape, serde_json::json!({"type": "", "in": 0}));
}
