//! Errors: what a handler says, and what its caller sees.

use micro::{Code, Error, Result, ResultExt, Service};

#[micro::message]
struct Question {
    text: String,
}

#[micro::message]
struct Answer {
    number: i64,
}

struct Oracle;

#[micro::service]
impl Oracle {
    #[handler]
    async fn ask(&self, question: Question) -> Result<Answer> {
        let number = match question.text.as_str() {
            "" => return Err(Error::bad_request("ask something")),
            "tea" => return Err(Error::from_status(418, "short and stout")),
            "who" => return Err(Error::not_found("nobody of that name")),
            "boom" => panic!("the oracle fell off its chair"),
            // The error of another crate becomes ours on purpose: callers see the code and the text given here, and
            // logs have the rest.
            text => text.parse::<i64>().or_code(Code::InvalidArgument, format!("{text:?} is no number"))?,
        };
        Ok(Answer { number })
    }
}

#[micro::main]
async fn main() -> Result<()> {
    let running = Service::new("oracle")
        .address("127.0.0.1:0")
        .registry(micro::registry::Memory::new())
        .handle(Oracle)
        .start()
        .await?;
    let oracle = OracleClient::new("oracle", running.client());

    for text in ["42", "", "who", "tea", "forty", "boom", "43"] {
        match oracle.ask(Question { text: text.into() }).await {
            Ok(answer) => println!("{text:?}: {}", answer.number),
            Err(error) => println!("{text:?}: {}, status {}: {}", error.code(), error.status(), error.detail()),
        }
    }

    // An error knows how far its call had come, and where to.
    let error = oracle.ask(Question { text: "who".into() }).await.unwrap_err();
    println!("\n{error}");
    let error = oracle.ask(Question::default()).address("127.0.0.1:1").retries(0).await.unwrap_err();
    println!("{error}");
    let error = OracleClient::new("orcle", running.client()).ask(Question::default()).await.unwrap_err();
    println!("{error}");

    // A caller tells them apart by the code.
    match oracle.ask(Question { text: "who".into() }).await {
        Err(error) if error.code() == Code::NotFound => println!("\nthen we ask somebody else"),
        other => println!("\n{other:?}"),
    }

    running.stop().await
}
