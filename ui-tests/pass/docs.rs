#![deny(warnings)]
#![deny(missing_docs)]
//! Docs of every form.

use micro::Result;

/// Greets.
#[derive(Debug)]
pub struct Greeter;

/**
 Greets people.

     indented
*/
#[micro::service]
impl Greeter {
    #[doc = "By an attribute."]
    ///
    /// And a comment.
    #[handler]
    async fn hello(&self) -> Result<()> {
        Ok(())
    }

    #[doc = concat!("Put together: ", "two.")]
    #[handler]
    async fn together(&self) -> Result<()> {
        Ok(())
    }

    #[handler]
    async fn without(&self) -> Result<()> {
        Ok(())
    }
}

fn look<C, S: micro::server::Handle<C>>(_: &S) {
    assert_eq!(S::METHODS[0].definition.docs, "By an attribute.\n\nAnd a comment.");
    assert_eq!(S::METHODS[1].definition.docs.trim_end(), "Put together: two.");
    assert_eq!(S::METHODS[2].definition.docs, "");
    assert!(S::SERVICE.docs.starts_with("Greets people.\n\n"), "{:?}", S::SERVICE.docs);
}

fn main() {
    look(&Greeter);
}
