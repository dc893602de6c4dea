//! What every plugin of a kind must do, as cases that its author runs.
//!
//! Each file holds the promises of one trait, a case for each. A plugin's tests call the suite of its kind with a
//! function that makes a fresh plugin:
//!
//! ```ignore
//! micro::conformance::registry!(make_consul);      // async fn make_consul() -> Arc<dyn micro::Registry>
//! ```

/// One test for each case of a suite; the suites' own macros call it.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance {
    ($kind:ident, $make:expr; $($case:ident)*) => {$(
        #[$crate::__private::tokio::test(crate = "::micro::__private::tokio")]
        async fn $case() {
            $crate::conformance::$kind::$case($make().await).await;
        }
    )*};
}

pub mod broker;
pub mod codec;
pub mod registry;
pub mod selector;
pub mod transport;

pub use crate::__conformance_broker as broker;
pub use crate::__conformance_codec as codec;
pub use crate::__conformance_registry as registry;
pub use crate::__conformance_selector as selector;
pub use crate::__conformance_transport as transport;
