//! A crate that knows `micro` by another name and depends on nothing else.

use framework::{Context, Options, Result, Selector};

/// Who is greeted.
#[framework::message(crate = framework)]
pub struct HelloRequest {
    /// The name.
    pub name: String,
    /// Others.
    pub others: Vec<String>,
}

/// How to greet.
#[framework::message(crate = framework)]
pub enum Greeting {
    /// With words.
    Words(String),
    /// With a gesture.
    Gesture,
}

/// Greets.
#[derive(Debug)]
pub struct Greeter;

/// Greets people.
#[framework::service(crate = framework)]
impl Greeter {
    /// Greets one person.
    #[handler(crate = framework, timeout = "2s", http = "GET /v1/hello/{name}")]
    async fn hello(&self, _: Context, req: HelloRequest) -> Result<Greeting> {
        Ok(Greeting::Words(req.name))
    }
}

/// Says goodbye.
#[framework::service(crate = framework)]
pub trait Polite {
    /// Says goodbye to one person.
    #[handler]
    async fn goodbye(&self, req: HelloRequest) -> Result<Greeting>;
}

#[framework::service(crate = framework)]
impl Polite for Greeter {
    async fn goodbye(&self, _: HelloRequest) -> Result<Greeting> {
        Ok(Greeting::Gesture)
    }
}

/// Takes the first node.
#[derive(Debug)]
pub struct First;

/// The first node, always.
#[framework::plugin(selector = "first", crate = framework)]
fn first(_: &Options) -> Result<First> {
    Ok(First)
}

impl Selector for First {
    fn pick<'n>(
        &self,
        nodes: &'n framework::selector::Snapshot,
        excluded: &[&str],
    ) -> Option<&'n std::sync::Arc<framework::selector::Node>> {
        nodes.nodes().iter().find(|node| !excluded.contains(&node.id()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugin_is_found() {
        assert_eq!(framework::plugin::find::<dyn Selector>("first").expect("it is linked").package, "ui-tests-renamed");
    }

    #[test]
    fn a_program_can_start() {
        #[framework::main(crate = framework)]
        async fn main() -> Result<()> {
            Ok(())
        }
        assert_eq!(format!("{:?}", main()), format!("{:?}", std::process::ExitCode::SUCCESS));
    }
}

/// Out of a file that another crate has too.
pub mod shapes {
    framework::proto!("../proto/shapes.proto", crate = framework);
}
