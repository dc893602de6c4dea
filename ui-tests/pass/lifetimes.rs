#![deny(warnings)]
use micro::Result;

struct Words<'a>(&'a str);

#[micro::service]
impl<'a> Words<'a> {
    #[handler]
    async fn say(&self) -> Result<String> {
        Ok(self.0.to_owned())
    }
}

struct Lines<'a>(&'a str);

#[micro::service]
impl Lines<'_> {
    #[handler]
    async fn say(&self) -> Result<String> {
        Ok(self.0.to_owned())
    }
}

#[micro::service]
trait Loud {
    #[handler]
    async fn shout(&self) -> Result<String>;
}

#[micro::service]
impl<'a> Loud for Words<'a> {
    async fn shout(&self) -> Result<String> {
        Ok(self.0.to_uppercase())
    }
}

fn endpoints<C, S: micro::server::Handle<C>>(_: &S) -> Vec<&'static str> {
    S::METHODS.iter().map(|method| method.definition.name).collect()
}

fn main() {
    assert_eq!(endpoints::<WordsClient, _>(&Words("a")), ["Words.Say"]);
    assert_eq!(endpoints::<LoudClient, _>(&Words("a")), ["Loud.Shout"]);
    assert_eq!(endpoints(&Lines("a")), ["Lines.Say"]);
}
